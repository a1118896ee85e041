//! The page, and what it is made of: files as they are, within the binary.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::ask::Desk;

/// A file: its path, its type, what is in it.
type Asset = (&'static str, &'static str, &'static str);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 11] = [
    ("/", HTML, include_str!("page.html")),
    ("/wall.css", CSS, include_str!("wall.css")),
    ("/light.css", CSS, include_str!("light.css")),
    ("/detail.css", CSS, include_str!("detail.css")),
    ("/wall.js", SCRIPT, include_str!("wall.js")),
    ("/feed.js", SCRIPT, include_str!("feed.js")),
    ("/light.js", SCRIPT, include_str!("light.js")),
    ("/tile.js", SCRIPT, include_str!("tile.js")),
    ("/detail.js", SCRIPT, include_str!("detail.js")),
    ("/kiosk.js", SCRIPT, include_str!("kiosk.js")),
    ("/wall.svg", "image/svg+xml", include_str!("wall.svg")),
];

pub(super) fn routes() -> Router<Desk> {
    ASSETS.into_iter().fold(Router::new(), |routes, (path, kind, text)| {
        // Asked for each time: a page of one watcher with the script of another would be neither.
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
        routes.route(path, get(move || async move { (headers, text) }))
    })
}

/// Another, where any of the files is another: for a page that stays open to know that it is old.
pub(super) fn edition() -> String {
    let mut hasher = DefaultHasher::new();
    ASSETS.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

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

#[cfg(test)]
mod tests {
    use podlight_proto::v1;

    use super::*;

    #[test]
    fn the_page_knows_all_words_of_the_contract() {
        let text = |path| ASSETS.into_iter().find(|(known, ..)| *known == path).unwrap().2;
        let verdicts = (1..).map_while(|number| v1::Verdict::try_from(number).ok());
        let conditions = (1..).map_while(|number| v1::node_light::Condition::try_from(number).ok());
        let (mut known, mut ranks) = (0, Vec::new());
        for verdict in verdicts {
            let entry = format!("{}: [", verdict.as_str_name());
            let rank = text("/tile.js").split_once(&entry).expect(&entry).1.split_once(',').unwrap().0;
            ranks.push(rank.parse::<i32>().unwrap());
        }
        // Worst last, as there.
        assert_eq!(ranks, (1..).take(ranks.len()).collect::<Vec<_>>());
        for condition in conditions {
            let entry = format!("{}: \"", condition.as_str_name());
            assert!(text("/light.js").contains(&entry), "{entry}");
            known += 1;
        }
        assert!(known >= 9 && ranks.len() >= 12);
    }
}

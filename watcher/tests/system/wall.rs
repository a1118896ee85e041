//! The wall over plain HTTP: what a browser is given, told, and refused.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::http::StatusCode;
use podlight_proto::v1::Layer;
use podlight_sim::{NodeBuilder, PodBuilder};
use serde_json::Value;
use tokio::time::timeout;

use crate::rig::{Api, Light, PATIENCE, RED, Running};
use crate::web::{Answer, Events, ask, follow, read};
use crate::{LONG, cart, node};

/// Pages that may be open at a time.
const MOST: usize = 64;
const JSON: (&str, &str) = ("content-type", "application/json");

/// A crash-looping pod on n1, and the wall of it.
async fn wall(flags: &[&str]) -> (Api, Light, Running, SocketAddr) {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(12));
    let (watcher, wall) = api.shown(&[&LONG, flags].concat()).await;
    light.shows(&[RED; 2]).await;
    (api, light, watcher, wall)
}

fn json(answer: &Answer) -> Value {
    assert_eq!(answer.headers["content-type"], "application/json", "{answer:?}");
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn the_page_and_all_it_is_made_of_come_under_a_strict_policy() {
    let (_api, _light, watcher, wall) = wall(&[]).await;
    let page = read(wall, "/").await;
    let parts = ["href=\"", "src=\""].iter().flat_map(|name| page.text.split(name).skip(1));
    let mut paths: Vec<_> = parts.map(|part| part.split('"').next().unwrap().to_owned()).collect();
    let scripts = ["wall.js", "tile.js", "detail.js"];
    for script in scripts {
        let text = read(wall, &format!("/{script}")).await.text;
        paths.extend(text.split("from \"./").skip(1).map(|part| part.split('"').next().unwrap().to_owned()));
    }
    for path in ["wall.css", "wall.js", "light.js", "wall.svg"] {
        assert!(paths.iter().any(|known| known == path), "{path}: {paths:?}");
    }
    for path in paths.iter().map(String::as_str).chain([""]) {
        let answer = read(wall, &format!("/{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
        }
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        assert!(!answer.text.contains("://") || path == "wall.svg", "{path} leads elsewhere");
    }
    for inline in [" style=", " onclick=", "<style", "<script>"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
    watcher.stop().await;
}

#[tokio::test]
async fn whoever_looks_is_told_all_then_what_changes_and_that_there_is_nothing_new() {
    let (api, _light, watcher, wall) = wall(&[]).await;
    let mut events = follow(wall, "/nodes").await.unwrap();
    let (name, hello) = events.next().await.unwrap();
    let hello: Value = serde_json::from_str(&hello).unwrap();
    assert_eq!((name.as_str(), &hello["actions"]), ("hello", &Value::Bool(false)));
    let whole: Value = serde_json::from_str(&events.until("message", "whole").await).unwrap();
    assert_eq!((&whole["whole"], &whole["vouching"]["fresh"]), (&Value::Bool(true), &Value::Bool(true)));
    let first = &whole["nodes"][0];
    assert_eq!((&first["name"], &first["verdict"]), (&"n1".into(), &"FAILED".into()));
    assert!(first["reason"]["text"].as_str().unwrap().contains("CrashLoopBackOff ×12"), "{first}");

    api.cluster.apply_node(NodeBuilder::new("n2"));
    let change = events.until("message", "\"n2\"").await;
    assert!(!change.contains("whole") && !change.contains("\"n1\""), "{change}");
    events.until("beat", "").await;
    watcher.stop().await;
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn a_node_is_explained_in_the_json_of_the_contract() {
    let (_api, _light, watcher, wall) = wall(&[]).await;
    let said = json(&read(wall, "/nodes/n1").await);
    assert_eq!((&said["worst"][0]["name"], &said["worst"][0]["restarts"]), (&"cart".into(), &12.into()));
    let answer = read(wall, "/nodes/n11").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(json(&answer)["error"].as_str().unwrap().contains("as n1"), "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    watcher.stop().await;
}

#[tokio::test]
async fn a_page_too_many_waits_until_another_is_closed() {
    let (_api, _light, watcher, wall) = wall(&[]).await;
    let mut pages = Vec::new();
    for _ in 0..MOST {
        let mut page = follow(wall, "/nodes").await.unwrap();
        page.until("hello", "").await;
        pages.push(page);
    }
    assert_eq!(follow(wall, "/nodes").await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
    // A server sees that a page is closed when it writes to it next.
    drop(pages);
    while follow(wall, "/nodes").await.is_err() {}
    watcher.stop().await;
}

#[tokio::test]
async fn nothing_can_be_done_from_a_wall_that_is_there_to_be_read() {
    let (_api, mut light, watcher, wall) = wall(&[]).await;
    for act in ["identify", "acknowledge"] {
        let answer = ask(wall, "POST", &format!("/nodes/n1/{act}"), &[JSON], "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
    assert!(light.keeps(Duration::ZERO, |state| state.layer() == Layer::Watcher).await);
    watcher.stop().await;
}

#[tokio::test]
async fn people_identify_and_acknowledge_where_they_may() {
    let (_api, mut light, watcher, wall) = wall(&["--wall-actions"]).await;
    assert!(follow(wall, "/nodes").await.unwrap().until("hello", "").await.contains("\"actions\":true"));
    let host = format!("http://{wall}");
    let own = [JSON, ("origin", host.as_str()), ("sec-fetch-site", "same-origin")];
    let said = ask(wall, "POST", "/nodes/n1/acknowledge", &own, r#"{"owner":"ana"}"#).await;
    assert_eq!(json(&said)["acknowledgement"]["owner"], "ana");
    light.shows(&["#0d0000"; 2]).await;
    let said = ask(wall, "POST", "/nodes/n1/identify", &own, r#"{"owner":"ana","hold":"60s"}"#).await;
    assert_eq!(json(&said)["light"]["layer"], "IDENTIFY");
    light.until("identified", |state| state.layer() == Layer::Identify && state.owner == "ana").await;
    watcher.stop().await;
}

#[tokio::test]
async fn what_another_site_asks_for_and_what_is_wrong_is_refused() {
    let (_api, mut light, watcher, wall) = wall(&["--wall-actions", "--wall-host", "wall.example.com"]).await;
    let large = format!(r#"{{"owner":"{}"}}"#, "a".repeat(5000));
    for (path, headers, body, status) in [
        ("/nodes/n1/identify", &[JSON, ("origin", "http://evil.example")][..], "{}", StatusCode::FORBIDDEN),
        ("/nodes/n1/identify", &[JSON, ("sec-fetch-site", "cross-site")], "{}", StatusCode::FORBIDDEN),
        ("/nodes/n1/identify", &[JSON, ("host", "evil.example")], "{}", StatusCode::FORBIDDEN),
        ("/nodes/n1/identify", &[("content-type", "text/plain")], "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/nodes/n1/identify", &[], "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/nodes/n1/identify", &[JSON], &large, StatusCode::PAYLOAD_TOO_LARGE),
        ("/nodes/n1/identify", &[JSON], r#"{"hold":"soon"}"#, StatusCode::BAD_REQUEST),
        ("/nodes/n1/identify", &[JSON], r#"{"hold":"-1s"}"#, StatusCode::BAD_REQUEST),
        ("/nodes/n1/color", &[JSON], "{}", StatusCode::NOT_FOUND),
        ("/nodes/n9/acknowledge", &[JSON], "{}", StatusCode::NOT_FOUND),
    ] {
        let answer = ask(wall, "POST", path, headers, body).await;
        assert_eq!(answer.status, status, "{path} {headers:?} {body:.20}: {answer:?}");
    }
    // Nor does another site's name that leads here read anything.
    for (host, status) in [("evil.example", StatusCode::FORBIDDEN), ("wall.example.com", StatusCode::OK)] {
        assert_eq!(ask(wall, "GET", "/nodes/n1", &[("host", host)], "").await.status, status, "{host}");
    }
    assert!(light.keeps(Duration::ZERO, |state| state.layer() == Layer::Watcher).await);
    watcher.stop().await;
}

#[tokio::test]
async fn a_watcher_that_stands_by_shows_the_leaders_wall_for_as_long_as_there_is_one() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(12));
    let flags = [&LONG[..], &["--election", "podlight/watcher", "--wall-actions"]].concat();
    let (leads, wall) = api.shown_at(([127, 0, 0, 2], 0).into(), &flags).await;
    light.shows(&[RED; 2]).await;
    let (stands_by, wall) = api.shown_at(([127, 0, 0, 3], wall.port()).into(), &flags).await;
    let mut page = listed(wall).await;
    page.until("message", "UNKNOWN").await;

    // Now the leader can be found. Who was told otherwise so far is to ask anew.
    let holder = api.cluster.lease("podlight", "watcher").unwrap()["spec"]["holderIdentity"].to_string();
    let pod = holder.trim_matches('"').rsplit_once('_').unwrap().0.to_owned();
    api.cluster.apply_pod(PodBuilder::watcher(&pod, "127.0.0.2"));
    while page.next().await.is_some() {}
    let mut page = listed(wall).await;
    page.until("message", "SHOWS").await;
    let said = ask(wall, "POST", "/nodes/n1/identify", &[JSON], "{}").await;
    assert_eq!(json(&said)["light"]["layer"], "IDENTIFY");

    leads.kill().await;
    listed(wall).await.until("message", "UNKNOWN").await;
    stands_by.stop().await;
}

/// What is told to whoever comes when the first lists are complete.
async fn listed(wall: SocketAddr) -> Events {
    let listed = async { while read(wall, "/readyz").await.status != StatusCode::OK {} };
    timeout(PATIENCE, listed).await.unwrap();
    follow(wall, "/nodes").await.unwrap()
}

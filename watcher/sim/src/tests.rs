//! What a client sees, over a real connection.

use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Cluster, NodeBuilder, PodBuilder, Server};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn ask(server: &Server, path: &str) -> Response<Incoming> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(Request::get(path).header("host", "sim").body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

async fn json(server: &Server, path: &str) -> (u16, Value) {
    let response = ask(server, path).await;
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap())
}

/// An open watch, read line by line.
struct Watch {
    body: Incoming,
    rest: Vec<u8>,
}

impl Watch {
    async fn open(server: &Server, path: &str) -> Self {
        let response = ask(server, path).await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), rest: Vec::new() }
    }

    /// The next event's type and object; nothing where the watch ended in good order.
    async fn next(&mut self) -> Result<Option<(String, Value)>, hyper::Error> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let mut event: Value = serde_json::from_slice(&line).unwrap();
                return Ok(Some((event["type"].as_str().unwrap().to_owned(), event["object"].take())));
            }
            match self.body.frame().await {
                Some(frame) => self.rest.extend(frame?.into_data().unwrap()),
                None => return Ok(None),
            }
        }
    }

    async fn event(&mut self) -> (String, Value) {
        self.next().await.unwrap().unwrap()
    }

    async fn name(&mut self) -> String {
        let (kind, object) = self.event().await;
        format!("{kind} {}", object["metadata"]["name"].as_str().unwrap_or_default())
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

fn pod(name: &str) -> PodBuilder {
    PodBuilder::new("shop", name).on("pi-1").running()
}

async fn cluster(pods: &[&str]) -> (Cluster, Server) {
    let cluster = Cluster::new();
    for name in pods {
        cluster.apply_pod(pod(name));
    }
    let server = cluster.serve(ANY).await.unwrap();
    (cluster, server)
}

#[tokio::test]
async fn pages_are_of_the_version_at_which_the_list_began() {
    let (cluster, server) = cluster(&["a", "b", "c", "d", "e"]).await;
    let (_, first) = json(&server, "/api/v1/pods?limit=2").await;
    cluster.delete_pod("shop", "c");
    cluster.apply_pod(pod("cc"));
    cluster.apply_pod(pod("d").crash_looping(3));
    cluster.apply_pod(pod("d").crash_looping(4));
    let token = first["metadata"]["continue"].as_str().unwrap().replace('/', "%2F");
    let (_, second) = json(&server, &format!("/api/v1/pods?limit=2&continue={token}")).await;
    let token = second["metadata"]["continue"].as_str().unwrap();
    let (_, third) = json(&server, &format!("/api/v1/pods?limit=2&continue={token}")).await;

    assert_eq!([names(&first), names(&second), names(&third)], [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    assert_eq!(second["items"][1]["status"]["containerStatuses"][0]["restartCount"], 0);
    assert_eq!(third["metadata"], serde_json::json!({ "resourceVersion": "5" }));
    assert_eq!(names(&json(&server, "/api/v1/pods").await.1), ["a", "b", "cc", "d", "e"]);
}

#[tokio::test]
async fn a_page_of_a_compacted_list_is_gone() {
    let (cluster, server) = cluster(&["a", "b"]).await;
    let (_, first) = json(&server, "/api/v1/pods?limit=1").await;
    cluster.apply_pod(pod("c"));
    cluster.compact();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (code, status) = json(&server, &format!("/api/v1/pods?limit=1&continue={token}")).await;
    assert_eq!((code, &status["reason"], &status["kind"]), (410, &"Expired".into(), &"Status".into()));
}

#[tokio::test]
async fn a_watch_tells_what_happened_since_its_version_and_what_happens() {
    let (cluster, server) = cluster(&["a", "b"]).await;
    cluster.delete_pod("shop", "a");
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1").await;
    assert_eq!(watch.name().await, "ADDED b");
    let (kind, deleted) = watch.event().await;
    assert_eq!((&*kind, &deleted["metadata"]["resourceVersion"]), ("DELETED", &"3".into()));
    assert_eq!((&deleted["kind"], &deleted["metadata"]["name"]), (&"Pod".into(), &"a".into()));
    cluster.apply_node(NodeBuilder::new("pi-1"));
    cluster.apply_pod(pod("b").ready(false));
    assert_eq!(watch.name().await, "MODIFIED b");
}

#[tokio::test]
async fn a_watch_from_no_version_begins_with_what_is_there() {
    let (cluster, server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=1").await;
    assert_eq!(watch.name().await, "ADDED a");
    cluster.delete_pod("shop", "a");
    assert_eq!(watch.name().await, "DELETED a");
}

#[tokio::test]
async fn an_object_that_leaves_the_selection_is_deleted_to_its_watch() {
    let (cluster, server) = cluster(&["a"]).await;
    let path = "/api/v1/namespaces/shop/pods?watch=true&resourceVersion=1&labelSelector=tier%3Dfront,!canary";
    let mut watch = Watch::open(&server, path).await;
    cluster.apply_pod(PodBuilder::new("other", "b").label("tier", "front"));
    cluster.apply_pod(pod("a").label("tier", "front"));
    assert_eq!(watch.name().await, "ADDED a");
    cluster.apply_pod(pod("a").label("tier", "front").label("canary", "yes"));
    assert_eq!(watch.name().await, "DELETED a");
}

#[tokio::test]
async fn bookmarks_come_to_whom_they_are_allowed() {
    let (cluster, server) = cluster(&["a"]).await;
    let mut without = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1").await;
    let mut with = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1&allowWatchBookmarks=true").await;
    cluster.apply_node(NodeBuilder::new("pi-1"));
    // The watch's task may not run before this: a bookmark that is asked for is of the version then.
    cluster.apply_pod(pod("a"));
    assert_eq!((without.name().await, with.name().await), ("MODIFIED a".to_owned(), "MODIFIED a".to_owned()));
    cluster.bookmark();
    let (kind, bookmark) = with.event().await;
    assert_eq!((&*kind, &bookmark["metadata"]["resourceVersion"]), ("BOOKMARK", &"3".into()));
    cluster.apply_pod(pod("a").crash_looping(1));
    assert_eq!(without.name().await, "MODIFIED a");
}

#[tokio::test]
async fn a_watch_from_a_compacted_version_is_gone() {
    let (cluster, server) = cluster(&["a", "b"]).await;
    cluster.compact();
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1").await;
    let (kind, status) = watch.event().await;
    assert_eq!((&*kind, &status["code"], &status["reason"]), ("ERROR", &410.into(), &"Expired".into()));
    assert!(watch.next().await.unwrap().is_none());
}

#[tokio::test]
async fn no_more_of_the_history_is_kept_than_was_asked_for() {
    let (cluster, server) = cluster(&["a", "b", "c", "d"]).await;
    cluster.keep(2);
    cluster.apply_pod(pod("e"));
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=3").await;
    assert_eq!(watch.name().await, "ADDED d");
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=2").await;
    assert_eq!(watch.event().await.1["reason"], "Expired");
}

#[tokio::test]
async fn a_watch_ends_in_good_order_when_its_time_is_over() {
    let (_cluster, server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1&timeoutSeconds=1").await;
    assert!(watch.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_hanging_server_sends_nothing_until_it_heals() {
    let (cluster, server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1").await;
    cluster.hang(true);
    cluster.apply_pod(pod("b"));
    let mut list = tokio::spawn({
        let address = server.address;
        let cluster = cluster.clone();
        async move {
            let other = Server::bind(cluster, SocketAddr::new(address.ip(), 0)).await.unwrap();
            json(&other, "/api/v1/pods").await
        }
    });
    let silence = std::time::Duration::from_millis(100);
    assert!(tokio::time::timeout(silence, watch.event()).await.is_err());
    assert!(tokio::time::timeout(silence, &mut list).await.is_err());
    cluster.hang(false);
    assert_eq!(watch.name().await, "ADDED b");
    assert_eq!(names(&list.await.unwrap().1), ["a", "b"]);
}

#[tokio::test]
async fn a_refusing_server_says_503_and_then_no_longer() {
    let (cluster, server) = cluster(&["a"]).await;
    cluster.refuse(true);
    assert_eq!(json(&server, "/api/v1/pods").await.0, 503);
    cluster.refuse(false);
    assert_eq!(json(&server, "/api/v1/pods").await.0, 200);
}

#[tokio::test]
async fn a_dropped_watch_breaks_off() {
    let (cluster, server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=0").await;
    assert_eq!(watch.name().await, "ADDED a");
    cluster.drop_watches();
    assert!(watch.next().await.is_err());
}

#[tokio::test]
async fn a_stopped_server_comes_back_on_the_same_port_with_the_same_objects() {
    let (_cluster, mut server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=0").await;
    assert_eq!(watch.name().await, "ADDED a");
    server.stop().await;
    assert!(watch.next().await.is_err());
    assert!(TcpStream::connect(server.address).await.is_err());
    server.restart().await.unwrap();
    assert_eq!(names(&json(&server, "/api/v1/pods").await.1), ["a"]);
}

#[tokio::test]
async fn odd_requests_are_answered() {
    let (_cluster, server) = cluster(&["a"]).await;
    for (path, code) in [
        ("/", 404),
        ("/api/v1/secrets", 404),
        ("/api/v1/pods/../..", 404),
        ("/api/v1/pods?limit=-1", 400),
        ("/api/v1/pods?limit=99999999999999999999", 400),
        ("/api/v1/pods?limit=18446744073709551615", 200),
        ("/api/v1/pods?continue=%ff%00", 400),
        ("/api/v1/pods?continue=9/x/y", 410),
        ("/api/v1/pods?watch=true&resourceVersion=9", 504),
        ("/api/v1/pods?watch=true&resourceVersion=x", 400),
        ("/api/v1/pods?labelSelector=a+in+(b)", 400),
        ("/api/v1/nodes?&&==&limit", 200),
        ("/version", 200),
        ("/readyz", 200),
    ] {
        assert_eq!(json(&server, path).await.0, code, "{path}");
    }
}

#[test]
fn an_applied_pod_keeps_its_uid_and_gets_a_new_version() {
    let cluster = Cluster::new();
    cluster.apply_pod(pod("a"));
    let first = cluster.pod("shop", "a").unwrap();
    cluster.apply_pod(pod("a").crash_looping(2));
    let second = cluster.pod("shop", "a").unwrap();
    assert_eq!(first["metadata"]["uid"], second["metadata"]["uid"]);
    assert_eq!(second["metadata"]["resourceVersion"], "2");
    cluster.delete_pod("shop", "a");
    cluster.apply_pod(pod("a"));
    assert_ne!(cluster.pod("shop", "a").unwrap()["metadata"]["uid"], first["metadata"]["uid"]);
}

#[tokio::test]
async fn whoever_asks_is_told_when_something_is_written() {
    let (cluster, server) = cluster(&["a"]).await;
    let mut watch = Watch::open(&server, "/api/v1/pods?watch=true&resourceVersion=1").await;
    let writes = server.writes();
    cluster.apply_pod(pod("b"));
    assert_eq!(watch.name().await, "ADDED b");
    assert!(writes.recv().is_ok());
    drop(writes);
    cluster.apply_pod(pod("c"));
    assert_eq!(watch.name().await, "ADDED c");
}

//! What the Kubernetes API sends, any bytes, line by line: the JSON of watch events, as they travel.
//!
//! Between them `list pods` and `list nodes` begin a list, `synced pods` and `synced nodes` complete it, and `later 60`
//! lets a minute pass. `only app=shop`, at first, makes only pods with this label count.

use kube::core::WatchEvent;
use serde_json::from_str;
use watcher::filter::Filter;
use watcher::node::Node;
use watcher::pod::Pod;

use crate::model::{Cluster, Event};

/// More would only be slower.
const MOST_LINES: usize = 64;

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines().take(MOST_LINES).peekable();
    let only = lines.next_if(|line| line.starts_with("only "));
    let selector = only.and_then(|line| line.split_at(5).1.parse().ok()).unwrap_or_default();
    let mut cluster = Cluster::new(Filter { selector, ..Filter::default() });
    for line in lines {
        match line {
            "list pods" => cluster.list_pods(),
            "list nodes" => cluster.list_nodes(),
            "synced pods" => cluster.pods_synced(),
            "synced nodes" => cluster.nodes_synced(),
            _ => match line.strip_prefix("later ") {
                Some(seconds) => cluster.pass(seconds.parse().unwrap_or(0)),
                // The API answers a watch of pods with pods only; either kind must stand the other's fields.
                None if line.contains(r#""Node""#) => {
                    happen(from_str::<WatchEvent<Node>>(line), |event| cluster.node(event))
                }
                None => happen(from_str::<WatchEvent<Pod>>(line), |event| cluster.pod(event)),
            },
        }
        cluster.compare();
    }
}

/// What can't be read ends a watch, and a list follows.
fn happen<T>(event: serde_json::Result<WatchEvent<T>>, tell: impl FnOnce(Event<T>)) {
    match event {
        Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => tell(Event::Applied(object)),
        Ok(WatchEvent::Deleted(object)) => tell(Event::Deleted(object)),
        Ok(WatchEvent::Bookmark(_) | WatchEvent::Error(_)) | Err(_) => {}
    }
}

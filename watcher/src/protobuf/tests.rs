//! What an API server of Kubernetes 1.20 said, once in protobuf and once in JSON, and what no server would say.

use std::fmt::Debug;

use kube::core::ObjectList;
use podlight_sim::Crowd;
use proptest::prelude::*;
use prost::encoding::encode_varint;
use serde::de::DeserializeOwned;

use super::*;
use crate::node::Node;
use crate::pod::Pod;

const PODS: &[u8] = include_bytes!("recorded/pods.pb");
const WATCH: &[u8] = include_bytes!("recorded/watch.pb");

/// All that is said, where this comes in pieces of so many bytes.
fn said<K: Object>(watch: bool, bytes: &[u8], piece: usize) -> Result<Vec<Said<K>>, Malformed> {
    let mut reading = Reading::new(watch);
    let mut said = Vec::new();
    for piece in bytes.chunks(piece) {
        reading.take(piece);
        while let Some(next) = reading.said()? {
            said.push(next);
        }
    }
    said.extend(reading.end()?);
    Ok(said)
}

/// A list, as it is said in JSON.
fn list<K: DeserializeOwned + Clone>(json: &[u8]) -> Vec<Said<K>> {
    let ObjectList { metadata, items, .. } = serde_json::from_slice::<ObjectList<K>>(json).unwrap();
    assert!(!items.is_empty());
    let ends = Said::ListEnds { version: metadata.resource_version.unwrap(), rest: String::new() };
    items.into_iter().map(Said::Item).chain([ends]).collect()
}

/// The events of these lines.
fn events(lines: &[u8]) -> String {
    let event = |line: &[u8]| Said::Event(serde_json::from_slice::<WatchEvent<Pod>>(line).unwrap());
    shown(&lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(event).collect::<Vec<_>>())
}

fn shown<K: Debug>(said: &[Said<K>]) -> String {
    let text = |said: &Said<K>| match said {
        Said::Event(WatchEvent::Added(object)) => format!("added {object:#?}"),
        Said::Event(WatchEvent::Modified(object)) => format!("modified {object:#?}"),
        Said::Event(WatchEvent::Deleted(object)) => format!("deleted {object:#?}"),
        Said::Event(WatchEvent::Bookmark(mark)) => format!("bookmark {}", mark.metadata.resource_version),
        Said::Event(WatchEvent::Error(status)) => format!("error {} {}", status.code, status.reason),
        Said::Item(_) | Said::ListEnds { .. } | Said::Refused(_) => format!("{said:#?}"),
    };
    said.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// A field that has a length.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    encode_varint(value.len() as u64, &mut field);
    [field.as_slice(), value].concat()
}

fn event_of(what: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let types = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    let object = [MAGIC, &field(1, &types), &field(2, raw)].concat();
    let event = [field(1, what.as_bytes()), field(2, &field(1, &object))].concat();
    [&u32::try_from(event.len()).unwrap().to_be_bytes()[..], &event].concat()
}

#[test]
fn a_list_says_the_same_in_both_encodings() {
    let pods = shown(&list::<Pod>(include_bytes!("recorded/pods.json")));
    let nodes = shown(&list::<Node>(include_bytes!("recorded/nodes.json")));
    for piece in [1, 7, 100, usize::MAX] {
        assert_eq!(shown(&said::<Pod>(false, PODS, piece).unwrap()), pods);
        assert_eq!(shown(&said::<Node>(false, include_bytes!("recorded/nodes.pb"), piece).unwrap()), nodes);
    }
}

#[test]
fn a_watch_says_the_same_in_both_encodings() {
    let want = events(include_bytes!("recorded/watch.json"));
    for piece in [1, 7, 100, usize::MAX] {
        assert_eq!(shown(&said::<Pod>(true, WATCH, piece).unwrap()), want);
    }
}

#[test]
fn pods_in_whatever_state_are_the_same_in_both_encodings() {
    let crowd = Crowd::new(300, 10);
    for pod in 0..crowd.pods {
        let mut json = Vec::new();
        crowd.pod(pod, 2, &mut json);
        let object = serde_json::from_slice(&json).unwrap();
        let event = podlight_sim::protobuf::event("ADDED", "Pod", &object);
        let line = [br#"{"type":"ADDED","object":"#, &json[..], b"}"].concat();
        assert_eq!(shown(&said::<Pod>(true, &event, usize::MAX).unwrap()), events(&line));
    }
}

#[test]
fn of_owners_the_one_counts_that_controls_in_both_encodings() {
    let object = serde_json::json!({"metadata": {"name": "a", "ownerReferences": [
        {"kind": "DaemonSet", "name": "x"},
        {"kind": "StatefulSet", "name": "y", "controller": false},
        {"kind": "ReplicaSet", "name": "z", "controller": true},
    ]}});
    let of = |pod: &Pod| pod.metadata.controller.as_ref().map(|owner| (owner.kind.clone(), owner.name.clone()));
    let bytes = podlight_sim::protobuf::event("ADDED", "Pod", &object);
    let said = said::<Pod>(true, &bytes, usize::MAX).unwrap();
    let [Said::Event(WatchEvent::Added(pod))] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(of(pod), Some(("ReplicaSet".to_owned(), "z".to_owned())));
    assert_eq!(of(&serde_json::from_value(object).unwrap()), of(pod));
}

#[test]
fn a_list_is_said_object_by_object() {
    let mut reading = Reading::<Pod>::new(false);
    let mut most = 0;
    for piece in PODS.chunks(64) {
        reading.take(piece);
        while reading.said().unwrap().is_some() {}
        most = most.max(reading.rest.len());
    }
    assert!(most < PODS.len() / 3, "{most} of {} bytes waited", PODS.len());
}

#[test]
fn a_refusal_has_its_code_and_reason() {
    let said = said::<Pod>(false, include_bytes!("recorded/missing.pb"), 5).unwrap();
    let [Said::Refused(status)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
    assert!(status.message.contains("could not find"), "{}", status.message);
}

#[test]
fn an_error_and_a_bookmark_are_events() {
    let gone = event_of("ERROR", "Status", &[&field(4, b"Expired")[..], b"\x30\x9a\x03"].concat());
    // A pod of which nothing but the version is said.
    let mark = event_of("BOOKMARK", "Pod", &field(1, &field(6, b"42")));
    let said = said::<Pod>(true, &[gone, mark].concat(), usize::MAX).unwrap();
    assert_eq!(shown(&said), "error 410 Expired\nbookmark 42");
}

#[test]
fn after_an_event_that_cannot_be_read_the_next_can() {
    for raw in [&b"\x0a\xff"[..], b"\x0a\x03\x0a\x01\xff"] {
        let mut reading = Reading::<Pod>::new(true);
        reading.take(&[event_of("ADDED", "Pod", raw), WATCH.to_vec()].concat());
        reading.said().unwrap_err();
        assert!(matches!(reading.said(), Ok(Some(Said::Event(WatchEvent::Modified(_))))));
    }
}

#[test]
fn what_has_no_end_is_not_waited_for() {
    said::<Pod>(true, &[&b"\xff\xff\xff\xff"[..], &[0; 64]].concat(), usize::MAX).unwrap_err();
    let mut reading = Reading::<Pod>::new(false);
    reading.take(&PODS[..70]);
    let more = vec![b'x'; 1 << 20];
    assert!((0..32).any(|_| {
        reading.take(&more);
        (0..100).any(|_| reading.said().is_err())
    }));
}

#[test]
fn half_a_list_is_none() {
    for end in [PODS.len() / 2, 30, 3] {
        said::<Pod>(false, &PODS[..end], usize::MAX).unwrap_err();
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_malformed(
        watch: bool,
        at in 0..PODS.len(),
        with in prop::collection::vec(any::<u8>(), 0..8),
        piece in 1..4096_usize,
    ) {
        let mut bytes = if watch { WATCH } else { PODS }.to_vec();
        let at = at.min(bytes.len());
        let end = (at + with.len()).min(bytes.len());
        bytes.splice(at..end, with);
        drop(said::<Pod>(watch, &bytes, piece));
    }

    #[test]
    fn any_bytes_may_come(watch: bool, bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        drop(said::<Pod>(watch, &bytes, 16));
    }
}

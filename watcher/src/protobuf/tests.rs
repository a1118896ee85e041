//! What an API server of Kubernetes 1.20 said, once in protobuf and once in JSON, and what no server would say.

use kube::core::{ObjectList, WatchEvent as Event};
use podlight_sim::Crowd;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

use super::*;

const PODS: &[u8] = include_bytes!("recorded/pods.pb");
const WATCH: &[u8] = include_bytes!("recorded/watch.pb");

/// All that is told, where this comes in pieces of so many bytes.
fn told(watch: bool, bytes: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let mut reading = Reading::new(watch);
    let mut told = Vec::new();
    for piece in bytes.chunks(piece) {
        told.append(&mut reading.take(piece)?);
    }
    told.append(&mut reading.end()?);
    Ok(told)
}

fn objects<K: DeserializeOwned + Clone + Debug>(json: &[u8]) -> String {
    let list: ObjectList<K> = serde_json::from_slice(json).unwrap();
    assert!(!list.items.is_empty());
    format!("{:#?} {:#?} {:#?}", list.types, list.metadata.resource_version, list.items)
}

/// Each event of these lines, as it is read.
fn events(lines: &[u8]) -> Vec<String> {
    let read = |line: &[u8]| match serde_json::from_slice(line).unwrap() {
        Event::<crate::pod::Pod>::Added(pod) => format!("added {pod:#?}"),
        Event::Modified(pod) => format!("modified {pod:#?}"),
        Event::Deleted(pod) => format!("deleted {pod:#?}"),
        Event::Bookmark(mark) => format!("bookmark {} {}", mark.types.kind, mark.metadata.resource_version),
        Event::Error(status) => format!("error {status:?}"),
    };
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(read).collect()
}

fn event_of(what: &str, kind: &str, raw: Vec<u8>) -> Vec<u8> {
    let types = Types { api_version: "v1".to_owned(), kind: kind.to_owned() };
    let raw = [MAGIC, &Unknown { types, raw: raw.into() }.encode_to_vec()].concat();
    let object = messages::RawExtension { raw: raw.into() };
    let event = WatchEvent { what: what.to_owned(), object }.encode_to_vec();
    [&u32::try_from(event.len()).unwrap().to_be_bytes()[..], &event].concat()
}

#[test]
fn a_list_tells_the_same_in_both_encodings() {
    let pods = objects::<crate::pod::Pod>(include_bytes!("recorded/pods.json"));
    let nodes = objects::<crate::node::Node>(include_bytes!("recorded/nodes.json"));
    for piece in [1, 7, 100, usize::MAX] {
        assert_eq!(objects::<crate::pod::Pod>(&told(false, PODS, piece).unwrap()), pods);
        let told = told(false, include_bytes!("recorded/nodes.pb"), piece).unwrap();
        assert_eq!(objects::<crate::node::Node>(&told), nodes);
    }
}

#[test]
fn a_watch_tells_the_same_in_both_encodings() {
    let want = events(include_bytes!("recorded/watch.json"));
    for piece in [1, 7, 100, usize::MAX] {
        assert_eq!(events(&told(true, WATCH, piece).unwrap()), want);
    }
}

#[test]
fn pods_in_whatever_state_are_told_the_same_in_both_encodings() {
    let crowd = Crowd::new(300, 10);
    for pod in 0..crowd.pods {
        let mut json = Vec::new();
        crowd.pod(pod, 2, &mut json);
        let object = serde_json::from_slice(&json).unwrap();
        let event = podlight_sim::protobuf::event("ADDED", "Pod", &object);
        let line = [br#"{"type":"ADDED","object":"#, &json[..], b"}"].concat();
        assert_eq!(events(&told(true, &event, usize::MAX).unwrap()), events(&line));
    }
}

#[test]
fn a_list_is_told_object_by_object() {
    let mut reading = Reading::new(false);
    let mut most = 0;
    for piece in PODS.chunks(64) {
        reading.take(piece).unwrap();
        most = most.max(reading.rest.len());
    }
    assert!(most < PODS.len() / 3, "{most} of {} bytes waited", PODS.len());
}

#[test]
fn a_refusal_is_told_with_its_code_and_reason() {
    let told = told(false, include_bytes!("recorded/missing.pb"), 5).unwrap();
    let status: kube::core::Status = serde_json::from_slice(&told).unwrap();
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
    assert!(status.message.contains("could not find"), "{}", status.message);
}

#[test]
fn an_error_and_a_bookmark_are_told_as_such() {
    let gone = Status { code: 410, reason: "Expired".to_owned(), ..Status::default() };
    let gone = event_of("ERROR", "Status", gone.encode_to_vec());
    let told_gone = told(true, &gone, usize::MAX).unwrap();
    assert!(told_gone.starts_with(br#"{"type":"ERROR""#));
    assert!(
        matches!(serde_json::from_slice(&told_gone), Ok(Event::<crate::pod::Pod>::Error(status)) if status.code == 410)
    );
    // A pod of which nothing but the version is said.
    let mark = event_of("BOOKMARK", "Pod", b"\x0a\x04\x32\x02\x34\x32".to_vec());
    assert_eq!(events(&told(true, &mark, usize::MAX).unwrap()), ["bookmark Pod 42"]);
}

#[test]
fn an_event_that_cannot_be_read_is_told_as_such_and_the_next_is_read() {
    for raw in [b"\x0a\xff".to_vec(), b"\x0a\x03\x0a\x01\xff".to_vec()] {
        let told = told(true, &[event_of("ADDED", "Pod", raw), WATCH.to_vec()].concat(), usize::MAX).unwrap();
        let (line, rest) = told.split_at(told.iter().position(|byte| *byte == b'\n').unwrap() + 1);
        assert!(serde_json::from_slice::<Event<crate::pod::Pod>>(line).is_err_and(|error| error.is_data()));
        assert_eq!(events(rest), events(include_bytes!("recorded/watch.json")));
    }
}

#[test]
fn what_has_no_end_is_not_waited_for() {
    let endless = [&b"\xff\xff\xff\xff"[..], &[0; 64]].concat();
    assert!(told(true, &endless, usize::MAX).is_err());
    let mut reading = Reading::new(false);
    reading.take(PODS.get(..40).unwrap()).unwrap();
    let more = vec![b'x'; 1 << 20];
    assert!((0..32).any(|_| reading.take(&more).is_err()));
}

#[test]
fn half_a_list_is_none() {
    for end in [PODS.len() / 2, 30, 3] {
        assert!(told(false, &PODS[..end], usize::MAX).is_err(), "{end}");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_fail_otherwise_than_by_an_error(
        watch: bool,
        at in 0..PODS.len(),
        with in prop::collection::vec(any::<u8>(), 0..8),
        piece in 1..4096_usize,
    ) {
        let mut bytes = if watch { WATCH } else { PODS }.to_vec();
        let at = at.min(bytes.len());
        let end = (at + with.len()).min(bytes.len());
        bytes.splice(at..end, with);
        if let Ok(told) = told(watch, &bytes, piece) && !watch {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&told).is_ok());
        }
    }

    #[test]
    fn any_bytes_may_come(watch: bool, bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        drop(told(watch, &bytes, 16));
    }
}

//! Says in protobuf what is known in JSON, as API servers do for those who ask for it. Refuses to read any.
//!
//! Names and numbers of fields are those of Kubernetes' `generated.proto` files, of the messages that matter to a watcher. What isn't
//! named here is said, too, so that it is as long as it should be and must be skipped: as its JSON, in a field of an odd number.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// What a client's `Accept` names to be spoken to so.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What a watch is called that is spoken so.
pub const MEDIA_TYPE_OF_WATCHES: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// What is in a field. An array of it is so many fields.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Time,
    /// Of texts, by texts.
    Map,
    Message(&'static [Field]),
    /// Any JSON, in a message of its own.
    Json,
}

type Field = (&'static str, u32, Kind);

use Kind::{Json, Message, Number, Text, Time};

const LIST: &[Field] = &[("metadata", 1, Message(LIST_META))];
const LIST_META: &[Field] = &[("resourceVersion", 2, Text), ("continue", 3, Text)];
const STATUS: &[Field] = &[("status", 2, Text), ("message", 3, Text), ("reason", 4, Text), ("code", 6, Number)];
const POD: &[Field] =
    &[("metadata", 1, Message(META)), ("spec", 2, Message(POD_SPEC)), ("status", 3, Message(POD_STATUS))];
const NODE: &[Field] =
    &[("metadata", 1, Message(META)), ("spec", 2, Message(NODE_SPEC)), ("status", 3, Message(NODE_STATUS))];
const META: &[Field] = &[
    ("name", 1, Text),
    ("generateName", 2, Text),
    ("namespace", 3, Text),
    ("uid", 5, Text),
    ("resourceVersion", 6, Text),
    ("creationTimestamp", 8, Time),
    ("deletionTimestamp", 9, Time),
    ("deletionGracePeriodSeconds", 10, Number),
    ("labels", 11, Kind::Map),
    ("annotations", 12, Kind::Map),
    ("ownerReferences", 13, Message(OWNER)),
    ("managedFields", 17, Message(MANAGED)),
];
const OWNER: &[Field] = &[
    ("kind", 1, Text),
    ("name", 3, Text),
    ("uid", 4, Text),
    ("apiVersion", 5, Text),
    ("controller", 6, Number),
    ("blockOwnerDeletion", 7, Number),
];
const MANAGED: &[Field] = &[
    ("manager", 1, Text),
    ("operation", 2, Text),
    ("apiVersion", 3, Text),
    ("time", 4, Time),
    ("fieldsType", 6, Text),
    ("fieldsV1", 7, Json),
];
const POD_SPEC: &[Field] = &[
    ("containers", 2, Message(CONTAINER)),
    ("restartPolicy", 3, Text),
    ("nodeName", 10, Text),
    ("initContainers", 20, Message(CONTAINER)),
];
const CONTAINER: &[Field] =
    &[("name", 1, Text), ("image", 2, Text), ("ports", 6, Message(PORT)), ("restartPolicy", 24, Text)];
const PORT: &[Field] = &[("name", 1, Text), ("containerPort", 3, Number), ("protocol", 4, Text)];
const POD_STATUS: &[Field] = &[
    ("phase", 1, Text),
    ("conditions", 2, Message(CONDITION)),
    ("message", 3, Text),
    ("reason", 4, Text),
    ("hostIP", 5, Text),
    ("podIP", 6, Text),
    ("startTime", 7, Time),
    ("containerStatuses", 8, Message(CONTAINER_STATUS)),
    ("qosClass", 9, Text),
    ("initContainerStatuses", 10, Message(CONTAINER_STATUS)),
];
const CONDITION: &[Field] = &[
    ("type", 1, Text),
    ("status", 2, Text),
    ("lastTransitionTime", 4, Time),
    ("reason", 5, Text),
    ("message", 6, Text),
];
const CONTAINER_STATUS: &[Field] = &[
    ("name", 1, Text),
    ("state", 2, Message(CONTAINER_STATE)),
    ("lastState", 3, Message(CONTAINER_STATE)),
    ("ready", 4, Number),
    ("restartCount", 5, Number),
    ("image", 6, Text),
    ("imageID", 7, Text),
    ("containerID", 8, Text),
    ("started", 9, Number),
];
const CONTAINER_STATE: &[Field] =
    &[("waiting", 1, Message(WAITING)), ("running", 2, Message(RUNNING)), ("terminated", 3, Message(TERMINATED))];
const WAITING: &[Field] = &[("reason", 1, Text), ("message", 2, Text)];
const RUNNING: &[Field] = &[("startedAt", 1, Time)];
const TERMINATED: &[Field] = &[
    ("exitCode", 1, Number),
    ("signal", 2, Number),
    ("reason", 3, Text),
    ("message", 4, Text),
    ("startedAt", 5, Time),
    ("finishedAt", 6, Time),
    ("containerID", 7, Text),
];
const NODE_SPEC: &[Field] = &[("unschedulable", 4, Number)];
const NODE_STATUS: &[Field] = &[("conditions", 4, Message(CONDITION))];

/// What isn't named above.
const REST: u32 = 1000;

/// An object of this kind, within what says so; or a list, with its elements.
pub fn object(kind: &str, object: &Value, elements: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    if let Some(object) = object.as_object() {
        message(fields(kind), object, &mut raw);
    }
    raw.extend_from_slice(elements);
    let mut types = Vec::new();
    bytes(1, b"v1", &mut types);
    bytes(2, kind.as_bytes(), &mut types);
    let mut out = b"k8s\0".to_vec();
    bytes(1, &types, &mut out);
    bytes(2, &raw, &mut out);
    // As Go says that it is neither encoded nor of another type.
    bytes(3, b"", &mut out);
    bytes(4, b"", &mut out);
    out
}

/// An object of this kind, as an element of a list.
pub fn element(kind: &str, object: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(object) = object.as_object() {
        nested(2, &mut out, |out| message(fields(kind), object, out));
    }
    out
}

/// An event of a watch: `what` became of an object of this kind.
pub fn event(what: &str, kind: &str, value: &Value) -> Vec<u8> {
    let mut extension = Vec::new();
    bytes(1, &object(kind, value, &[]), &mut extension);
    let mut event = Vec::new();
    bytes(1, what.as_bytes(), &mut event);
    bytes(2, &extension, &mut event);
    let length = u32::try_from(event.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &event].concat()
}

fn fields(kind: &str) -> &'static [Field] {
    match kind {
        "Pod" => POD,
        "Node" => NODE,
        "Status" => STATUS,
        _ => LIST,
    }
}

fn message(fields: &[Field], object: &Map<String, Value>, out: &mut Vec<u8>) {
    for (name, value) in object {
        match fields.iter().find(|(known, ..)| known == name) {
            Some((_, number, kind)) => field(*number, *kind, value, out),
            // Around the object, or beside it.
            None if matches!(name.as_str(), "kind" | "apiVersion" | "items") => {}
            None => bytes(REST, value.to_string().as_bytes(), out),
        }
    }
}

fn field(number: u32, kind: Kind, value: &Value, out: &mut Vec<u8>) {
    match (kind, value) {
        (_, Value::Null) => {}
        (_, Value::Array(values)) => values.iter().for_each(|value| field(number, kind, value, out)),
        (Json, value) => nested(number, out, |out| bytes(1, value.to_string().as_bytes(), out)),
        (Text, Value::String(text)) => bytes(number, text.as_bytes(), out),
        (Number, Value::Bool(value)) => integer(number, u64::from(*value), out),
        (Number, value) => integer(number, value.as_i64().unwrap_or_default().cast_unsigned(), out),
        (Time, Value::String(text)) => nested(number, out, |out| {
            let time: Timestamp = text.parse().unwrap_or_default();
            integer(1, time.as_second().cast_unsigned(), out);
            integer(2, i64::from(time.subsec_nanosecond()).cast_unsigned(), out);
        }),
        (Kind::Map, Value::Object(map)) => {
            for (key, value) in map {
                nested(number, out, |out| {
                    bytes(1, key.as_bytes(), out);
                    bytes(2, value.as_str().unwrap_or_default().as_bytes(), out);
                });
            }
        }
        (Message(fields), Value::Object(object)) => nested(number, out, |out| message(fields, object, out)),
        // Of no use to anybody who reads it strictly: as it is.
        (_, value) => bytes(number, value.to_string().as_bytes(), out),
    }
}

fn nested(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    bytes(number, &inner, out);
}

fn bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | 2), out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn integer(number: u32, value: u64, out: &mut Vec<u8>) {
    varint(u64::from(number << 3), out);
    varint(value, out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

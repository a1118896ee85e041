//! What befalls a cluster: each byte chooses what happens next, to whom, and how its JSON looks. Reaches every state of
//! pods, nodes and lists sooner than made-up JSON does.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, from_value, json};
use watcher::filter::Filter;

use crate::model::{Cluster, Event};

/// More would only be slower.
const MOST_STEPS: usize = 48;
/// As the model's.
const START: Timestamp = Timestamp::constant(1_748_779_200, 0);

pub(crate) fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut cluster = Cluster::new(Filter::default());
    for _ in 0..MOST_STEPS {
        if bytes.0.is_empty() {
            return;
        }
        match bytes.next() % 16 {
            0..8 => {
                let pod = from_value(pod(&mut bytes)).expect("a pod as an API server may send it");
                cluster.pod(if bytes.next() % 8 == 0 { Event::Deleted(pod) } else { Event::Applied(pod) });
            }
            8..11 => {
                let node = from_value(node(&mut bytes)).expect("a node as an API server may send it");
                cluster.node(if bytes.next() % 4 == 0 { Event::Deleted(node) } else { Event::Applied(node) });
            }
            11 => cluster.list_pods(),
            12 => cluster.pods_synced(),
            13 => cluster.list_nodes(),
            14 => cluster.nodes_synced(),
            _ => cluster.pass(bytes.one(&[0, 1, 59, 60, 61, 600, 86_400, u32::MAX])),
        }
        cluster.compare();
    }
}

/// Choices; the first of each when there are none left.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.next()) % of.len()]
    }

    fn maybe(&mut self, value: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.next().is_multiple_of(2) { Value::Null } else { value(self) }
    }

    fn some(&mut self, most: u8, value: impl Fn(&mut Self) -> Value) -> Value {
        let count = self.next() % (most + 1);
        (0..count).map(|_| value(self)).collect()
    }

    fn time(&mut self) -> Value {
        let seconds = self.one(&[0_i64, -1, -59, -60, -61, -3600, 1, 3600, -10_000_000, i64::MAX, i64::MIN]);
        match START.checked_add(SignedDuration::from_secs(seconds)) {
            Ok(time) => json!(time.to_string()),
            Err(_) if seconds < 0 => json!("0001-01-01T00:00:00Z"),
            Err(_) => json!("9999-12-30T22:00:00.999999999Z"),
        }
    }
}

fn pod(bytes: &mut Bytes<'_>) -> Value {
    let (id, labels) = (bytes.next() % 6, bytes.next());
    let uid = match bytes.next() % 4 {
        0 => Value::Null,
        1 => json!(format!("0123abcd-4567-89ef-0000-fedcba98765{id}")),
        _ => json!(format!("odd {id}")),
    };
    json!({
        "metadata": {
            "name": format!("p{id}"),
            "namespace": bytes.one(&["shop", "bank", "podlight"]),
            "uid": uid,
            "creationTimestamp": bytes.time(),
            "deletionTimestamp": bytes.maybe(Bytes::time),
            "deletionGracePeriodSeconds": bytes.one(&[None, Some(0), Some(30), Some(-1), Some(i64::MAX), Some(i64::MIN)]),
            "labels": { "app.kubernetes.io/name": "podlight",
                "app.kubernetes.io/component": if labels % 4 == 0 { "lightd" } else { "watcher" } },
            "annotations": { "podlight.dev/ignore": if labels % 16 == 1 { "true" } else { "false" }, "other": "" },
        },
        "spec": {
            "nodeName": bytes.one(&["", "n0", "n1", "n2"]),
            "restartPolicy": bytes.one(&["Always", "OnFailure", "Never", "Perhaps"]),
            "containers": bytes.some(3, container),
            "initContainers": bytes.some(2, container),
        },
        "status": {
            "phase": bytes.one(&["Pending", "Running", "Succeeded", "Failed", "Unknown", "Odd"]),
            "reason": bytes.one(&[None, Some(""), Some("Evicted"), Some("NodeLost"), Some("Completed"), Some("Ü")]),
            "podIP": bytes.one(&[None, Some("10.0.0.1"), Some("::1"), Some("10.0.0.256"), Some("")]),
            "conditions": bytes.some(3, condition),
            "containerStatuses": bytes.maybe(|bytes| bytes.some(3, container_status)),
            "initContainerStatuses": bytes.some(2, container_status),
        },
    })
}

fn container(bytes: &mut Bytes<'_>) -> Value {
    json!({
        "name": bytes.one(&["a", "b", "c"]),
        "restartPolicy": bytes.one(&[None, Some("Always"), Some("Never")]),
        "ports": [{ "name": bytes.one(&["grpc", "http"]), "containerPort": bytes.one(&[50051_u16, 0, 65535]) }],
    })
}

fn container_status(bytes: &mut Bytes<'_>) -> Value {
    json!({
        "name": bytes.one(&["a", "b", "c"]),
        "ready": bytes.next().is_multiple_of(2),
        "started": bytes.one(&[None, Some(true), Some(false)]),
        "restartCount": bytes.one(&[0, 1, 12, i32::MAX]),
        "state": state(bytes),
        "lastState": state(bytes),
    })
}

fn state(bytes: &mut Bytes<'_>) -> Value {
    let reasons = [
        None,
        Some("CrashLoopBackOff"),
        Some("ContainerCreating"),
        Some("PodInitializing"),
        Some("Completed"),
        Some("Error"),
        Some("OOMKilled"),
        Some(""),
    ];
    match bytes.next() % 4 {
        0 => json!({}),
        1 => json!({ "waiting": { "reason": bytes.one(&reasons) } }),
        2 => json!({ "running": { "startedAt": bytes.maybe(Bytes::time) } }),
        _ => json!({ "terminated": {
            "exitCode": bytes.one(&[0, 1, 143, i32::MIN]),
            "signal": bytes.one(&[0, 9, i32::MIN]),
            "reason": bytes.one(&reasons),
            "finishedAt": bytes.maybe(Bytes::time),
        } }),
    }
}

fn condition(bytes: &mut Bytes<'_>) -> Value {
    json!({
        "type": bytes.one(&["Ready", "Initialized", "PodScheduled", "DiskPressure"]),
        "status": bytes.one(&["True", "False", "Unknown", ""]),
        "reason": bytes.one(&[None, Some("SchedulingGated"), Some("ContainersNotReady")]),
        "message": bytes.one(&[None, Some("."), Some("the node is down.")]),
        "lastTransitionTime": bytes.maybe(Bytes::time),
    })
}

fn node(bytes: &mut Bytes<'_>) -> Value {
    json!({
        "metadata": { "name": bytes.one(&["n0", "n1", "n2", ""]) },
        "spec": { "unschedulable": bytes.next() % 2 == 1 },
        "status": { "conditions": bytes.some(3, condition) },
    })
}

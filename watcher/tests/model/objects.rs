//! Pods and nodes as the model's API server keeps them. They are parsed from the JSON that a real one sends, so what is
//! missing in it is missing here. Knows no versions and no history.

use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Value, json};
use watcher::node::Node;
use watcher::pod::Pod;

/// A pod or a node.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Pod(Rc<Pod>),
    Node(Rc<Node>),
}

/// How a pod is. None of these changes with time alone: what does, the ledger's own tests hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Running,
    Unready,
    Pending,
    Crashing { restarts: u32 },
    NoImage,
    Deleting,
    Completed,
}

/// A pod in the making.
pub(crate) struct Draft<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: u64,
    /// Nothing while it is not scheduled.
    pub(crate) node: Option<&'a str>,
    pub(crate) health: Health,
    /// Where its lightd can be dialled, if it has one.
    pub(crate) ip: Option<&'a str>,
    pub(crate) since: Timestamp,
}

impl Draft<'_> {
    pub(crate) fn pod(&self) -> Object {
        let since = self.since.to_string();
        let (phase, state, ready) = match self.health {
            Health::Running | Health::Deleting => ("Running", json!({ "running": {} }), true),
            Health::Unready => ("Running", json!({ "running": {} }), false),
            Health::Pending => ("Pending", waiting("ContainerCreating"), false),
            Health::NoImage => ("Pending", waiting("ImagePullBackOff"), false),
            Health::Crashing { .. } => ("Running", waiting("CrashLoopBackOff"), false),
            Health::Completed => {
                ("Succeeded", json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }), false)
            }
        };
        let restarts = if let Health::Crashing { restarts } = self.health { restarts } else { 0 };
        let mut metadata = json!({
            "namespace": self.namespace, "name": self.name, "uid": format!("uid-{}", self.uid), "labels": {},
        });
        if self.health == Health::Deleting {
            metadata["deletionTimestamp"] = json!(since);
        }
        if self.ip.is_some() {
            metadata["labels"] =
                json!({ "app.kubernetes.io/name": "podlight", "app.kubernetes.io/component": "lightd" });
        }
        let truth = if ready { "True" } else { "False" };
        let pod = json!({
            "metadata": metadata,
            "spec": { "nodeName": self.node, "containers": [{ "name": "main" }] },
            "status": {
                "phase": phase, "podIP": self.ip,
                "conditions": [{ "type": "Ready", "status": truth, "lastTransitionTime": since }],
                "containerStatuses": [{ "name": "main", "ready": ready, "restartCount": restarts, "state": state }],
            },
        });
        Object::Pod(Rc::new(serde_json::from_value(pod).expect("a pod as the API writes it")))
    }
}

fn waiting(reason: &str) -> Value {
    json!({ "waiting": { "reason": reason } })
}

/// A node whose Ready condition has this status: `True`, `False` or `Unknown`.
pub(crate) fn node(name: &str, ready: &str, cordoned: bool, since: Timestamp) -> Object {
    let condition =
        json!({ "type": "Ready", "status": ready, "reason": "Kubelet", "lastTransitionTime": since.to_string() });
    let node = json!({
        "metadata": { "name": name },
        "spec": { "unschedulable": cordoned },
        "status": { "conditions": [condition] },
    });
    Object::Node(Rc::new(serde_json::from_value(node).expect("a node as the API writes it")))
}

//! Nodes as an API server would show them.

use serde_json::{Value, json};

use crate::pod::now;

/// Builds a node, Ready unless told otherwise.
#[derive(Clone, Debug)]
pub struct NodeBuilder(Value);

impl NodeBuilder {
    /// A node that is Ready.
    pub fn new(name: &str) -> Self {
        let labels =
            json!({ "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64" });
        let capacity = json!({ "cpu": "4", "memory": "8009000Ki", "pods": "110" });
        Self(json!({
            "metadata": { "name": name, "labels": labels },
            "spec": { "podCIDR": "10.42.0.0/24" },
            "status": {
                "addresses": [{ "type": "InternalIP", "address": "10.0.0.1" }, { "type": "Hostname", "address": name }],
                "capacity": capacity, "allocatable": capacity,
                "nodeInfo": { "kubeletVersion": "v1.35.0", "operatingSystem": "linux", "architecture": "arm64" },
            },
        }))
        .ready(true)
    }

    /// Whether the node is Ready; `false` is what its own kubelet says of it.
    #[must_use]
    pub fn ready(self, ready: bool) -> Self {
        let (status, reason) = if ready { ("True", "KubeletReady") } else { ("False", "KubeletNotReady") };
        self.condition(status, reason)
    }

    /// Nobody has heard of the node: its Ready condition is Unknown.
    #[must_use]
    pub fn lost(self) -> Self {
        self.condition("Unknown", "NodeStatusUnknown")
    }

    /// No new pods are scheduled here.
    #[must_use]
    pub fn cordoned(mut self) -> Self {
        self.0["spec"]["unschedulable"] = json!(true);
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["labels"][key] = json!(value);
        self
    }

    fn condition(mut self, status: &str, reason: &str) -> Self {
        self.0["status"]["conditions"] = json!([
            { "type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory", "lastTransitionTime": now() },
            { "type": "Ready", "status": status, "reason": reason, "lastTransitionTime": now() },
        ]);
        self
    }
}

impl From<NodeBuilder> for Value {
    fn from(NodeBuilder(node): NodeBuilder) -> Self {
        node
    }
}

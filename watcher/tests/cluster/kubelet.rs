//! What a kubelet says of its node and of its pods.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node as NodeObject, Pod as PodObject};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, from_value, json};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::cluster::{Cluster, MARK};

/// A node whose kubelet lives. Dropped, it dies.
pub(crate) struct Node {
    pub(crate) name: String,
    api: Api<NodeObject>,
    heart: AbortHandle,
}

impl Node {
    /// Joins the cluster, ready.
    pub(crate) async fn join(cluster: &Cluster) -> Self {
        let name = format!("{}-node", cluster.name);
        let api: Api<NodeObject> = Api::all(cluster.client.clone());
        let node = json!({"metadata": {"name": name, "labels": {MARK: cluster.name}}});
        let made = api.create(&PostParams::default(), &from_value(node).unwrap()).await.unwrap();
        let uid = made.metadata.uid.expect("the API server gives uids");
        let heart = tokio::spawn(beat(cluster.client.clone(), name.clone(), uid)).abort_handle();
        let node = Self { name, api, heart };
        node.is_ready("True", "").await;
        node
    }

    /// Says whether it is ready, and why.
    pub(crate) async fn is_ready(&self, status: &str, message: &str) {
        let now = Timestamp::now();
        let ready = json!({
            "type": "Ready", "status": status, "reason": "Tested", "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        });
        let status = Patch::Merge(json!({"status": {"conditions": [ready]}}));
        self.api.patch_status(&self.name, &PatchParams::default(), &status).await.unwrap();
    }

    /// Leaves the cluster.
    pub(crate) async fn leave(self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// A node that isn't heard for 40 s is one that nobody knows anything of. This doesn't touch the node itself.
async fn beat(client: Client, node: String, uid: String) {
    let leases: Api<Lease> = Api::namespaced(client, "kube-node-lease");
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid});
    loop {
        let renewed = format!("{:.6}", Timestamp::now());
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": node, "ownerReferences": [owner]},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": renewed},
        });
        // An API server may be down for a while.
        leases.patch(&node, &PatchParams::apply("kubelet").force(), &Patch::Apply(lease)).await.ok();
        sleep(Duration::from_secs(5)).await;
    }
}

/// A pod to be: two containers and one before them.
pub(crate) struct Plan {
    name: String,
    namespace: String,
    labels: Value,
    spec: Value,
}

pub(crate) fn plan(name: &str, cluster: &Cluster) -> Plan {
    Plan {
        name: name.to_owned(),
        namespace: cluster.name.clone(),
        labels: json!({}),
        spec: json!({
            "initContainers": [container_to_be("before")],
            "containers": [container_to_be("first"), container_to_be("second")],
            // No scheduler has a say.
            "schedulerName": "nobody",
            "automountServiceAccountToken": false,
        }),
    }
}

/// A container of a pod to be.
pub(crate) fn container_to_be(name: &str) -> Value {
    json!({"name": name, "image": "tested.invalid/image"})
}

impl Plan {
    pub(crate) fn on(mut self, node: &Node) -> Self {
        self.spec["nodeName"] = json!(node.name);
        self
    }

    pub(crate) fn within(self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self }
    }

    pub(crate) fn labelled(mut self, label: &str, value: &str) -> Self {
        self.labels[label] = json!(value);
        self
    }

    /// Its second container listens on this port.
    pub(crate) fn listening(mut self, name: &str, port: u16) -> Self {
        self.spec["containers"][1]["ports"] = json!([{"name": name, "containerPort": port}]);
        self
    }

    pub(crate) async fn create(self, cluster: &Cluster) -> Pod {
        let Self { name, namespace, labels, spec } = self;
        let there = Pod::named(cluster, &namespace, &name);
        let pod = json!({"metadata": {"name": name, "labels": labels}, "spec": spec});
        there.api.create(&PostParams::default(), &from_value(pod).unwrap()).await.unwrap();
        there
    }
}

/// A pod that there is.
pub(crate) struct Pod {
    pub(crate) full_name: String,
    pub(crate) path: String,
    name: String,
    api: Api<PodObject>,
}

impl Pod {
    /// The pod of this name, whoever makes it.
    pub(crate) fn named(cluster: &Cluster, namespace: &str, name: &str) -> Self {
        Self {
            full_name: format!("{namespace}/{name}"),
            path: format!("/api/v1/namespaces/{namespace}/pods/{name}"),
            name: name.to_owned(),
            api: Api::namespaced(cluster.client.clone(), namespace),
        }
    }

    /// The kubelet says how it is.
    pub(crate) async fn is(&self, status: Status) {
        let status = Patch::Merge(json!({"status": status.0}));
        self.api.patch_status(&self.name, &PatchParams::default(), &status).await.unwrap();
    }

    /// Someone deletes it: the kubelet is to end it.
    pub(crate) async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }

    /// The kubelet has ended it.
    pub(crate) async fn end(&self) {
        self.api.delete(&self.name, &DeleteParams::default().grace_period(0)).await.unwrap();
    }

    /// Binds it, as a scheduler does.
    pub(crate) async fn bind(&self, node: &Node) {
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": self.name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node.name},
        });
        let _: Value =
            self.api.create_subresource("binding", &self.name, &PostParams::default(), &binding).await.unwrap();
    }
}

/// What a kubelet says of a pod.
pub(crate) struct Status(Value);

/// A pod of this phase; nothing is said of its containers yet.
pub(crate) fn phase(phase: &str) -> Status {
    // `null` takes away what was said before.
    Status(json!({
        "phase": phase, "reason": null, "conditions": null, "initContainerStatuses": null, "containerStatuses": null,
    }))
}

/// A pod that runs well.
pub(crate) fn ready() -> Status {
    phase("Running").before(ended(0, "Completed")).containers([running(), running()]).ready()
}

impl Status {
    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.0["reason"] = json!(reason);
        self
    }

    pub(crate) fn at(mut self, ip: &str) -> Self {
        self.0["podIP"] = json!(ip);
        self.0["podIPs"] = json!([{"ip": ip}]);
        self
    }

    /// Of the container before the others.
    pub(crate) fn before(mut self, state: Value) -> Self {
        self.0["initContainerStatuses"] = json!([container("before", state)]);
        self
    }

    /// Of all others.
    pub(crate) fn containers(mut self, [first, second]: [Value; 2]) -> Self {
        self.0["containerStatuses"] = json!([container("first", first), container("second", second)]);
        self
    }

    /// The first container was restarted so often, the last time after it ended so.
    pub(crate) fn restarted(mut self, times: u32, last: Value) -> Self {
        self.0["containerStatuses"][0]["restartCount"] = json!(times);
        self.0["containerStatuses"][0]["lastState"] = last;
        self
    }

    /// Probes and all are content.
    pub(crate) fn ready(mut self) -> Self {
        self.0["conditions"] = json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]);
        for i in 0..2 {
            self.0["containerStatuses"][i]["ready"] = json!(true);
        }
        self
    }
}

fn container(name: &str, state: Value) -> Value {
    json!({
        "name": name, "state": state, "lastState": {}, "ready": false, "restartCount": 0,
        "image": "tested.invalid/image", "imageID": "",
    })
}

pub(crate) fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason}})
}

/// For an hour already.
pub(crate) fn running() -> Value {
    json!({"running": {"startedAt": hour_ago()}})
}

pub(crate) fn running_since_now() -> Value {
    json!({"running": {"startedAt": Timestamp::now()}})
}

pub(crate) fn ended(code: i32, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": hour_ago()}})
}

pub(crate) fn killed(signal: i32) -> Value {
    json!({"terminated": {"exitCode": 128 + signal, "signal": signal, "finishedAt": hour_ago()}})
}

fn hour_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

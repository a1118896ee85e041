//! Nodes and pods as kubelets would speak of them, and a series of changes that is the same for all who watch.

use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, from_value, json};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::cluster::{Cluster, MARK};

/// From one change to the next.
pub(crate) const PACE: Duration = Duration::from_millis(20);
/// A node that isn't heard for 40 s is one that nobody knows anything of.
const BEAT: Duration = Duration::from_secs(15);
/// Requests at a time.
const AT_ONCE: usize = 8;
const SEED: u64 = 6;

/// Nodes with pods. Dropped, their kubelets die.
pub(crate) struct Load<'a> {
    cluster: &'a Cluster,
    pub(crate) nodes: Vec<String>,
    pods: usize,
    hearts: AbortHandle,
}

impl<'a> Load<'a> {
    /// So many nodes that are ready, and so many pods in all, spread over them.
    pub(crate) async fn prepare(cluster: &'a Cluster, nodes: usize, pods: usize) -> Self {
        assert!(nodes > 0 && pods >= nodes, "each node has a pod");
        let nodes: Vec<_> = (0..nodes).map(|i| format!("{}-{i}", cluster.name)).collect();
        let api: Api<Node> = Api::all(cluster.client.clone());
        for name in &nodes {
            let node = from_value(json!({"metadata": {"name": name, "labels": {MARK: cluster.name}}})).unwrap();
            api.create(&PostParams::default(), &node).await.unwrap();
            let now = Timestamp::now();
            let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now, "lastTransitionTime": now});
            let status = Patch::Merge(json!({"status": {"conditions": [ready]}}));
            api.patch_status(name, &PatchParams::default(), &status).await.unwrap();
        }
        let hearts = tokio::spawn(beat(Api::namespaced(cluster.client.clone(), "kube-node-lease"), nodes.clone()));
        let load = Self { cluster, nodes, pods, hearts: hearts.abort_handle() };
        load.each(0..pods, |i| {
            let (pods, pod) = (cluster.namespaced::<Pod>(), from_value(load.pod(i)).unwrap());
            async move { drop(pods.create(&PostParams::default(), &pod).await.unwrap()) }
        })
        .await;
        load
    }

    /// All pods run well.
    pub(crate) async fn all_run(&self) {
        self.each(0..self.pods, |i| self.is(i, running(true))).await;
    }

    /// Changes so many pods, one after the other, chosen by a fixed seed; the last ones so that each node has one that fails.
    pub(crate) async fn change(&self, changes: usize) {
        let (mut random, mut ready) = (fastrand::Rng::with_seed(SEED), vec![true; self.pods]);
        let failing = self.nodes.len().min(changes);
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let toggles: Vec<_> = (0..changes - failing)
            .map(|_| {
                let pod = random.usize(..self.pods);
                ready[pod] = !ready[pod];
                (pod, running(ready[pod]))
            })
            .chain((0..failing).map(|pod| (pod, failing_status())))
            .collect();
        let paced = futures::stream::unfold((toggles.into_iter(), ticks), |(mut left, mut ticks)| async move {
            ticks.tick().await;
            Some((left.next()?, (left, ticks)))
        });
        paced.for_each_concurrent(AT_ONCE, |(pod, status)| self.is(pod, status)).await;
    }

    /// The JSON of a pod, in bytes.
    pub(crate) async fn size(&self) -> usize {
        self.is(0, running(true)).await;
        let path = format!("/api/v1/namespaces/{}/pods/pod-0", self.cluster.name);
        self.cluster.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap().len()
    }

    async fn each<F: Future<Output = ()>>(&self, all: std::ops::Range<usize>, act: impl FnMut(usize) -> F) {
        futures::stream::iter(all.map(act)).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// The kubelet says how this pod is.
    async fn is(&self, pod: usize, status: Value) {
        let pods: Api<Pod> = self.cluster.namespaced();
        let status = Patch::Merge(json!({"status": status}));
        pods.patch_status(&format!("pod-{pod}"), &PatchParams::default(), &status).await.unwrap();
    }

    /// A pod as Deployments make them: two containers with what is usual.
    fn pod(&self, i: usize) -> Value {
        let container = |name: &str| {
            let env: Vec<_> =
                (0..6).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value-{n}")})).collect();
            let probe = |path: &str| json!({"httpGet": {"path": path, "port": 8080}, "periodSeconds": 10});
            json!({
                "name": name, "image": format!("measured.invalid/shop/{name}:1.2.3"), "env": env,
                "ports": [{"name": format!("http-{name}"), "containerPort": 8080}],
                "livenessProbe": probe("/livez"), "readinessProbe": probe("/readyz"),
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true},
            })
        };
        json!({
            "metadata": {
                "name": format!("pod-{i}"),
                "labels": {MARK: self.cluster.name, "app.kubernetes.io/name": "shop", "pod-template-hash": "6d4cf56db6"},
                "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
            },
            "spec": {
                "nodeName": self.nodes[i % self.nodes.len()],
                "containers": [container("cart"), container("proxy")],
                // No scheduler has a say.
                "schedulerName": "nobody",
                "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 0,
            },
        })
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.hearts.abort();
    }
}

async fn beat(leases: Api<Lease>, nodes: Vec<String>) {
    let mut ticks = interval(BEAT);
    loop {
        ticks.tick().await;
        for node in &nodes {
            let lease = json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": node},
                "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": format!("{:.6}", Timestamp::now())},
            });
            leases.patch(node, &PatchParams::apply("kubelet").force(), &Patch::Apply(lease)).await.unwrap();
        }
    }
}

fn running(ready: bool) -> Value {
    let now = Timestamp::now();
    let ready_status = if ready { "True" } else { "False" };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": now});
    json!({
        "phase": "Running", "podIP": "10.1.2.3", "hostIP": "10.0.0.1", "startTime": "2026-01-01T00:00:00Z",
        "conditions": [
            condition("Initialized", "True"), condition("Ready", ready_status),
            condition("ContainersReady", ready_status), condition("PodScheduled", "True"),
        ],
        "containerStatuses": [
            container("cart", json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}), ready),
            container("proxy", json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}), true),
        ],
    })
}

fn failing_status() -> Value {
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}});
    json!({
        "phase": "Pending",
        "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [container("cart", waiting.clone(), false), container("proxy", waiting, false)],
    })
}

fn container(name: &str, state: Value, ready: bool) -> Value {
    json!({
        "name": name, "state": state, "lastState": {}, "ready": ready, "started": ready, "restartCount": 0,
        "image": format!("measured.invalid/shop/{name}:1.2.3"),
        "imageID": "measured.invalid/shop@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "containerID": "containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    })
}

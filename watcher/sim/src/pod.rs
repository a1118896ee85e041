//! Pods as an API server would show them: the whole shape that a client may look at, with the kubelet's words.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

/// Builds a pod: pending and on no node until told otherwise. What comes later overrides.
#[derive(Clone, Debug)]
pub struct PodBuilder(Value);

impl PodBuilder {
    /// A pod with one container, `main`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(json!({
            "metadata": { "namespace": namespace, "name": name, "labels": { "app": name }, "annotations": {} },
            "spec": {
                "restartPolicy": "Always", "serviceAccountName": "default", "schedulerName": "default-scheduler",
                "containers": [container("main")],
            },
            "status": { "phase": "Pending", "qosClass": "Burstable", "conditions": [] },
        }))
        .condition("PodScheduled", false, "Unschedulable")
    }

    /// A running lightd on `node`, as podlight's DaemonSet makes it, listening for gRPC at `ip:port`.
    pub fn lightd(node: &str, ip: &str, port: u16) -> Self {
        Self::new("podlight", &format!("lightd-{node}"))
            .label("app.kubernetes.io/name", "podlight")
            .label("app.kubernetes.io/component", "lightd")
            .port("grpc", port)
            .on(node)
            .ip(ip)
            .running()
    }

    /// A running watcher, as podlight's Deployment makes it, at `ip`.
    pub fn watcher(name: &str, ip: &str) -> Self {
        Self::new("podlight", name)
            .label("app.kubernetes.io/name", "podlight")
            .label("app.kubernetes.io/component", "watcher")
            .ip(ip)
            .running()
    }

    /// Schedules the pod on `node`.
    #[must_use]
    pub fn on(mut self, node: &str) -> Self {
        self.0["spec"]["nodeName"] = json!(node);
        self.0["status"]["hostIP"] = json!("10.0.0.1");
        self.condition("PodScheduled", true, "")
    }

    /// A uid of the caller's own choice.
    #[must_use]
    pub fn uid(mut self, uid: &str) -> Self {
        self.0["metadata"]["uid"] = json!(uid);
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["labels"][key] = json!(value);
        self
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["annotations"][key] = json!(value);
        self
    }

    /// The controller that made the pod: its kind and its name.
    #[must_use]
    pub fn owner(mut self, kind: &str, name: &str) -> Self {
        self.0["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true,
        }]);
        self
    }

    /// The pod's address.
    #[must_use]
    pub fn ip(mut self, ip: &str) -> Self {
        self.0["status"]["podIP"] = json!(ip);
        self.0["status"]["podIPs"] = json!([{ "ip": ip }]);
        self
    }

    /// A port of the first container.
    #[must_use]
    pub fn port(mut self, name: &str, number: u16) -> Self {
        self.0["spec"]["containers"][0]["ports"] =
            json!([{ "name": name, "containerPort": number, "protocol": "TCP" }]);
        self
    }

    /// One more container. It does well whatever befalls the first.
    #[must_use]
    pub fn container(mut self, name: &str) -> Self {
        if let Some(containers) = self.0["spec"]["containers"].as_array_mut() {
            containers.push(container(name));
        }
        self
    }

    /// Waiting for a node, or for its images.
    #[must_use]
    pub fn pending(self) -> Self {
        let creating = json!({ "waiting": { "reason": "ContainerCreating" } });
        if self.0["spec"]["nodeName"].is_null() { self } else { self.status("Pending", &creating, false, 0) }
    }

    /// Running and ready.
    #[must_use]
    pub fn running(self) -> Self {
        self.status("Running", &running(), true, 0)
    }

    /// Whether the running pod passes its readiness probe.
    #[must_use]
    pub fn ready(self, ready: bool) -> Self {
        self.readiness(ready)
    }

    /// Running and ready again after `restarts`, the last one just now: after the end that the pod was told to have
    /// before, or an error.
    #[must_use]
    pub fn restarted(self, restarts: u32) -> Self {
        let state = &self.0["status"]["containerStatuses"][0]["state"];
        let end = if state["terminated"].is_null() { terminated("Error", 1) } else { state.clone() };
        self.status("Running", &running(), true, restarts).last_state(end)
    }

    /// Exits soon after each start, and the kubelet waits before the next one.
    #[must_use]
    pub fn crash_looping(self, restarts: u32) -> Self {
        let message = "back-off 5m0s restarting failed container=main";
        let state = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
        self.status("Running", &state, false, restarts).last_state(terminated("Error", 1))
    }

    /// Its image can't be pulled.
    #[must_use]
    pub fn image_pull_back_off(self) -> Self {
        let message = "Back-off pulling image \"registry.example/main:1\"";
        let state = json!({ "waiting": { "reason": "ImagePullBackOff", "message": message } });
        self.status("Pending", &state, false, 0)
    }

    /// Killed just now for using too much memory, after `restarts`.
    #[must_use]
    pub fn oom_killed(self, restarts: u32) -> Self {
        self.status("Running", &terminated("OOMKilled", 137), false, restarts)
    }

    /// Done, as a Job's pod.
    #[must_use]
    pub fn completed(self) -> Self {
        self.status("Succeeded", &terminated("Completed", 0), false, 0)
    }

    /// Failed for good, as a Job's pod.
    #[must_use]
    pub fn failed(self) -> Self {
        self.status("Failed", &terminated("Error", 1), false, 0)
    }

    /// Evicted by the kubelet.
    #[must_use]
    pub fn evicted(mut self) -> Self {
        self.0["status"] = json!({
            "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.", "conditions": [],
        });
        self
    }

    /// Deleted just now, and on its way out.
    #[must_use]
    pub fn terminating(mut self) -> Self {
        let grace = 30;
        self.0["metadata"]["deletionTimestamp"] = after(grace);
        self.0["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        self
    }

    /// The first container in `state`, the others running.
    fn status(mut self, phase: &str, state: &Value, ready: bool, restarts: u32) -> Self {
        let names: Vec<Value> = self.0["spec"]["containers"]
            .as_array()
            .map(|containers| containers.iter().map(|container| container["name"].clone()).collect())
            .unwrap_or_default();
        let alone = phase != "Running";
        let statuses = names.iter().enumerate().map(|(i, name)| {
            let first = i == 0;
            json!({
                "name": name, "image": "registry.example/main:1", "imageID": "",
                "state": if first || alone { state.clone() } else { running() }, "lastState": {},
                "ready": if first { ready } else { !alone }, "started": phase == "Running",
                "restartCount": if first { restarts } else { 0 },
            })
        });
        let status = &mut self.0["status"];
        status["containerStatuses"] = statuses.collect();
        status["phase"] = json!(phase);
        status["startTime"] = now();
        self.condition("Initialized", true, "").readiness(ready)
    }

    fn last_state(mut self, state: Value) -> Self {
        self.0["status"]["containerStatuses"][0]["lastState"] = state;
        self
    }

    fn readiness(mut self, ready: bool) -> Self {
        let first = &mut self.0["status"]["containerStatuses"][0];
        first["ready"] = json!(ready);
        let reason = if ready { "" } else { "ContainersNotReady" };
        self.condition("ContainersReady", ready, reason).condition("Ready", ready, reason)
    }

    fn condition(mut self, name: &str, holds: bool, reason: &str) -> Self {
        let status = if holds { "True" } else { "False" };
        let mut condition = json!({ "type": name, "status": status, "lastTransitionTime": now() });
        if !reason.is_empty() {
            condition["reason"] = json!(reason);
        }
        if let Some(conditions) = self.0["status"]["conditions"].as_array_mut() {
            conditions.retain(|old| old["type"] != name);
            conditions.push(condition);
        }
        self
    }
}

impl From<PodBuilder> for Value {
    fn from(PodBuilder(pod): PodBuilder) -> Self {
        pod
    }
}

fn container(name: &str) -> Value {
    json!({ "name": name, "image": "registry.example/main:1", "resources": {} })
}

fn running() -> Value {
    json!({ "running": { "startedAt": now() } })
}

fn terminated(reason: &str, code: i32) -> Value {
    json!({ "terminated": { "reason": reason, "exitCode": code, "startedAt": after(-10), "finishedAt": now() } })
}

/// The time now, as the API writes it.
pub(crate) fn now() -> Value {
    after(0)
}

fn after(seconds: i64) -> Value {
    // Seconds from a clock's time never leave the range that a timestamp has.
    let time = Timestamp::now().saturating_add(seconds.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
    json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

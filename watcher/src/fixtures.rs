//! Pods and nodes for tests, in plain words: `pod("a").on("n1").crash_looping()`.
//!
//! A pod begins as one container that is well and has been for an hour; each word changes that. Times are seconds from
//! [`NOW`].

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::node::Node;
use crate::object::{Condition, ConditionKind, Meta, Owner, Truth};
use crate::pod::{
    Container, ContainerState, ContainerStatus, InitContainer, Phase, Pod, RestartPolicy, Running, Terminated, Waiting,
};

/// The moment at which tests play: 2025-06-01T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_748_779_200, 0);

/// So many seconds after [`NOW`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// A pod that runs and is ready, in namespace `default`, not on any node yet. Its uid follows from its name.
pub(crate) fn pod(name: &str) -> Pod {
    Pod {
        metadata: Meta {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            uid: format!("uid of {name}"),
            creation_timestamp: Some(at(-3600)),
            ..Meta::default()
        },
        ..Pod::default()
    }
    .phase(Phase::Running)
    .with(container("main"))
    .ready(Truth::True)
}

/// A container that is well and has been for an hour.
pub(crate) fn container(name: &str) -> ContainerStatus {
    ContainerStatus { name: name.to_owned(), ready: true, started: Some(true), ..ContainerStatus::default() }
        .running_since(-3600)
}

/// A node that is ready.
pub(crate) fn node(name: &str) -> Node {
    let mut node = Node::default();
    name.clone_into(&mut node.metadata.name);
    node.ready(Truth::True, "kubelet is posting ready status")
}

impl Pod {
    pub(crate) fn within(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.metadata.namespace);
        self
    }

    pub(crate) fn on(mut self, node: &str) -> Self {
        self.spec.node_name = node.to_owned();
        self
    }

    pub(crate) fn with_uid(mut self, uid: &str) -> Self {
        uid.clone_into(&mut self.metadata.uid);
        self
    }

    pub(crate) fn labelled(mut self, key: &str, value: &str) -> Self {
        self.metadata.labels.insert(key.as_bytes(), value.as_bytes());
        self
    }

    pub(crate) fn annotated(mut self, key: &str, value: &str) -> Self {
        self.metadata.annotations.insert(key.as_bytes(), value.as_bytes());
        self
    }

    /// Controlled by this object.
    pub(crate) fn owned_by(mut self, kind: &str, name: &str) -> Self {
        self.metadata.controller = Some(Owner { kind: kind.to_owned(), name: name.to_owned() });
        self
    }

    /// A lightd that serves at this address.
    pub(crate) fn lightd(self, ip: IpAddr) -> Self {
        let mut pod = self
            .within("podlight")
            .labelled("app.kubernetes.io/name", "podlight")
            .labelled("app.kubernetes.io/component", "lightd");
        pod.status.pod_ip = ip.to_string();
        pod
    }

    pub(crate) fn port(mut self, name: &str, container_port: u16) -> Self {
        let main = self.spec.containers.first_mut().expect("a pod of these tests has a container");
        main.grpc = main.grpc.or((name == Container::GRPC).then_some(container_port));
        self
    }

    pub(crate) fn phase(mut self, phase: Phase) -> Self {
        self.status.phase = phase;
        self
    }

    /// The pod's own reason, as of an eviction.
    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.status.reason = reason.to_owned();
        self
    }

    pub(crate) fn conditioned(mut self, kind: ConditionKind, status: Truth, reason: &str, since: i64) -> Self {
        self.status.conditions.retain(|condition| condition.kind != kind);
        self.status.conditions.push(Condition {
            kind,
            status,
            reason: reason.to_owned(),
            message: String::new(),
            last_transition_time: Some(at(since)),
        });
        self
    }

    pub(crate) fn ready(self, status: Truth) -> Self {
        self.conditioned(ConditionKind::Ready, status, "", -3000)
    }

    /// As ready as it is, since so many seconds from now.
    pub(crate) fn conditioned_since(mut self, seconds: i64) -> Self {
        for condition in &mut self.status.conditions {
            condition.last_transition_time = Some(at(seconds));
        }
        self
    }

    pub(crate) fn initialized(self) -> Self {
        self.conditioned(ConditionKind::Initialized, Truth::True, "", -3500)
    }

    pub(crate) fn restarts(mut self, policy: RestartPolicy) -> Self {
        self.spec.restart_policy = policy;
        self
    }

    /// Without any container.
    pub(crate) fn bare(mut self) -> Self {
        self.spec.containers.clear();
        self.status.container_statuses.clear();
        self
    }

    /// With this container besides.
    pub(crate) fn with(mut self, status: ContainerStatus) -> Self {
        self.spec.containers.push(Container::default());
        self.status.container_statuses.push(status);
        self
    }

    /// With these containers instead.
    pub(crate) fn of<const N: usize>(self, statuses: [ContainerStatus; N]) -> Self {
        statuses.into_iter().fold(self.bare(), Self::with)
    }

    pub(crate) fn init(mut self, status: ContainerStatus) -> Self {
        self.spec.init_containers.push(InitContainer { name: status.name.clone(), restart_policy: None });
        self.status.init_container_statuses.push(status);
        self
    }

    pub(crate) fn sidecar(self, status: ContainerStatus) -> Self {
        let mut pod = self.init(status);
        pod.spec.init_containers.last_mut().expect("just pushed").restart_policy = Some(RestartPolicy::Always);
        pod
    }

    pub(crate) fn terminating(self) -> Self {
        self.terminating_since(-5)
    }

    /// Deletion was asked for then, with 30 s of grace.
    pub(crate) fn terminating_since(mut self, seconds: i64) -> Self {
        self.metadata.deletion_timestamp = Some(at(seconds + 30));
        self.metadata.deletion_grace_period_seconds = Some(30);
        self
    }

    pub(crate) fn unready(self) -> Self {
        let mut main = container("main");
        main.ready = false;
        self.of([main]).ready(Truth::False)
    }

    pub(crate) fn pending(self) -> Self {
        self.phase(Phase::Pending).ready(Truth::False).of([container("main").waiting("ContainerCreating")])
    }

    pub(crate) fn crash_looping(self) -> Self {
        let main = container("main").waiting("CrashLoopBackOff").restarted(12).last_ended(1, "Error", -20);
        self.of([main]).ready(Truth::False)
    }

    /// Killed for want of memory so many seconds ago, and running again since a second later.
    pub(crate) fn oom_killed(self, seconds_ago: i64, restarts: u32) -> Self {
        let main = container("main").restarted(restarts).last_ended(137, "OOMKilled", -seconds_ago);
        self.of([main.running_since(1 - seconds_ago)])
    }

    pub(crate) fn completed(self) -> Self {
        self.phase(Phase::Succeeded)
            .restarts(RestartPolicy::Never)
            .of([container("main").ended(0, "Completed")])
            .conditioned(ConditionKind::Ready, Truth::False, "PodCompleted", -3000)
    }
}

impl ContainerStatus {
    fn state(self, state: ContainerState, lives: bool) -> Self {
        Self { ready: lives, started: Some(lives), state, ..self }
    }

    pub(crate) fn waiting(self, reason: &str) -> Self {
        let waiting = Some(Waiting { reason: reason.to_owned() });
        self.state(ContainerState { waiting, ..ContainerState::default() }, false)
    }

    pub(crate) fn running_since(self, seconds: i64) -> Self {
        let running = Some(Running { started_at: Some(at(seconds)) });
        self.state(ContainerState { running, ..ContainerState::default() }, true)
    }

    pub(crate) fn ended(self, exit_code: i32, reason: &str) -> Self {
        self.ended_at(exit_code, reason, -10)
    }

    pub(crate) fn ended_at(self, exit_code: i32, reason: &str, seconds: i64) -> Self {
        self.state(end(exit_code, reason, seconds), false)
    }

    pub(crate) fn signalled(mut self, signal: i32) -> Self {
        if let Some(terminated) = &mut self.state.terminated {
            terminated.signal = signal;
        }
        self
    }

    pub(crate) fn last_ended(mut self, exit_code: i32, reason: &str, seconds: i64) -> Self {
        self.last_state = end(exit_code, reason, seconds);
        self
    }

    pub(crate) fn restarted(mut self, restarts: u32) -> Self {
        self.restart_count = restarts;
        self
    }

    pub(crate) fn unready(mut self) -> Self {
        self.ready = false;
        self
    }
}

impl Node {
    pub(crate) fn ready(mut self, status: Truth, message: &str) -> Self {
        self.status.conditions = vec![Condition {
            kind: ConditionKind::Ready,
            status,
            reason: "KubeletNotReady".to_owned(),
            message: message.to_owned(),
            last_transition_time: Some(at(-120)),
        }];
        self
    }

    /// Short of something, so many seconds ago, and ready all the same.
    pub(crate) fn pressed(mut self, kind: ConditionKind, since: i64) -> Self {
        self.status.conditions.push(Condition {
            kind,
            status: Truth::True,
            reason: "KubeletHasNoRoom".to_owned(),
            message: String::new(),
            last_transition_time: Some(at(since)),
        });
        self
    }

    pub(crate) fn silent(self) -> Self {
        self.ready(Truth::Unknown, "Kubelet stopped posting node status.")
    }

    pub(crate) fn cordoned(mut self) -> Self {
        self.spec.unschedulable = true;
        self
    }
}

fn end(exit_code: i32, reason: &str, seconds: i64) -> ContainerState {
    let terminated =
        Some(Terminated { exit_code, signal: 0, reason: reason.to_owned(), finished_at: Some(at(seconds)) });
    ContainerState { terminated, ..ContainerState::default() }
}

//! A pod, slim: only the fields that decide its light.
//!
//! Offers [`Pod`], which is read in place of k8s-openapi's, from JSON or [`protobuf`](crate::protobuf); whatever else the API sends is
//! skipped unread. What a pod's fields amount to, [`standing`](crate::standing) says.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::object::{Condition, ConditionKind, Meta, Truth, condition, deciding, null_is_default};

/// A pod as the watcher needs it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Pod {
    pub(crate) metadata: Meta,
    #[serde(default)]
    pub(crate) spec: PodSpec,
    #[serde(default)]
    pub(crate) status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) node_name: String,
    #[serde(default)]
    pub(crate) restart_policy: RestartPolicy,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) containers: Vec<Container>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) init_containers: Vec<InitContainer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Container {
    /// The first port that is called so.
    #[serde(default, rename = "ports", deserialize_with = "grpc")]
    pub(crate) grpc: Option<u16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitContainer {
    pub(crate) name: String,
    /// `Always` makes it a sidecar.
    #[serde(default)]
    pub(crate) restart_policy: Option<RestartPolicy>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum RestartPolicy {
    /// What the API server fills in where a pod says nothing.
    #[default]
    Always,
    OnFailure,
    #[serde(other)]
    Never,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodStatus {
    #[serde(default)]
    pub(crate) phase: Phase,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) reason: String,
    #[serde(default, rename = "podIP", deserialize_with = "null_is_default")]
    pub(crate) pod_ip: String,
    #[serde(default, deserialize_with = "deciding")]
    pub(crate) conditions: Vec<Condition>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Phase {
    /// What the API server fills in for a new pod.
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerStatus {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) ready: bool,
    #[serde(default)]
    pub(crate) started: Option<bool>,
    #[serde(default)]
    pub(crate) restart_count: u32,
    #[serde(default)]
    pub(crate) state: ContainerState,
    #[serde(default)]
    pub(crate) last_state: ContainerState,
}

/// At most one of the three is there.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ContainerState {
    #[serde(default)]
    pub(crate) waiting: Option<Waiting>,
    #[serde(default)]
    pub(crate) running: Option<Running>,
    #[serde(default)]
    pub(crate) terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Waiting {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    #[serde(default)]
    pub(crate) started_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Terminated {
    #[serde(default)]
    pub(crate) exit_code: i32,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) signal: i32,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) finished_at: Option<Timestamp>,
}

impl Pod {
    /// Opts a pod out of every light when its value is `"true"`.
    pub const IGNORE: &str = "podlight.dev/ignore";

    /// The pod's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The pod's namespace.
    pub fn namespace(&self) -> &str {
        &self.metadata.namespace
    }

    /// What tells the pod from all others that ever were; nothing where the API doesn't say.
    pub fn uid(&self) -> &str {
        &self.metadata.uid
    }

    /// The node that the pod is bound to; nothing while it is not scheduled.
    pub fn node(&self) -> &str {
        &self.spec.node_name
    }

    /// Whether the pod asks to be left out.
    pub fn is_ignored(&self) -> bool {
        self.metadata.annotations.of(Self::IGNORE) == Some("true")
    }

    /// Where this pod serves the `Light` service, if it is a lightd that can be dialled: of podlight's namespace and
    /// labels, running, not terminating, with an address.
    pub fn light(&self) -> Option<SocketAddr> {
        const PORT: u16 = 50051;

        if self.node().is_empty() {
            return None;
        }
        let address = self.of_podlight("lightd")?;
        let port = self.spec.containers.iter().find_map(|container| container.grpc);
        Some(SocketAddr::new(address, port.unwrap_or(PORT)))
    }

    /// Its address, if it is a watcher that can be asked: as [`light`](Self::light).
    pub fn watcher(&self) -> Option<IpAddr> {
        self.of_podlight("watcher")
    }

    /// Its address, if it is this component of podlight's, and runs.
    fn of_podlight(&self, component: &str) -> Option<IpAddr> {
        const NAMESPACE: &str = "podlight";
        const NAME: &str = "app.kubernetes.io/name";
        const COMPONENT: &str = "app.kubernetes.io/component";

        let has = |key: &str, value: &str| self.metadata.labels.of(key) == Some(value);
        let is_it = self.namespace() == NAMESPACE && has(NAME, "podlight") && has(COMPONENT, component);
        let lives = self.status.phase == Phase::Running && self.metadata.deletion_timestamp.is_none();
        if is_it && lives { self.status.pod_ip.parse().ok() } else { None }
    }

    pub(crate) fn condition(&self, kind: ConditionKind) -> Option<&Condition> {
        condition(&self.status.conditions, kind)
    }

    pub(crate) fn holds(&self, kind: ConditionKind) -> bool {
        self.condition(kind).is_some_and(|condition| condition.status == Truth::True)
    }

    pub(crate) fn deletion_asked(&self) -> Option<Timestamp> {
        self.metadata.deletion_asked()
    }

    /// Whether this init container restarts for as long as the pod lives.
    pub(crate) fn is_sidecar(&self, init_container: &str) -> bool {
        let mut containers = self.spec.init_containers.iter();
        containers.any(|c| c.name == init_container && c.restart_policy == Some(RestartPolicy::Always))
    }
}

impl Container {
    /// What a port is called at which gRPC is spoken.
    pub(crate) const GRPC: &str = "grpc";
}

impl Phase {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }
}

impl ContainerState {
    /// Why the container waits, where the kubelet says so.
    pub(crate) fn waiting_reason(&self) -> Option<&str> {
        self.waiting.as_ref().map(|waiting| waiting.reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// How the container ended, if it ended badly.
    pub(crate) fn failure(&self) -> Option<&Terminated> {
        self.terminated.as_ref().filter(|terminated| terminated.exit_code != 0)
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.terminated.as_ref().is_some_and(|terminated| terminated.exit_code == 0)
    }
}

impl Terminated {
    /// What kubectl calls this end.
    pub(crate) fn word(&self) -> Cow<'_, str> {
        match (self.reason.as_str(), self.signal) {
            ("", 0) => format!("ExitCode:{}", self.exit_code).into(),
            ("", signal) => format!("Signal:{signal}").into(),
            (reason, _) => reason.into(),
        }
    }
}

fn grpc<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Port {
        #[serde(default, deserialize_with = "null_is_default")]
        name: String,
        container_port: u16,
    }
    let ports: Vec<Port> = null_is_default(deserializer)?;
    Ok(ports.into_iter().find(|port| port.name == Container::GRPC).map(|port| port.container_port))
}

#[cfg(test)]
mod tests;

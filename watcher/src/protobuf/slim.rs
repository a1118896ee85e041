//! Makes of messages the pods and nodes that the rest knows: as they would have been read from JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use prost::Message as _;
use prost::bytes::Bytes;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use super::{Malformed, messages};
use crate::node::{Node, NodeSpec, NodeStatus};
use crate::object::{Condition, OWN_ANNOTATIONS};
use crate::pod::{
    Container, ContainerPort, ContainerState, ContainerStatus, Pod, PodSpec, PodStatus, Running, Terminated, Waiting,
};

/// What an API server may be asked for in protobuf.
pub trait Object: Sized {
    /// Reads what is used of it.
    ///
    /// # Errors
    /// This is none.
    fn read(bytes: Bytes) -> Result<Self, Malformed>;
}

impl Object for Pod {
    fn read(bytes: Bytes) -> Result<Self, Malformed> {
        let messages::Pod { metadata, spec, status } = messages::Pod::decode(bytes).map_err(Malformed::new)?;
        Ok(Self {
            metadata: meta(metadata)?,
            spec: PodSpec {
                node_name: spec.node_name,
                restart_policy: word(&spec.restart_policy)?.unwrap_or_default(),
                containers: all(spec.containers, container)?,
                init_containers: all(spec.init_containers, container)?,
            },
            status: PodStatus {
                phase: word(&status.phase)?.unwrap_or_default(),
                reason: status.reason,
                pod_ip: status.pod_ip,
                conditions: all(status.conditions, condition)?,
                init_container_statuses: all(status.init_container_statuses, container_status)?,
                container_statuses: all(status.container_statuses, container_status)?,
            },
        })
    }
}

impl Object for Node {
    fn read(bytes: Bytes) -> Result<Self, Malformed> {
        let messages::Node { metadata, spec, status } = messages::Node::decode(bytes).map_err(Malformed::new)?;
        Ok(Self {
            metadata: meta(metadata)?,
            spec: NodeSpec { unschedulable: spec.unschedulable },
            status: NodeStatus { conditions: all(status.conditions, condition)? },
        })
    }
}

fn meta(meta: messages::Meta) -> Result<ObjectMeta, Malformed> {
    let own = |messages::Annotation { key, value }| key.starts_with(OWN_ANNOTATIONS.as_bytes()).then_some((key, value));
    let owned = |(key, value): (Bytes, Bytes)| Ok((text(&key)?, text(&value)?));
    let owner = |messages::Owner { kind, name, controller }| OwnerReference {
        kind,
        name,
        controller,
        ..OwnerReference::default()
    };
    let annotations =
        meta.annotations.into_iter().filter_map(own).map(owned).collect::<Result<BTreeMap<_, _>, Malformed>>()?;
    let owners: Vec<_> = meta.owner_references.into_iter().map(owner).collect();
    let given = |text: String| if text.is_empty() { None } else { Some(text) };
    let time = |stamp| Ok::<_, Malformed>(time(stamp)?.map(Time));
    Ok(ObjectMeta {
        name: given(meta.name),
        namespace: given(meta.namespace),
        uid: given(meta.uid),
        resource_version: given(meta.resource_version),
        creation_timestamp: time(meta.creation_timestamp)?,
        deletion_timestamp: time(meta.deletion_timestamp)?,
        deletion_grace_period_seconds: meta.deletion_grace_period_seconds,
        labels: Some(meta.labels).filter(|labels| !labels.is_empty()),
        annotations: Some(annotations).filter(|own| !own.is_empty()),
        owner_references: Some(owners).filter(|owners| !owners.is_empty()),
        ..ObjectMeta::default()
    })
}

fn container(message: messages::Container) -> Result<Container, Malformed> {
    let port = |messages::ContainerPort { name, container_port }| {
        Ok(ContainerPort { name, container_port: u16::try_from(container_port).map_err(Malformed::new)? })
    };
    let restart_policy = word(&message.restart_policy)?;
    Ok(Container { name: message.name, restart_policy, ports: all(message.ports, port)? })
}

fn condition(message: messages::Condition) -> Result<Condition, Malformed> {
    Ok(Condition {
        kind: named(&message.kind)?,
        status: named(&message.status)?,
        reason: message.reason,
        message: message.message,
        last_transition_time: time(message.last_transition_time)?,
    })
}

fn container_status(message: messages::ContainerStatus) -> Result<ContainerStatus, Malformed> {
    Ok(ContainerStatus {
        name: message.name,
        ready: message.ready,
        started: message.started,
        restart_count: u32::try_from(message.restart_count).map_err(Malformed::new)?,
        state: container_state(message.state)?,
        last_state: container_state(message.last_state)?,
    })
}

fn container_state(message: Option<messages::ContainerState>) -> Result<ContainerState, Malformed> {
    let message = message.unwrap_or_default();
    let running = |messages::Running { started_at }| Ok::<_, Malformed>(Running { started_at: time(started_at)? });
    let ended = |messages::Terminated { exit_code, signal, reason, finished_at }| {
        Ok::<_, Malformed>(Terminated { exit_code, signal, reason, finished_at: time(finished_at)? })
    };
    Ok(ContainerState {
        waiting: message.waiting.map(|messages::Waiting { reason }| Waiting { reason }),
        running: message.running.map(running).transpose()?,
        terminated: message.terminated.map(ended).transpose()?,
    })
}

fn all<A, B>(messages: Vec<A>, read: impl Fn(A) -> Result<B, Malformed>) -> Result<Vec<B>, Malformed> {
    messages.into_iter().map(read).collect()
}

/// A word that stands for one of several things, as it does in JSON. Nothing where it is empty, and so absent there.
fn word<'a, T: Deserialize<'a>>(word: &'a str) -> Result<Option<T>, Malformed> {
    if word.is_empty() { Ok(None) } else { named(word).map(Some) }
}

fn named<'a, T: Deserialize<'a>>(word: &'a str) -> Result<T, Malformed> {
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(word).map_err(Malformed::new)
}

fn time(time: Option<messages::Time>) -> Result<Option<Timestamp>, Malformed> {
    match time {
        None | Some(messages::Time { seconds: None, nanos: None }) => Ok(None),
        Some(messages::Time { seconds, nanos }) => {
            let time = Timestamp::new(seconds.unwrap_or_default(), nanos.unwrap_or_default());
            time.map(Some).map_err(Malformed::new)
        }
    }
}

fn text(bytes: &Bytes) -> Result<String, Malformed> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(Malformed::new)
}

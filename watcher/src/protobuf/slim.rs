//! Makes of messages the pods and nodes that the rest knows: as they would have been read from JSON.
//!
//! Numbers of fields are those of Kubernetes' `generated.proto` files, where they never change. What is empty there is absent in
//! JSON.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use super::Malformed;
use super::fields::{Fields, Value};
use crate::node::{Node, NodeSpec, NodeStatus};
use crate::object::{Condition, ConditionKind, Meta, OWN_ANNOTATIONS, Owner, Truth};
use crate::pod::{
    Container, ContainerState, ContainerStatus, InitContainer, Pod, PodSpec, PodStatus, Running, Terminated, Waiting,
};

/// What an API server may be asked for in protobuf.
pub trait Object: Sized {
    /// Reads what is used of it.
    ///
    /// # Errors
    /// This is none.
    fn read(message: &[u8]) -> Result<Self, Malformed>;
}

impl Object for Pod {
    fn read(message: &[u8]) -> Result<Self, Malformed> {
        let (mut pod, mut fields) = (Self::default(), Fields(message));
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => pod.metadata = meta(value.piece()?)?,
                2 => pod.spec = pod_spec(value.piece()?)?,
                3 => pod.status = pod_status(value.piece()?)?,
                _ => {}
            }
        }
        Ok(pod)
    }
}

impl Object for Node {
    fn read(message: &[u8]) -> Result<Self, Malformed> {
        let (mut node, mut fields) = (Self::default(), Fields(message));
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => node.metadata = meta(value.piece()?)?,
                2 => node.spec = node_spec(value.piece()?)?,
                3 => node.status = node_status(value.piece()?)?,
                _ => {}
            }
        }
        Ok(node)
    }
}

/// Of `k8s.io/apimachinery/pkg/apis/meta/v1`, as [`time`].
pub(super) fn meta(message: &[u8]) -> Result<Meta, Malformed> {
    let (mut meta, mut fields) = (Meta::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => meta.name = value.owned()?,
            3 => meta.namespace = value.owned()?,
            5 => meta.uid = value.owned()?,
            6 => meta.resource_version = value.owned()?,
            8 => meta.creation_timestamp = time(value.piece()?)?,
            9 => meta.deletion_timestamp = time(value.piece()?)?,
            10 => meta.deletion_grace_period_seconds = Some(value.number()?),
            11 => {
                let [key, value] = entry(value.piece()?)?;
                meta.labels.insert(key, value);
            }
            12 => {
                let [key, value] = entry(value.piece()?)?;
                if key.starts_with(OWN_ANNOTATIONS.as_bytes()) {
                    meta.annotations.insert(key, value);
                }
            }
            13 => {
                let owner = controller(value.piece()?)?;
                meta.controller = meta.controller.or(owner);
            }
            _ => {}
        }
    }
    Ok(meta)
}

/// Key and value of a map's entry. Others' annotations can be large, and aren't looked into.
fn entry(message: &[u8]) -> Result<[&[u8]; 2], Malformed> {
    let (mut entry, mut fields) = ([&[][..]; 2], Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => entry[0] = value.piece()?,
            2 => entry[1] = value.piece()?,
            _ => {}
        }
    }
    Ok(entry)
}

/// An owner, if it is the one that controls.
fn controller(message: &[u8]) -> Result<Option<Owner>, Malformed> {
    let (mut kind, mut name, mut controls, mut fields) = ("", "", false, Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => kind = value.text()?,
            3 => name = value.text()?,
            6 => controls = value.truth()?,
            _ => {}
        }
    }
    Ok(controls.then(|| Owner { kind: kind.to_owned(), name: name.to_owned() }))
}

/// No time at all has neither field.
fn time(message: &[u8]) -> Result<Option<Timestamp>, Malformed> {
    let (mut seconds, mut nanos, mut fields) = (None, None, Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => seconds = Some(value.number()?),
            2 => nanos = Some(value.number()?),
            _ => {}
        }
    }
    if (seconds, nanos) == (None, None) {
        return Ok(None);
    }
    Timestamp::new(seconds.unwrap_or_default(), nanos.unwrap_or_default()).map(Some).map_err(Malformed::new)
}

/// Of `k8s.io/api/core/v1`, as the next ones.
fn pod_spec(message: &[u8]) -> Result<PodSpec, Malformed> {
    let (mut spec, mut fields) = (PodSpec::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            2 => spec.containers.push(container(value.piece()?)?),
            3 => spec.restart_policy = word(value.text()?)?.unwrap_or_default(),
            10 => spec.node_name = value.owned()?,
            20 => spec.init_containers.push(init_container(value.piece()?)?),
            _ => {}
        }
    }
    Ok(spec)
}

fn container(message: &[u8]) -> Result<Container, Malformed> {
    let (mut container, mut fields) = (Container::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if let (6, None) = (number, container.grpc) {
            container.grpc = grpc(value.piece()?)?;
        }
    }
    Ok(container)
}

/// A port's number, if it is the one for gRPC.
fn grpc(message: &[u8]) -> Result<Option<u16>, Malformed> {
    let (mut name, mut port, mut fields) = (&[][..], 0, Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => name = value.piece()?,
            3 => port = value.number()?,
            _ => {}
        }
    }
    Ok((name == Container::GRPC.as_bytes()).then_some(port))
}

fn init_container(message: &[u8]) -> Result<InitContainer, Malformed> {
    let (mut container, mut fields) = (InitContainer::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => container.name = value.owned()?,
            24 => container.restart_policy = word(value.text()?)?,
            _ => {}
        }
    }
    Ok(container)
}

fn pod_status(message: &[u8]) -> Result<PodStatus, Malformed> {
    let (mut status, mut fields) = (PodStatus::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => status.phase = word(value.text()?)?.unwrap_or_default(),
            2 => status.conditions.extend(condition(value.piece()?)?),
            4 => status.reason = value.owned()?,
            6 => status.pod_ip = value.owned()?,
            8 => add(&mut status.container_statuses, container_status(value.piece()?)?),
            10 => add(&mut status.init_container_statuses, container_status(value.piece()?)?),
            _ => {}
        }
    }
    Ok(status)
}

/// Most pods have one or two. Room for four, which a vector begins with, is more than a kB of them, and to get that much is slow.
fn add<T>(all: &mut Vec<T>, one: T) {
    if all.len() == all.capacity() {
        all.reserve_exact(all.len().max(1));
    }
    all.push(one);
}

/// A condition, if it decides something. A node's differs in nothing that is used.
fn condition(message: &[u8]) -> Result<Option<Condition>, Malformed> {
    let (mut kind, mut status) = (ConditionKind::Other, Truth::Unknown);
    let [mut since, mut reason, mut words] = [Value::Piece(&[]); 3];
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => kind = named(value.text()?)?,
            2 => status = named(value.text()?)?,
            4 => since = value,
            5 => reason = value,
            6 => words = value,
            _ => {}
        }
    }
    if kind == ConditionKind::Other {
        return Ok(None);
    }
    let (reason, message, last_transition_time) = (reason.owned()?, words.owned()?, time(since.piece()?)?);
    Ok(Some(Condition { kind, status, reason, message, last_transition_time }))
}

fn container_status(message: &[u8]) -> Result<ContainerStatus, Malformed> {
    let (mut status, mut fields) = (ContainerStatus::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => status.name = value.owned()?,
            2 => status.state = container_state(value.piece()?)?,
            3 => status.last_state = container_state(value.piece()?)?,
            4 => status.ready = value.truth()?,
            5 => status.restart_count = value.number()?,
            9 => status.started = Some(value.truth()?),
            _ => {}
        }
    }
    Ok(status)
}

fn container_state(message: &[u8]) -> Result<ContainerState, Malformed> {
    let (mut state, mut fields) = (ContainerState::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => state.waiting = Some(waiting(value.piece()?)?),
            2 => state.running = Some(running(value.piece()?)?),
            3 => state.terminated = Some(terminated(value.piece()?)?),
            _ => {}
        }
    }
    Ok(state)
}

fn waiting(message: &[u8]) -> Result<Waiting, Malformed> {
    let (mut waiting, mut fields) = (Waiting::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 1 {
            waiting.reason = value.owned()?;
        }
    }
    Ok(waiting)
}

fn running(message: &[u8]) -> Result<Running, Malformed> {
    let (mut running, mut fields) = (Running::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 1 {
            running.started_at = time(value.piece()?)?;
        }
    }
    Ok(running)
}

fn terminated(message: &[u8]) -> Result<Terminated, Malformed> {
    let (mut terminated, mut fields) = (Terminated::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => terminated.exit_code = value.number()?,
            2 => terminated.signal = value.number()?,
            3 => terminated.reason = value.owned()?,
            6 => terminated.finished_at = time(value.piece()?)?,
            _ => {}
        }
    }
    Ok(terminated)
}

fn node_spec(message: &[u8]) -> Result<NodeSpec, Malformed> {
    let (mut spec, mut fields) = (NodeSpec::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 4 {
            spec.unschedulable = value.truth()?;
        }
    }
    Ok(spec)
}

fn node_status(message: &[u8]) -> Result<NodeStatus, Malformed> {
    let (mut status, mut fields) = (NodeStatus::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 4 {
            status.conditions.extend(condition(value.piece()?)?);
        }
    }
    Ok(status)
}

/// A word that stands for one of several things, as it does in JSON. Nothing where it is empty, and so absent there.
fn word<'a, T: Deserialize<'a>>(word: &'a str) -> Result<Option<T>, Malformed> {
    if word.is_empty() { Ok(None) } else { named(word).map(Some) }
}

fn named<'a, T: Deserialize<'a>>(word: &'a str) -> Result<T, Malformed> {
    T::deserialize(StrDeserializer::<Error>::new(word)).map_err(Malformed::new)
}

//! What is used of pods and nodes, as the API tells it in protobuf.
//!
//! Names and numbers of fields are those of Kubernetes' `generated.proto` files, where they never change; what isn't named
//! here is skipped unread. What is empty there is absent in JSON. Keeps nothing; decides nothing.

use std::collections::BTreeMap;

use prost::Message;
use prost::bytes::Bytes;

/// Around an object, `k8s.io/apimachinery/pkg/runtime`: what it is, and its bytes.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Unknown {
    #[prost(message, required, tag = "1")]
    pub(super) types: Types,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) raw: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Types {
    #[prost(string, tag = "1")]
    pub(super) api_version: String,
    #[prost(string, tag = "2")]
    pub(super) kind: String,
}

/// Of `k8s.io/apimachinery/pkg/apis/meta/v1`, as the next ones.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WatchEvent {
    #[prost(string, tag = "1")]
    pub(super) what: String,
    #[prost(message, required, tag = "2")]
    pub(super) object: RawExtension,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawExtension {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) raw: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListMeta {
    #[prost(string, tag = "2")]
    pub(super) resource_version: String,
    #[prost(string, tag = "3")]
    pub(super) rest: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(string, tag = "3")]
    pub(super) message: String,
    #[prost(string, tag = "4")]
    pub(super) reason: String,
    #[prost(int32, tag = "6")]
    pub(super) code: i32,
}

/// Any object, of which nothing but this is asked.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Marked {
    #[prost(message, required, tag = "1")]
    pub(super) metadata: Mark,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Mark {
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
    #[prost(btree_map = "string, string", tag = "12")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Meta {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
    #[prost(message, optional, tag = "8")]
    pub(super) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(super) deletion_timestamp: Option<Time>,
    #[prost(int64, optional, tag = "10")]
    pub(super) deletion_grace_period_seconds: Option<i64>,
    #[prost(btree_map = "string, string", tag = "11")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "12")]
    pub(super) annotations: Vec<Annotation>,
    #[prost(message, repeated, tag = "13")]
    pub(super) owner_references: Vec<Owner>,
}

/// An entry of a map. Its texts stay where they were received: others' can be large.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Annotation {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Owner {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(bool, optional, tag = "6")]
    pub(super) controller: Option<bool>,
}

/// No time at all has neither field.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, optional, tag = "1")]
    pub(super) seconds: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(super) nanos: Option<i32>,
}

/// Of `k8s.io/api/core/v1`, as the next ones.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Pod {
    #[prost(message, required, tag = "1")]
    pub(super) metadata: Meta,
    #[prost(message, required, tag = "2")]
    pub(super) spec: PodSpec,
    #[prost(message, required, tag = "3")]
    pub(super) status: PodStatus,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PodSpec {
    #[prost(message, repeated, tag = "2")]
    pub(super) containers: Vec<Container>,
    #[prost(string, tag = "3")]
    pub(super) restart_policy: String,
    #[prost(string, tag = "10")]
    pub(super) node_name: String,
    #[prost(message, repeated, tag = "20")]
    pub(super) init_containers: Vec<Container>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Container {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "6")]
    pub(super) ports: Vec<ContainerPort>,
    #[prost(string, tag = "24")]
    pub(super) restart_policy: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerPort {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int32, tag = "3")]
    pub(super) container_port: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PodStatus {
    #[prost(string, tag = "1")]
    pub(super) phase: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) conditions: Vec<Condition>,
    #[prost(string, tag = "4")]
    pub(super) reason: String,
    #[prost(string, tag = "6")]
    pub(super) pod_ip: String,
    #[prost(message, repeated, tag = "8")]
    pub(super) container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    pub(super) init_container_statuses: Vec<ContainerStatus>,
}

/// A node's differs in nothing that is used.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Condition {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) status: String,
    #[prost(message, optional, tag = "4")]
    pub(super) last_transition_time: Option<Time>,
    #[prost(string, tag = "5")]
    pub(super) reason: String,
    #[prost(string, tag = "6")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerStatus {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) state: Option<ContainerState>,
    #[prost(message, optional, tag = "3")]
    pub(super) last_state: Option<ContainerState>,
    #[prost(bool, tag = "4")]
    pub(super) ready: bool,
    #[prost(int32, tag = "5")]
    pub(super) restart_count: i32,
    #[prost(bool, optional, tag = "9")]
    pub(super) started: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerState {
    #[prost(message, optional, tag = "1")]
    pub(super) waiting: Option<Waiting>,
    #[prost(message, optional, tag = "2")]
    pub(super) running: Option<Running>,
    #[prost(message, optional, tag = "3")]
    pub(super) terminated: Option<Terminated>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Waiting {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Running {
    #[prost(message, optional, tag = "1")]
    pub(super) started_at: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Terminated {
    #[prost(int32, tag = "1")]
    pub(super) exit_code: i32,
    #[prost(int32, tag = "2")]
    pub(super) signal: i32,
    #[prost(string, tag = "3")]
    pub(super) reason: String,
    #[prost(message, optional, tag = "6")]
    pub(super) finished_at: Option<Time>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(message, required, tag = "1")]
    pub(super) metadata: Meta,
    #[prost(message, required, tag = "2")]
    pub(super) spec: NodeSpec,
    #[prost(message, required, tag = "3")]
    pub(super) status: NodeStatus,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct NodeSpec {
    #[prost(bool, tag = "4")]
    pub(super) unschedulable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeStatus {
    #[prost(message, repeated, tag = "4")]
    pub(super) conditions: Vec<Condition>,
}

//! A node, slim, and what it is to a light.
//!
//! Offers [`Node`], which is read in place of k8s-openapi's, and [`NodeStanding`]. Knows nothing of pods.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use crate::criteria::Conditions;
use crate::object::{Condition, ConditionKind, Meta, Truth, condition, deciding};

/// A node as the watcher needs it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Node {
    pub(crate) metadata: Meta,
    #[serde(default)]
    pub(crate) spec: NodeSpec,
    #[serde(default)]
    pub(crate) status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct NodeSpec {
    #[serde(default)]
    pub(crate) unschedulable: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct NodeStatus {
    #[serde(default, deserialize_with = "deciding")]
    pub(crate) conditions: Vec<Condition>,
}

/// The states of a node, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// Its kubelet says that it is ready.
    Ready,
    /// It is ready, and runs short of memory, disk or process ids.
    Pressure,
    /// It is not in the list of nodes, or nobody has said yet whether it is ready.
    Unknown,
    /// Its kubelet says that it is not ready, or says nothing any more. kubectl prints `NotReady` for both.
    NotReady,
}

/// What a node is to a light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStanding<'a> {
    /// Its state.
    pub state: NodeState,
    /// Why it is not ready, or what it runs short of, in words; empty where it is well.
    pub why: Cow<'a, str>,
    /// Since when it is so, where the API tells.
    pub since: Option<Timestamp>,
    /// Whether no new pods are sent to it.
    pub cordoned: bool,
}

/// What the API says of a node, in its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) kind: ConditionKind,
    pub(crate) status: Truth,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) since: Option<Timestamp>,
}

const PRESSURES: [ConditionKind; 3] =
    [ConditionKind::MemoryPressure, ConditionKind::DiskPressure, ConditionKind::PidPressure];

/// What kubelets say of nodes that are well, which of thousands nearly all are. That takes no memory for each.
const USUAL: [&str; 4] =
    ["KubeletReady", "KubeletHasSufficientMemory", "KubeletHasNoDiskPressure", "KubeletHasSufficientPID"];

impl Node {
    /// What the API says of it, of what can count.
    pub(crate) fn facts(&self) -> Box<[Fact]> {
        let kinds = [ConditionKind::Ready].into_iter().chain(PRESSURES);
        let fact = |kind| {
            let Condition { status, reason, last_transition_time, .. } = condition(&self.status.conditions, kind)?;
            let usual = USUAL.into_iter().find(|usual| usual == reason);
            let reason = usual.map_or_else(|| Cow::Owned(reason.clone()), Cow::Borrowed);
            Some(Fact { kind, status: *status, reason, since: *last_transition_time })
        };
        kinds.filter_map(fact).collect()
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// What this node is to a light, as far as it counts. That nobody knows it always does.
    pub fn standing(&self, counts: Conditions) -> NodeStanding<'_> {
        match self.whole_standing() {
            NodeStanding { state: NodeState::NotReady, cordoned, .. } if !counts.not_ready => {
                self.strain(counts, cordoned)
            }
            NodeStanding { state: NodeState::Ready, cordoned, .. } => self.strain(counts, cordoned),
            standing => standing,
        }
    }

    /// What a node is that is ready, or is to be taken for it.
    fn strain(&self, counts: Conditions, cordoned: bool) -> NodeStanding<'_> {
        let holds = |kind| condition(&self.status.conditions, kind).filter(|found| found.status == Truth::True);
        let mut pressures = PRESSURES.iter().filter(|_| counts.pressure);
        let pressure = pressures.find_map(|kind| Some((holds(*kind)?.last_transition_time, kind.word())));
        match pressure {
            Some((since, word)) => NodeStanding { state: NodeState::Pressure, why: word.into(), since, cordoned },
            None => NodeStanding { state: NodeState::Ready, why: "".into(), since: None, cordoned },
        }
    }

    fn whole_standing(&self) -> NodeStanding<'_> {
        let cordoned = self.spec.unschedulable;
        let Some(ready) = condition(&self.status.conditions, ConditionKind::Ready) else {
            return NodeStanding {
                state: NodeState::Unknown,
                why: "no Ready condition yet".into(),
                since: None,
                cordoned,
            };
        };
        let (state, why) = match ready.status {
            Truth::True => (NodeState::Ready, ""),
            // The node controller's verdict on a node that is silent for its grace period, 40 to 50 s.
            Truth::Unknown => (NodeState::NotReady, "kubelet stopped posting node status"),
            Truth::False if ready.message.is_empty() => (NodeState::NotReady, ready.reason.as_str()),
            Truth::False => (NodeState::NotReady, ready.message.trim_end_matches('.')),
        };
        NodeStanding { state, why: why.into(), since: ready.last_transition_time, cordoned }
    }
}

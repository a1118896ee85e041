//! What a scope of the cluster has come to: what a light that speaks of it is to show.
//!
//! A [`Verdict`] borrows from the ledger and is read by [`policy`](crate::policy). It decides no colour. [`Changed`] says
//! whose verdict to look at again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::{Tally, Trouble};
use crate::standing::PodState;

/// What a light speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A node, by name: its pods and itself.
    Node(String),
    /// A namespace, by name: its pods wherever they are, also those that are not scheduled.
    Namespace(String),
    /// All that is watched.
    Cluster,
}

/// What a scope has come to.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// What is to be thought of the nodes below the pods.
    pub footing: Footing<'a>,
    /// The scope's pods by state.
    pub tally: Tally,
    /// The worst of the pods that are not as they should be; of several the one that lasts longest.
    pub worst: Option<&'a Trouble>,
    /// Of a node: its pods' states in slots, each of which a pod keeps for life; [`PodState::Absent`] where one is free.
    /// Of a wider scope: nothing.
    pub slots: Vec<PodState>,
}

/// What decides what a scope shows: the node or a pod, whichever is worse.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// What is to be thought of the node, or the nodes. Where all is well: that, too.
    Footing(Footing<'a>),
    /// A pod.
    Pod(&'a Trouble),
}

/// What is to be thought of the nodes below the pods: a node that is not ready beats whatever its pods claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing<'a> {
    /// The node is ready; or so are all nodes, where the scope is wider.
    Firm {
        /// Whether the node takes no new pods. Of a wider scope: false.
        cordoned: bool,
    },
    /// The node is ready, and takes no new pods, where that counts. Of a wider scope: never.
    Cordoned {
        /// Its name.
        node: &'a str,
    },
    /// This node is ready, and runs short of something, where that counts. Of a wider scope it is the one that has for
    /// longest.
    Pressed {
        /// Its name.
        node: &'a str,
        /// What it runs short of, as the condition is called.
        why: &'a str,
        /// Since when, where the API tells.
        since: Option<Timestamp>,
    },
    /// Nobody can tell how this node is.
    Unknown {
        /// Its name.
        node: &'a str,
        /// Why nobody can tell.
        why: &'a str,
    },
    /// This node is not ready. Of a wider scope it is the one that has not been for longest.
    NotReady {
        /// Its name.
        node: &'a str,
        /// Why, in words.
        why: &'a str,
        /// Since when, where the API tells.
        since: Option<Timestamp>,
    },
}

/// What may look different since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Nodes whose verdict may differ, by name.
    pub nodes: BTreeSet<Arc<str>>,
    /// Namespaces whose verdict may differ.
    pub namespaces: BTreeSet<Arc<str>>,
    /// Whether the whole cluster's verdict may differ.
    pub cluster: bool,
    /// Whether the set of lights differs.
    pub lights: bool,
}

impl<'a> Verdict<'a> {
    /// What decides. A node that is not ready, or that nobody knows, beats whatever its pods claim; one that runs short of
    /// something, all but pods that have failed; one that is cordoned, only pods that are well.
    pub fn cause(&self) -> Cause<'a> {
        match (self.footing, self.worst) {
            (Footing::Pressed { .. }, Some(worst)) if worst.state == PodState::Failed => Cause::Pod(worst),
            (Footing::Firm { .. } | Footing::Cordoned { .. }, Some(worst)) => Cause::Pod(worst),
            (footing, _) => Cause::Footing(footing),
        }
    }
}

impl Changed {
    /// Whether this scope's verdict may differ.
    pub fn touches(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Node(name) => self.nodes.contains(name.as_str()),
            Scope::Namespace(name) => self.namespaces.contains(name.as_str()),
            Scope::Cluster => self.cluster,
        }
    }

    /// Whether there is nothing to look at again.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Something of this namespace, on this node, is different.
    pub(crate) fn mark(&mut self, node: &Arc<str>, namespace: &Arc<str>) {
        self.nodes.insert(Arc::clone(node));
        self.namespaces.insert(Arc::clone(namespace));
        self.cluster = true;
    }
}

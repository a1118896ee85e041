//! What is known of the cluster: pods, nodes and lights, as two watches tell of them.
//!
//! ```text
//!  Change<Pod>, Change<Node> ──▶ Ledger ──▶ take_changed: which scopes to look at again
//!  settle(now) ──▶                 │    ──▶ verdict(scope), lights(), next_settle()
//! ```
//!
//! Keeps of a healthy pod its state, its namespace and its slot on its node, and of a troubled one what its reason needs:
//! memory for counts, not for pods' JSON. Pods are told apart by uid, so that a late deletion never takes a successor.
//! Old state stays visible while a list is under way; what the list did not name goes when it is complete.
//!
//! Refuses to know where changes come from, what time it is (`now` is an argument) and what shows for a verdict
//! ([`policy`](crate::policy)).

use std::collections::BTreeMap;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::Census;
pub use crate::census::{Tally, Trouble};
use crate::criteria::Criteria;
use crate::filter::Filter;
use crate::node::{Fact, Node};
use crate::nodes::Nodes;
use crate::owner;
use crate::pod::Pod;
use crate::pods::{Entry, Pods, Told};
use crate::standing::{PodState, standing};
use crate::timing::{Timing, later};
use crate::uid::Uid;
pub use crate::verdict::{Cause, Changed, Footing, Scope, Verdict};

/// One step of a watch, of pods and nodes alike.
#[derive(Clone, Debug)]
pub enum Change<T> {
    /// A list begins. What is known stays visible until it is complete.
    Restart,
    /// The list names this.
    Listed(T),
    /// The list is complete: what it did not name is gone.
    Synced,
    /// This is new, or has changed.
    Applied(T),
    /// This is gone.
    Deleted(T),
}

/// A lightd that runs in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundLight<'a> {
    /// The node that it runs on and speaks of.
    pub node: &'a str,
    /// Where it serves.
    pub address: SocketAddr,
}

/// What is known of the cluster.
#[derive(Debug, Default)]
pub struct Ledger {
    filter: Filter,
    timing: Timing,
    pods: Pods,
    nodes: Nodes,
    lights: BTreeMap<Uid, Light>,
    watchers: BTreeMap<Uid, Watcher>,
    pod_list: List,
    node_list: List,
    changed: Changed,
}

/// How far a watch is with its list. Of what was known before a round, that which the round did not name is gone.
#[derive(Debug, Default)]
struct List {
    round: u32,
    /// Whether any round has been complete.
    complete: bool,
}

#[derive(Debug)]
struct Watcher {
    name: Box<str>,
    address: IpAddr,
    round: u32,
}

#[derive(Debug)]
struct Light {
    node: Box<str>,
    address: SocketAddr,
    round: u32,
}

impl Ledger {
    /// An empty ledger, in which only what these criteria name counts. Lights all do.
    pub fn new(criteria: impl Into<Criteria>) -> Self {
        let Criteria { filter, timing, nodes } = criteria.into();
        Self { filter, timing, pods: Pods::new(timing), nodes: Nodes::new(nodes), ..Self::default() }
    }

    /// From now on, this counts. Of what was told before, it holds as soon as that is told again: list anew.
    pub fn obey(&mut self, criteria: Criteria) {
        let Criteria { filter, timing, nodes } = criteria;
        (self.filter, self.timing) = (filter, timing);
        self.pods.obey(timing);
        self.nodes.obey(nodes);
    }

    /// Takes in a step of the watch of pods.
    pub fn pod(&mut self, change: Change<Pod>, now: Timestamp) {
        match change {
            Change::Restart => self.pod_list.restart(),
            Change::Listed(pod) | Change::Applied(pod) => self.put_pod(&pod, now),
            Change::Deleted(pod) => {
                let uid = uid(&pod);
                self.pods.forget(&uid, &mut self.changed);
                self.forget_light(&uid);
                self.watchers.remove(&uid);
            }
            Change::Synced => {
                self.pod_list.complete = true;
                let round = self.pod_list.round;
                self.pods.sweep(round, &mut self.changed);
                let lights = self.lights.len();
                self.lights.retain(|_, light| light.round == round);
                self.watchers.retain(|_, watcher| watcher.round == round);
                self.changed.lights |= self.lights.len() != lights;
            }
        }
    }

    /// Takes in a step of the watch of nodes.
    pub fn node(&mut self, change: Change<Node>) {
        match change {
            Change::Restart => self.node_list.restart(),
            Change::Listed(node) | Change::Applied(node) => {
                if self.nodes.put(&node, self.node_list.round) {
                    self.mark_node(node.name());
                }
            }
            Change::Deleted(node) => self.forget_node(node.name()),
            Change::Synced => {
                self.node_list.complete = true;
                for name in self.nodes.unnamed(self.node_list.round) {
                    self.forget_node(&name);
                }
            }
        }
    }

    /// Takes in that it is `now`. To be called at [`next_settle`](Self::next_settle).
    pub fn settle(&mut self, now: Timestamp) {
        self.pods.settle(now, &mut self.changed);
    }

    /// When time alone will change a verdict next, if ever. May lie in the past.
    pub fn next_settle(&self) -> Option<Timestamp> {
        self.pods.next_settle()
    }

    /// Whether both watches have completed a list: before that no verdict is worth showing.
    pub const fn is_listed(&self) -> bool {
        self.pod_list.complete && self.node_list.complete
    }

    /// What may look different since this was last called.
    pub fn take_changed(&mut self) -> Changed {
        mem::take(&mut self.changed)
    }

    /// What this scope has come to. A node that is not listed is [`Footing::Unknown`]; a node that is not ready decides
    /// over the cluster, and over a namespace if it carries pods of it.
    pub fn verdict<'a>(&'a self, scope: &'a Scope) -> Verdict<'a> {
        let of = |footing, census: Option<&'a Census>| Verdict {
            footing,
            tally: census.map(|census| census.tally).unwrap_or_default(),
            worst: census.and_then(Census::worst),
            slots: Vec::new(),
        };
        match scope {
            Scope::Node(name) => self.node_verdict(name),
            Scope::Namespace(name) => {
                let carries = |node: &str| self.pods.namespaces(node).any(|namespace| **namespace == **name);
                of(self.nodes.footing_of_all(carries), self.pods.of(name))
            }
            Scope::Cluster => of(self.nodes.footing_of_all(|_| true), Some(self.pods.all())),
        }
    }

    /// What is not as it should be with this pod, whether or not that shows. Nothing where it is well, or doesn't count.
    pub fn trouble(&self, pod: &Pod) -> Option<&Trouble> {
        self.pods.trouble(&uid(pod))
    }

    /// The lights that run in the cluster, whether or not their pods count.
    pub fn lights(&self) -> impl Iterator<Item = FoundLight<'_>> {
        self.lights.values().map(|light| FoundLight { node: &light.node, address: light.address })
    }

    /// Whether anything is known of this node: itself, or pods on it.
    pub fn has(&self, node: &str) -> bool {
        self.nodes.has(node) || self.pods.on(node).next().is_some()
    }

    /// Whether this node takes no new pods.
    pub fn is_cordoned(&self, node: &str) -> bool {
        self.nodes.is_cordoned(node)
    }

    /// What the API says of this node.
    pub(crate) fn facts(&self, node: &str) -> &[Fact] {
        self.nodes.facts(node)
    }

    /// All pods that count, by state.
    pub fn tally(&self) -> Tally {
        self.pods.all().tally
    }

    /// The pods of this node that are not as they should be, worst first, whether or not that shows yet.
    pub fn troubles(&self, node: &str) -> Vec<&Trouble> {
        let mut troubles: Vec<_> = self.pods.on(node).flatten().filter_map(Entry::trouble).collect();
        troubles.sort_by(|a, b| a.rank().cmp(&b.rank()));
        troubles
    }

    /// Where the watcher runs that is the pod of this name.
    pub fn watcher(&self, pod: &str) -> Option<IpAddr> {
        self.watchers.values().find(|watcher| *watcher.name == *pod).map(|watcher| watcher.address)
    }

    /// All that is kept of pods.
    #[cfg(test)]
    pub(crate) fn remains(&self) -> String {
        format!("{:?}", self.pods)
    }

    fn node_verdict<'a>(&'a self, name: &'a str) -> Verdict<'a> {
        let pods = self.pods.on(name);
        let troubles = pods.clone().flatten().filter_map(Entry::trouble).filter(|trouble| trouble.shows());
        Verdict {
            footing: self.nodes.footing(name),
            tally: pods.clone().flatten().map(|pod| pod.state).collect(),
            worst: troubles.min_by(|a, b| a.rank().cmp(&b.rank())),
            slots: pods.map(|pod| pod.map_or(PodState::Absent, |pod| pod.state)).collect(),
        }
    }

    fn put_pod(&mut self, pod: &Pod, now: Timestamp) {
        let uid = uid(pod);
        match pod.light() {
            Some(address) => self.put_light(&uid, pod.node(), address),
            None => self.forget_light(&uid),
        }
        match pod.watcher() {
            Some(address) => {
                let watcher = Watcher { name: pod.name().into(), address, round: self.pod_list.round };
                self.watchers.insert(uid.clone(), watcher);
            }
            None => drop(self.watchers.remove(&uid)),
        }
        if self.filter.admits(pod) {
            let standing = standing(pod, now);
            let owners_matter = !self.timing.updating.is_zero();
            let lately = |done| now < later(done, self.timing.updating);
            let told = Told {
                node: pod.node(),
                namespace: pod.namespace(),
                name: pod.name(),
                work: owners_matter.then(|| owner::work(pod, standing.state, now, lately)).flatten(),
                standing,
                round: self.pod_list.round,
            };
            self.pods.put(uid, told, now, &mut self.changed);
        } else {
            self.pods.forget(&uid, &mut self.changed);
        }
    }

    fn put_light(&mut self, uid: &Uid, node: &str, address: SocketAddr) {
        let light = Light { node: node.into(), address, round: self.pod_list.round };
        let old = self.lights.insert(uid.clone(), light);
        self.changed.lights |= old.is_none_or(|old| *old.node != *node || old.address != address);
    }

    fn forget_light(&mut self, uid: &Uid) {
        self.changed.lights |= self.lights.remove(uid).is_some();
    }

    fn forget_node(&mut self, name: &str) {
        if self.nodes.forget(name) {
            self.mark_node(name);
        }
    }

    fn mark_node(&mut self, name: &str) {
        self.changed.nodes.insert(name.into());
        self.changed.cluster = true;
        self.changed.namespaces.extend(self.pods.namespaces(name).map(Arc::clone));
    }
}

impl List {
    const fn restart(&mut self) {
        self.round = self.round.wrapping_add(1);
    }
}

/// The API server gives every pod a uid; for one without, its name must do.
fn uid(pod: &Pod) -> Uid {
    match pod.uid() {
        "" => Uid::from(format!("{}/{}", pod.namespace(), pod.name()).as_str()),
        uid => Uid::from(uid),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod times;

//! The ledger, and a model that counts from scratch after each step what the ledger keeps count of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use podlight_proto::{Command, Lease, v1};
use watcher::criteria::Conditions;
use watcher::filter::Filter;
use watcher::ledger::{Change, Footing, Ledger, Scope, Verdict};
use watcher::node::{Node, NodeState};
use watcher::pod::Pod;
use watcher::policy::{self, Layout, Palette};
use watcher::standing::{PodState, standing};

/// The moment at which it begins: 2025-06-01T12:00:00Z.
const START: Timestamp = Timestamp::constant(1_748_779_200, 0);

/// What a watch tells of an object.
pub(crate) enum Event<T> {
    Applied(T),
    Deleted(T),
}

/// The ledger of a cluster, and the cluster.
pub(crate) struct Cluster {
    filter: Filter,
    ledger: Ledger,
    now: Timestamp,
    /// By uid; of those that count.
    pods: BTreeMap<String, Known>,
    /// By the uid of their pods.
    lights: BTreeMap<String, (String, SocketAddr, u64)>,
    nodes: BTreeMap<String, (Node, u64)>,
    pod_round: Round,
    node_round: Round,
    /// What was said of each scope when it was last asked for.
    said: BTreeMap<String, String>,
}

struct Known {
    node: String,
    namespace: String,
    state: PodState,
    later: Option<(Timestamp, PodState)>,
    round: u64,
}

#[derive(Default)]
struct Round {
    number: u64,
    listing: bool,
}

impl Cluster {
    pub(crate) fn new(filter: Filter) -> Self {
        Self {
            ledger: Ledger::new(filter.clone()),
            filter,
            now: START,
            pods: BTreeMap::new(),
            lights: BTreeMap::new(),
            nodes: BTreeMap::new(),
            pod_round: Round::default(),
            node_round: Round::default(),
            said: BTreeMap::new(),
        }
    }

    pub(crate) fn pod(&mut self, event: Event<Pod>) {
        let change = match event {
            Event::Applied(pod) => {
                self.know(&pod);
                if self.pod_round.listing { Change::Listed(pod) } else { Change::Applied(pod) }
            }
            Event::Deleted(pod) => {
                self.pods.remove(&uid(&pod));
                self.lights.remove(&uid(&pod));
                Change::Deleted(pod)
            }
        };
        self.ledger.pod(change, self.now);
    }

    fn know(&mut self, pod: &Pod) {
        let (uid, round) = (uid(pod), self.pod_round.number);
        match pod.light() {
            Some(address) => drop(self.lights.insert(uid.clone(), (pod.node().to_owned(), address, round))),
            None => drop(self.lights.remove(&uid)),
        }
        if !self.filter.admits(pod) {
            self.pods.remove(&uid);
            return;
        }
        let standing = standing(pod, self.now);
        let known = Known {
            node: pod.node().to_owned(),
            namespace: pod.namespace().to_owned(),
            state: standing.state,
            later: standing.later.map(|later| (later.at, later.state)),
            round,
        };
        assert!(known.later.is_none_or(|(at, _)| at > self.now), "what time makes of a pod lies ahead");
        self.pods.insert(uid, known);
    }

    pub(crate) fn node(&mut self, event: Event<Node>) {
        let change = match event {
            Event::Applied(node) => {
                self.nodes.insert(node.name().to_owned(), (node.clone(), self.node_round.number));
                if self.node_round.listing { Change::Listed(node) } else { Change::Applied(node) }
            }
            Event::Deleted(node) => {
                self.nodes.remove(node.name());
                Change::Deleted(node)
            }
        };
        self.ledger.node(change);
    }

    pub(crate) fn list_pods(&mut self) {
        self.pod_round.begin();
        self.ledger.pod(Change::Restart, self.now);
    }

    pub(crate) fn list_nodes(&mut self) {
        self.node_round.begin();
        self.ledger.node(Change::Restart);
    }

    pub(crate) fn pods_synced(&mut self) {
        let round = self.pod_round.end();
        self.pods.retain(|_, known| known.round == round);
        self.lights.retain(|_, light| light.2 == round);
        self.ledger.pod(Change::Synced, self.now);
    }

    pub(crate) fn nodes_synced(&mut self) {
        let round = self.node_round.end();
        self.nodes.retain(|_, known| known.1 == round);
        self.ledger.node(Change::Synced);
    }

    pub(crate) fn pass(&mut self, seconds: u32) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(self.now);
        for known in self.pods.values_mut() {
            if let Some((_, state)) = known.later.take_if(|(at, _)| *at <= self.now) {
                known.state = state;
            }
        }
        self.ledger.settle(self.now);
    }

    /// The ledger says what counting from scratch says; what it says now and didn't before, it marked; and what follows
    /// from it is what a light takes.
    pub(crate) fn compare(&mut self) {
        let changed = self.ledger.take_changed();
        let next = self.pods.values().filter_map(|known| Some(known.later?.0)).min();
        assert_eq!(self.ledger.next_settle(), next);
        let found: BTreeSet<_> = self.ledger.lights().map(|light| (light.node.to_owned(), light.address)).collect();
        assert_eq!(found, self.lights.values().map(|light| (light.0.clone(), light.1)).collect());

        for scope in self.scopes() {
            let verdict = self.ledger.verdict(&scope);
            self.recount(&scope, &verdict);
            let said = said(&verdict);
            let before = self.said.insert(format!("{scope:?}"), said.clone());
            if before.as_ref() != Some(&said) {
                assert!(before.is_none() || changed.touches(&scope), "{scope:?} changed unmarked");
                show(&scope, &verdict);
            }
        }
    }

    /// All that was ever spoken of. Few, as few lines are read.
    fn scopes(&self) -> Vec<Scope> {
        let nodes = self.pods.values().map(|known| known.node.clone()).chain(self.nodes.keys().cloned());
        let namespaces = self.pods.values().map(|known| Scope::Namespace(known.namespace.clone()));
        let scopes = nodes.map(Scope::Node).chain(namespaces).chain([Scope::Cluster]);
        scopes.map(|scope| (format!("{scope:?}"), scope)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn recount(&self, scope: &Scope, verdict: &Verdict<'_>) {
        let counted = |known: &&Known| match scope {
            Scope::Node(node) => known.node == *node,
            Scope::Namespace(namespace) => known.namespace == *namespace,
            Scope::Cluster => true,
        };
        let states: Vec<_> = self.pods.values().filter(counted).map(|known| known.state).collect();
        for state in PodState::ALL {
            let count = states.iter().filter(|other| **other == state).count();
            assert_eq!(verdict.tally.count(state) as usize, count, "{state:?} in {scope:?}");
        }
        let worst = states.iter().max().copied().unwrap_or(PodState::Absent);
        assert_eq!(verdict.tally.worst(), worst);
        assert_eq!(verdict.worst.is_some(), worst > PodState::Running);

        let mut slots = verdict.slots.clone();
        slots.retain(|state| *state != PodState::Absent);
        if let Scope::Node(node) = scope {
            assert_eq!(sorted(slots), sorted(states), "each pod has a slot");
            let state =
                self.nodes.get(node).map_or(NodeState::Unknown, |(node, _)| node.standing(Conditions::default()).state);
            assert_eq!(footing(verdict), state);
        } else {
            assert_eq!(slots, []);
            let carries = |name: &str| self.pods.values().filter(counted).any(|known| known.node == name);
            let matters = self.nodes.iter().filter(|(name, _)| *scope == Scope::Cluster || carries(name));
            let worst = matters
                .map(|(_, (node, _))| node.standing(Conditions::default()).state)
                .max()
                .unwrap_or(NodeState::Ready);
            assert_eq!(footing(verdict), worst);
        }
    }
}

impl Round {
    fn begin(&mut self) {
        self.number += 1;
        self.listing = true;
    }

    fn end(&mut self) -> u64 {
        self.listing = false;
        self.number
    }
}

/// As a command to a light says it, which a light must take.
fn show(scope: &Scope, verdict: &Verdict<'_>) {
    let (Scope::Node(node) | Scope::Namespace(node)) = scope else { return };
    if node.len() > 253 {
        return; // No API server lets a name be so long.
    }
    for (layout, leds) in [(Layout::Same, 1), (Layout::Split, 2), (Layout::Pods, 8), (Layout::Pods, 1000)] {
        let command = Command {
            epoch: 1,
            version: 1,
            lease: Lease::For(Duration::from_secs(15)),
            node: node.clone(),
            reason: policy::reason(verdict),
            looks: policy::looks(verdict, layout, leds, &Palette::default()),
        };
        assert_eq!(Command::try_from(v1::ColorCommand::from(command.clone())), Ok(command));
    }
}

fn footing(verdict: &Verdict<'_>) -> NodeState {
    match verdict.footing {
        Footing::Firm { .. } | Footing::Cordoned { .. } => NodeState::Ready,
        Footing::Pressed { .. } => NodeState::Pressure,
        Footing::Unknown { .. } => NodeState::Unknown,
        Footing::NotReady { .. } => NodeState::NotReady,
    }
}

/// All that a verdict says but for the slots' places.
fn said(verdict: &Verdict<'_>) -> String {
    format!("{:?} {:?} {:?}", verdict.footing, verdict.tally, verdict.worst)
}

fn sorted(mut states: Vec<PodState>) -> Vec<PodState> {
    states.sort();
    states
}

/// As the API server's; where it gave none, the name's.
fn uid(pod: &Pod) -> String {
    if pod.uid().is_empty() { format!("{}/{}", pod.namespace(), pod.name()) } else { pod.uid().to_owned() }
}

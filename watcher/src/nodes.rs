//! The nodes of the ledger. Knows nothing of pods.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::criteria::Conditions;
use crate::node::{Fact, Node, NodeStanding, NodeState};
use crate::verdict::Footing;

/// All nodes that are listed.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    known: HashMap<Arc<str>, Known>,
    /// What of them counts.
    counts: Conditions,
    /// Those that are not well: worst first, then the one that has not been for longest, then by name.
    failing: BTreeSet<Rank>,
}

#[derive(Debug)]
struct Known {
    state: NodeState,
    why: Box<str>,
    since: Option<Timestamp>,
    cordoned: bool,
    facts: Box<[Fact]>,
    round: u32,
}

type Rank = (Reverse<NodeState>, Timestamp, Arc<str>);

impl Nodes {
    /// No nodes yet, of which this will count.
    pub(crate) fn new(counts: Conditions) -> Self {
        Self { counts, ..Self::default() }
    }

    /// From now on, this counts. Holds for each node as soon as it is told of again.
    pub(crate) const fn obey(&mut self, counts: Conditions) {
        self.counts = counts;
    }

    /// Takes in how a node stands, as told in this round of lists. Says whether its footing differs.
    pub(crate) fn put(&mut self, node: &Node, round: u32) -> bool {
        let NodeStanding { state, why, since, cordoned } = node.standing(self.counts);
        let name: Arc<str> = node.name().into();
        if let Some(known) = self.known.get_mut(&name)
            && (known.state, known.why.as_ref(), known.since, known.cordoned) == (state, why.as_ref(), since, cordoned)
        {
            (known.round, known.facts) = (round, node.facts());
            return false;
        }
        self.forget(&name);
        let known = Known { state, why: why.into(), since, cordoned, facts: node.facts(), round };
        self.failing.extend(known.rank(&name));
        self.known.insert(name, known);
        true
    }

    /// Takes in that a node is gone. Says whether it was there.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        let Some((name, known)) = self.known.remove_entry(name) else { return false };
        if let Some(rank) = known.rank(&name) {
            self.failing.remove(&rank);
        }
        true
    }

    /// The nodes that no one has named in this round.
    pub(crate) fn unnamed(&self, round: u32) -> Vec<Arc<str>> {
        let unnamed = self.known.iter().filter(|(_, known)| known.round != round);
        unnamed.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Whether this node takes no new pods.
    pub(crate) fn is_cordoned(&self, node: &str) -> bool {
        self.known.get(node).is_some_and(|known| known.cordoned)
    }

    /// What the API says of this node.
    pub(crate) fn facts(&self, node: &str) -> &[Fact] {
        self.known.get(node).map_or(&[], |known| &known.facts)
    }

    /// Whether this node is listed.
    pub(crate) fn has(&self, node: &str) -> bool {
        self.known.contains_key(node)
    }

    /// What is to be thought of this node.
    pub(crate) fn footing<'a>(&'a self, node: &'a str) -> Footing<'a> {
        match self.known.get(node) {
            None => Footing::Unknown { node, why: "it is not in the list of nodes" },
            Some(Known { state, why, since, cordoned, .. }) => match state {
                NodeState::Ready if *cordoned && self.counts.cordoned => Footing::Cordoned { node },
                NodeState::Ready => Footing::Firm { cordoned: *cordoned },
                NodeState::Pressure => Footing::Pressed { node, why, since: *since },
                NodeState::Unknown => Footing::Unknown { node, why },
                NodeState::NotReady => Footing::NotReady { node, why, since: *since },
            },
        }
    }

    /// What is to be thought of all those nodes that matter.
    pub(crate) fn footing_of_all(&self, matters: impl Fn(&str) -> bool) -> Footing<'_> {
        let worst = self.failing.iter().find(|(_, _, name)| matters(name));
        worst.map_or(Footing::Firm { cordoned: false }, |(_, _, name)| self.footing(name))
    }
}

impl Known {
    fn rank(&self, name: &Arc<str>) -> Option<Rank> {
        let since = self.since.unwrap_or(Timestamp::MAX);
        (self.state > NodeState::Ready).then(|| (Reverse(self.state), since, Arc::clone(name)))
    }
}

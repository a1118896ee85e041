//! What the board has counted so far, and what it can be asked to sum up, for whoever measures. Keeps counts; refuses to know
//! how they are written down.

use std::sync::Arc;
use std::time::Duration;

use podlight_metrics::Histogram;
use podlight_proto::v1::Verdict;
use podlight_proto::v1::node_light::Condition;

use crate::freshness::Watch;
use crate::ledger::{Change, Tally};

/// From a light beside us to one that was out of reach for a while.
const BOUNDS: [Duration; 13] = [
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

/// What happened since the start.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub(crate) pods: Steps,
    pub(crate) nodes: Steps,
    /// Streams to a light that were opened after its first.
    pub(crate) reconnects: u64,
    /// How long it took until a change was acknowledged by a light.
    pub(crate) acknowledged: Histogram<13>,
}

/// Of a watch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps {
    lists: u64,
    pub(crate) changes: u64,
}

/// What is so now.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) counts: Counts,
    /// Nothing before the first lists are complete.
    pub(crate) cluster: Option<Cluster>,
    pub(crate) fresh: bool,
    pub(crate) leads: bool,
}

/// What is known of the cluster and its lights.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) pods: Tally,
    /// Nodes with pods that aren't as they should be, and all their pods.
    pub(crate) troubled: Vec<(Arc<str>, Tally)>,
    /// What each node has come to, in no order.
    pub(crate) nodes: Vec<Verdict>,
    /// How each light is, in no order.
    pub(crate) lights: Vec<Condition>,
}

impl Default for Counts {
    fn default() -> Self {
        let [pods, nodes] = [Steps::default(); 2];
        Self { pods, nodes, reconnects: 0, acknowledged: Histogram::new(BOUNDS) }
    }
}

impl Counts {
    pub(crate) const fn of(&self, watch: Watch) -> Steps {
        match watch {
            Watch::Pods => self.pods,
            Watch::Nodes => self.nodes,
        }
    }
}

impl Steps {
    pub(crate) fn takes<T>(&mut self, change: &Change<T>) {
        match change {
            Change::Restart => self.lists += 1,
            Change::Applied(_) | Change::Deleted(_) => self.changes += 1,
            Change::Listed(_) | Change::Synced => {}
        }
    }

    /// How often all was listed after the first time.
    pub(crate) const fn restarts(self) -> u64 {
        self.lists.saturating_sub(1)
    }
}

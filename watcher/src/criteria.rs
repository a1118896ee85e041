//! What counts in a cluster, and when: the half of a policy that the ledger needs. The other half, what it looks like, is
//! [`policy`](crate::policy)'s.

use crate::filter::Filter;
use crate::timing::Timing;

/// What counts, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Which pods count.
    pub filter: Filter,
    /// When their states count.
    pub timing: Timing,
    /// What of a node counts.
    pub nodes: Conditions,
}

/// What of a node counts. The default: whether it is ready, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Whether it is ready.
    pub not_ready: bool,
    /// Whether it runs short of memory, disk or process ids.
    pub pressure: bool,
    /// Whether it takes no new pods.
    pub cordoned: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { not_ready: true, pressure: false, cordoned: false }
    }
}

impl From<Filter> for Criteria {
    fn from(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }
}

//! The pods of a scope, counted by state, and the troubled ones among them in order.
//!
//! A healthy pod is a number here and nothing else. A troubled one is a [`Trouble`], shared by all that know it.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::standing::{PodState, Standing};
use crate::timing::{Rule, Shown};
use crate::uid::Uid;

/// How many pods are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u32; PodState::ALL.len()]);

/// A pod that is not as it should be, and why, whether or not that shows yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub(crate) uid: Uid,
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
    /// What it shows as.
    pub(crate) state: PodState,
    /// What it is.
    pub(crate) is: PodState,
    /// What made the one the other.
    pub(crate) rule: Rule,
    pub(crate) word: Box<str>,
    pub(crate) restarts: u32,
    pub(crate) since: Option<Timestamp>,
    /// Ready containers and those that should be, where that is the trouble.
    pub(crate) ready: Option<(u32, u32)>,
}

/// The pods of a scope.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) tally: Tally,
    troubled: BTreeSet<ByRank>,
}

/// Worst first, by [`Trouble::rank`].
#[derive(Debug)]
struct ByRank(Arc<Trouble>);

impl Tally {
    /// The pods in this state.
    pub const fn count(&self, state: PodState) -> u32 {
        self.0[state as usize]
    }

    /// The worst state that a pod is in; [`PodState::Absent`] where there is no pod.
    pub fn worst(&self) -> PodState {
        let states = PodState::ALL.into_iter().rev();
        states.into_iter().find(|state| self.count(*state) > 0).unwrap_or(PodState::Absent)
    }

    /// Whether no pod is counted.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; PodState::ALL.len()]
    }

    pub(crate) fn enter(&mut self, state: PodState) {
        self.0[state as usize] += 1;
    }

    pub(crate) fn leave(&mut self, state: PodState) {
        debug_assert!(self.count(state) > 0, "a pod leaves {state:?} that never entered it");
        self.0[state as usize] -= 1;
    }
}

impl FromIterator<PodState> for Tally {
    fn from_iter<T: IntoIterator<Item = PodState>>(states: T) -> Self {
        let mut tally = Self::default();
        states.into_iter().for_each(|state| tally.enter(state));
        tally
    }
}

impl Trouble {
    /// This standing as a trouble that shows like this, unless it is none.
    pub(crate) fn new(
        uid: &Uid,
        namespace: &Arc<str>,
        name: &Arc<str>,
        standing: &Standing<'_>,
        shown: Shown,
    ) -> Option<Self> {
        (standing.state > PodState::Running).then(|| Self {
            uid: uid.clone(),
            namespace: Arc::clone(namespace),
            name: Arc::clone(name),
            state: shown.state,
            is: standing.state,
            rule: shown.rule,
            word: standing.word.as_ref().into(),
            restarts: standing.restarts,
            since: standing.since,
            ready: (standing.state == PodState::Unready).then_some((standing.ready, standing.of)),
        })
    }

    /// Whether it counts for worse than a pod that is well.
    pub(crate) fn shows(&self) -> bool {
        self.state > PodState::Running
    }

    /// Worst first: by state, then the one that lasts longest, then by name.
    pub(crate) fn rank(&self) -> impl Ord {
        let since = self.since.unwrap_or(Timestamp::MAX);
        (Reverse(self.state), since, &self.namespace, &self.name, &self.uid)
    }
}

impl Census {
    pub(crate) fn enter(&mut self, state: PodState, trouble: Option<&Arc<Trouble>>) {
        self.tally.enter(state);
        self.troubled.extend(trouble.map(|trouble| ByRank(Arc::clone(trouble))));
    }

    pub(crate) fn leave(&mut self, state: PodState, trouble: Option<&Arc<Trouble>>) {
        self.tally.leave(state);
        if let Some(trouble) = trouble {
            self.troubled.remove(&ByRank(Arc::clone(trouble)));
        }
    }

    /// The worst trouble that shows.
    pub(crate) fn worst(&self) -> Option<&Trouble> {
        self.troubled.first().map(|ByRank(trouble)| trouble.as_ref()).filter(|trouble| trouble.shows())
    }
}

impl Ord for ByRank {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.rank().cmp(&other.0.rank())
    }
}

impl PartialOrd for ByRank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByRank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByRank {}

//! When a pod's state counts: what shows while a state is young, after it has passed, and while the pod's owner gets on
//! with its work. Keeps no pod and reads no clock: `now` is an argument, and whoever asks is told when to ask again.
//!
//! | rule | what shows |
//! | --- | --- |
//! | [`Rule::State`] | the state itself |
//! | [`Rule::Grace`] | the next calmer state, until the pod's own has lasted for [`Patience::after`] |
//! | [`Rule::Hold`] | the worse state that showed before, for [`Patience::hold`] after it has passed |
//! | [`Rule::Updating`] | [`PodState::Updating`], while the owner makes progress |

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::standing::PodState;

/// The times of a policy. The default: every state counts at once, for as long as it lasts, and no owner is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Of pods that run and are not ready.
    pub unready: Patience,
    /// Of pods that have not begun.
    pub pending: Patience,
    /// Of pods on their way out.
    pub deleting: Patience,
    /// Of pods that have failed.
    pub failed: Patience,
    /// An owner makes progress for so long after one of its pods became ready; and for so long at most is a pod of it
    /// taken for one that is being updated. Zero: owners don't matter.
    pub updating: Duration,
}

/// How patient a policy is with a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// The state counts only once it has lasted for so long.
    pub after: Duration,
    /// Once it showed, it shows for so long after it has passed.
    pub hold: Duration,
}

/// What made a pod's state what shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Its state counts.
    State,
    /// Its state does not count yet.
    Grace,
    /// A worse state has passed, and counts for a while yet.
    Hold,
    /// Its owner makes progress.
    Updating,
}

/// What shows of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) state: PodState,
    pub(crate) rule: Rule,
    /// When something else will, if nothing is heard before.
    pub(crate) next: Option<Timestamp>,
}

impl Timing {
    /// What shows of a pod that `is` so since `since`, at the latest since `now`.
    pub(crate) fn shown(&self, is: PodState, since: Timestamp, progressing: bool, now: Timestamp) -> Shown {
        let updated = later(since, self.updating);
        if progressing && now < updated {
            return Shown { state: PodState::Updating, rule: Rule::Updating, next: Some(updated) };
        }
        let (mut state, mut next) = (is, None::<Timestamp>);
        while let counts = later(since, self.of(state).after)
            && now < counts
        {
            next = Some(next.map_or(counts, |next| next.min(counts)));
            state = calmer(state);
        }
        Shown { state, rule: if state == is { Rule::State } else { Rule::Grace }, next }
    }

    /// Until when a state shows that passes `now`, if it is to show any longer.
    pub(crate) fn held(&self, state: PodState, now: Timestamp) -> Option<Timestamp> {
        Some(self.of(state).hold).filter(|hold| !hold.is_zero()).map(|hold| later(now, hold))
    }

    /// How patient it is with this state, where patience makes sense.
    pub(crate) const fn of_mut(&mut self, state: PodState) -> Option<&mut Patience> {
        match state {
            PodState::Unready => Some(&mut self.unready),
            PodState::Pending => Some(&mut self.pending),
            PodState::Deleting => Some(&mut self.deleting),
            PodState::Failed => Some(&mut self.failed),
            PodState::Absent | PodState::Completed | PodState::Running | PodState::Updating => None,
        }
    }

    /// How patient it is with this state.
    pub const fn of(&self, state: PodState) -> Patience {
        match state {
            PodState::Unready => self.unready,
            PodState::Pending => self.pending,
            PodState::Deleting => self.deleting,
            PodState::Failed => self.failed,
            PodState::Absent | PodState::Completed | PodState::Running | PodState::Updating => {
                Patience { after: Duration::ZERO, hold: Duration::ZERO }
            }
        }
    }
}

/// What a state counts as while it is young. [`PodState::Running`], in the end, for which nothing needs patience.
const fn calmer(state: PodState) -> PodState {
    match state {
        PodState::Failed => PodState::Unready,
        PodState::Deleting | PodState::Pending | PodState::Unready | PodState::Updating => PodState::Running,
        PodState::Running | PodState::Completed | PodState::Absent => state,
    }
}

pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, at};
    use PodState::{Deleting, Failed, Pending, Running, Unready, Updating};

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_state_counts_once_it_has_lasted() {
        let after = |time| Patience { after: seconds(time), hold: Duration::ZERO };
        let timing = Timing { failed: after(30), unready: after(10), pending: after(60), ..Timing::default() };
        for (is, elapsed, state, next) in [
            (Failed, 0, Running, Some(10)),
            (Failed, 10, Unready, Some(30)),
            (Failed, 29, Unready, Some(30)),
            (Failed, 30, Failed, None),
            (Unready, 9, Running, Some(10)),
            (Unready, 10, Unready, None),
            (Pending, 59, Running, Some(60)),
            (Deleting, 0, Deleting, None),
            (Running, 0, Running, None),
        ] {
            let shown = timing.shown(is, NOW, false, at(elapsed));
            assert_eq!((shown.state, shown.next), (state, next.map(at)), "{is:?} for {elapsed} s");
            assert_eq!(shown.rule == Rule::State, state == is);
        }
    }

    #[test]
    fn a_pod_is_updating_while_its_owner_gets_on_and_it_is_young_itself() {
        let timing = Timing { updating: seconds(60), ..Timing::default() };
        let young = timing.shown(Pending, NOW, true, at(59));
        assert_eq!(young, Shown { state: Updating, rule: Rule::Updating, next: Some(at(60)) });
        assert_eq!(timing.shown(Pending, NOW, true, at(60)).state, Pending);
        assert_eq!(timing.shown(Pending, NOW, false, at(59)).state, Pending);
        assert_eq!(Timing::default().shown(Pending, NOW, true, NOW).state, Pending);
    }

    #[test]
    fn times_without_end_are_times() {
        let patience = Patience { after: Duration::MAX, hold: Duration::MAX };
        let timing = Timing { failed: patience, ..Timing::default() };
        assert_eq!(timing.shown(Failed, NOW, false, at(1)).state, Unready);
        assert_eq!(timing.held(Failed, NOW), Some(Timestamp::MAX));
        assert_eq!(timing.held(Unready, NOW), None);
    }
}

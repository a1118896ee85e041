//! What of a pod may yet change by itself: with time, or as its owner gets on.
//!
//! A pod that is well has no course. Keeps how the pod stands and since when; offers the [`Face`] that follows from it and
//! from what showed before. Reads no clock, and knows no other pod.

use std::sync::Arc;

use jiff::Timestamp;

use crate::census::Trouble;
use crate::standing::{PodState, Standing};
use crate::timing::{Rule, Shown, Timing};
use crate::uid::Uid;

/// What color and reason need to know of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    /// By its number.
    pub(crate) namespace: u32,
    pub(crate) state: PodState,
    pub(crate) trouble: Option<Arc<Trouble>>,
}

/// What of a pod may yet change.
#[derive(Debug)]
pub(crate) struct Course {
    name: Arc<str>,
    standing: Standing<'static>,
    /// Since when it is in this state, through all the changes that left it there.
    since: Timestamp,
    /// Its owner, where that one's progress excuses it.
    pub(crate) owner: Option<Arc<str>>,
    /// What has passed and shows yet, and until when.
    held: Option<(Arc<Trouble>, Timestamp)>,
    /// What shows of it is this, where it isn't well.
    pub(crate) trouble: Option<Arc<Trouble>>,
    /// When to look again.
    pub(crate) due: Option<Timestamp>,
}

impl Course {
    /// The course of a pod that stands so at `now`, where it had this one before. Nothing where time changes nothing about
    /// it; nor does it where the pod's face was `before` and that needn't be held.
    pub(crate) fn new(
        name: &str,
        standing: Standing<'_>,
        old: Option<Self>,
        before: Option<&Face>,
        timing: &Timing,
        now: Timestamp,
    ) -> Option<Self> {
        let may_hold = before.is_some_and(|face| {
            face.state > standing.state
                && (timing.held(face.state, now).is_some() || old.as_ref().is_some_and(Self::holds))
        });
        if standing.state <= PodState::Running && standing.later.is_none() && !may_hold {
            return None;
        }
        let told = standing.since.unwrap_or(now).min(now);
        let (name, since, held) = match old {
            // A pod that crashes again and again has failed since the first time.
            Some(old) if old.standing.state == standing.state => (old.name, old.since.min(told), old.held),
            Some(old) => (old.name, told, old.held),
            None => (name.into(), told, None),
        };
        Some(Self { name, standing: standing.into_owned(), since, owner: None, held, trouble: None, due: None })
    }

    /// What shows at `now` of this pod, which showed `before`: its state, and the trouble with it, which is kept here. Sets when
    /// to look again.
    pub(crate) fn show(
        &mut self,
        uid: &Uid,
        namespace: &Arc<str>,
        before: Option<&Face>,
        progressing: bool,
        timing: &Timing,
        now: Timestamp,
    ) -> PodState {
        let was = self.standing.state;
        self.standing.settle(now);
        if self.standing.state != was {
            self.since = self.standing.since.unwrap_or(now).min(now);
        }
        let mut shown = timing.shown(self.standing.state, self.since, progressing, now);
        let doubtful = self.standing.later.as_ref().map(|later| later.at);
        shown.next = [shown.next, doubtful].into_iter().flatten().min();
        self.hold(before, shown, timing, now);
        self.due = [shown.next, self.held.as_ref().map(|(_, until)| *until)].into_iter().flatten().min();
        if let Some((trouble, _)) = &self.held {
            self.trouble = Some(Arc::clone(trouble));
            return trouble.state;
        }
        let trouble = Trouble::new(uid, namespace, &self.name, &self.standing, shown);
        // Whoever knows it shares it, for as long as it is the same.
        let known = before.and_then(|face| face.trouble.as_ref()).filter(|known| trouble.as_ref() == Some(known));
        self.trouble = known.map(Arc::clone).or_else(|| trouble.map(Arc::new));
        shown.state
    }

    /// Whether there is nothing left that could change.
    pub(crate) const fn is_over(&self) -> bool {
        self.due.is_none()
            && self.held.is_none()
            && matches!(self.standing.state, PodState::Completed | PodState::Running)
    }

    const fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Lets go of what was held for long enough, and of what is calmer than what shows now; holds what passes.
    fn hold(&mut self, before: Option<&Face>, shown: Shown, timing: &Timing, now: Timestamp) {
        if let Some((trouble, until)) = &self.held {
            if trouble.state <= shown.state || *until <= now {
                self.held = None;
            }
            return;
        }
        let passes = before.filter(|face| face.state > shown.state);
        self.held = passes.and_then(|face| {
            let until = timing.held(face.state, now)?;
            let passed = face.trouble.as_deref()?.clone();
            Some((Arc::new(Trouble { rule: Rule::Hold, ..passed }), until))
        });
    }
}

//! The pods of the ledger: each in its slot on its node, counted per namespace and in the whole.
//!
//! Keeps of a pod what it shows as and, where it isn't well or may yet change by itself, its [`Course`]. Marks whose verdict may differ
//! whenever, and only when, a [`Face`] does. Refuses to know the API's objects: it is handed standings.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::{Census, Trouble};
use crate::course::{Course, Face};
use crate::named::Named;
use crate::owner::Work;
use crate::owners::Owners;
use crate::seats::Seats;
use crate::standing::{PodState, Standing};
use crate::timing::{Timing, later};
use crate::uid::Uid;
use crate::verdict::Changed;

/// All pods that count.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    timing: Timing,
    seats: Seats<Entry>,
    namespaces: Named<Census>,
    cluster: Census,
    owners: Owners,
    /// When a face changes with time alone.
    due: BTreeSet<(Timestamp, Uid)>,
}

/// What is told of a pod.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// Empty while the pod is not scheduled.
    pub(crate) node: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) standing: Standing<'a>,
    /// Of its owner, where that matters.
    pub(crate) work: Option<Work>,
    /// In this round of lists.
    pub(crate) round: u32,
}

/// What is kept of a pod: with its uid 40 bytes, but for those few that have a course.
#[derive(Debug)]
pub(crate) struct Entry {
    /// By its number.
    namespace: u32,
    /// What it shows as.
    pub(crate) state: PodState,
    course: Option<Box<Course>>,
    round: u32,
}

impl Pods {
    /// No pods yet, whose states will count at these times.
    pub(crate) fn new(timing: Timing) -> Self {
        Self { timing, ..Self::default() }
    }

    /// From now on, states count at these times. Holds for each pod as soon as it is told of again.
    pub(crate) const fn obey(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Takes in what is told of a pod at `now`.
    pub(crate) fn put(&mut self, uid: Uid, told: Told<'_>, now: Timestamp, changed: &mut Changed) {
        let Told { node, namespace, name, standing, work, round } = told;
        let mut seat = self.seats.find(&uid);
        if seat.and_then(|seat| self.seats.node(seat)).is_some_and(|known| **known != *node) {
            self.forget(&uid, changed);
            seat = None;
        }
        let (number, namespace) = self.namespaces.number(namespace);
        let step = work.as_ref().and_then(|work| Some((work.owner.as_str(), work.done?)));
        let flips = step.map(|(owner, done)| self.owners.progresses(owner, later(done, self.timing.updating)));

        let known = seat.and_then(|seat| self.seats.at_mut(seat));
        let (before, old) = known.map(|entry| (entry.face(), entry.course.take())).unzip();
        let old = self.leave_course(&uid, old.flatten());
        let state = standing.state;
        let course = Course::new(name, standing, old, before.as_ref(), &self.timing, now);
        let mut entry = Entry { namespace: number, state, course: course.map(Box::new), round };
        if let Some(course) = &mut entry.course {
            course.owner = work.filter(|work| work.excusable).map(|work| self.owners.join(&work.owner, &uid));
        }
        let next = entry.refresh(&uid, &namespace, before.as_ref(), &self.owners, &self.timing, now);
        self.due.extend(next.map(|at| (at, uid.clone())));
        let face = entry.face();
        match seat.and_then(|seat| self.seats.at_mut(seat)) {
            Some(known) => *known = entry,
            None => seat = self.seats.put(uid, node, entry),
        }
        if let Some(node) = seat.and_then(|seat| self.seats.node(seat)).map(Arc::clone) {
            self.recount(&node, before, Some(face), changed);
        }
        for uid in flips.into_iter().flatten() {
            self.refresh(&uid, now, changed);
        }
    }

    /// Takes in that a pod is gone.
    pub(crate) fn forget(&mut self, uid: &Uid, changed: &mut Changed) {
        let Some((node, mut old)) = self.seats.take(uid) else { return };
        let face = old.face();
        self.leave_course(uid, old.course.take());
        self.recount(&node, Some(face), None, changed);
    }

    /// Forgets what no one has named in this round.
    pub(crate) fn sweep(&mut self, round: u32, changed: &mut Changed) {
        let unnamed = self.seats.all().filter(|(_, entry)| entry.round != round);
        let gone: Vec<_> = unnamed.map(|(uid, _)| uid.clone()).collect();
        for uid in gone {
            self.forget(&uid, changed);
        }
    }

    /// Takes in that it is `now`.
    pub(crate) fn settle(&mut self, now: Timestamp, changed: &mut Changed) {
        for uid in self.owners.settle(now) {
            self.refresh(&uid, now, changed);
        }
        while let Some((at, uid)) = self.due.first()
            && *at <= now
        {
            let uid = uid.clone();
            self.due.pop_first();
            self.refresh(&uid, now, changed);
        }
    }

    /// When time alone changes a face next.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        let face = self.due.first().map(|(at, _)| *at);
        [face, self.owners.next_settle()].into_iter().flatten().min()
    }

    /// What is kept of the pods on this node, by slot; nothing of a free one.
    pub(crate) fn on<'a>(&'a self, node: &str) -> impl Iterator<Item = Option<&'a Entry>> + Clone + use<'a> {
        self.seats.on(node)
    }

    /// The namespaces of the pods on this node, each as often as it has pods there.
    pub(crate) fn namespaces<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Arc<str>> + use<'a> {
        self.seats.on(node).flatten().filter_map(|entry| self.namespaces.name(entry.namespace))
    }

    /// What is not as it should be with this pod.
    pub(crate) fn trouble(&self, uid: &Uid) -> Option<&Trouble> {
        self.seats.at(self.seats.find(uid)?)?.trouble()
    }

    /// The pods of this namespace, if there are any.
    pub(crate) fn of(&self, namespace: &str) -> Option<&Census> {
        self.namespaces.of(namespace)
    }

    /// All pods.
    pub(crate) const fn all(&self) -> &Census {
        &self.cluster
    }

    /// Works out anew what shows of this pod.
    fn refresh(&mut self, uid: &Uid, now: Timestamp, changed: &mut Changed) {
        let Some(seat) = self.seats.find(uid) else { return };
        let Some(node) = self.seats.node(seat).map(Arc::clone) else { return };
        let Some(entry) = self.seats.at_mut(seat) else { return };
        let Some(was_due) = entry.course.as_ref().map(|course| course.due) else { return };
        let Some(namespace) = self.namespaces.name(entry.namespace) else { return };
        let before = entry.face();
        let next = entry.refresh(uid, namespace, Some(&before), &self.owners, &self.timing, now);
        let face = entry.face();
        if let Some(at) = was_due {
            self.due.remove(&(at, uid.clone()));
        }
        self.due.extend(next.map(|at| (at, uid.clone())));
        self.recount(&node, Some(before), Some(face), changed);
    }

    /// Ends a course: nothing is due of it, and its owner's pod waits no longer.
    fn leave_course(&mut self, uid: &Uid, course: Option<Box<Course>>) -> Option<Course> {
        let course = *course?;
        if let Some(at) = course.due {
            self.due.remove(&(at, uid.clone()));
        }
        if let Some(owner) = &course.owner {
            self.owners.leave(owner, uid);
        }
        Some(course)
    }

    /// Counts `new` where `old` was counted.
    fn recount(&mut self, node: &Arc<str>, old: Option<Face>, new: Option<Face>, changed: &mut Changed) {
        if old == new {
            return;
        }
        let left = old.as_ref().map(|face| face.namespace);
        if let Some(Face { namespace, state, trouble }) = old {
            self.cluster.leave(state, trouble.as_ref());
            if let Some(census) = self.namespaces.at_mut(namespace) {
                census.leave(state, trouble.as_ref());
            }
            self.mark(node, namespace, changed);
        }
        if let Some(Face { namespace, state, trouble }) = new {
            self.cluster.enter(state, trouble.as_ref());
            if let Some(census) = self.namespaces.at_mut(namespace) {
                census.enter(state, trouble.as_ref());
            }
            self.mark(node, namespace, changed);
        }
        // Last, for that it may be the same.
        if let Some(left) = left.filter(|left| self.namespaces.at(*left).is_some_and(|census| census.tally.is_empty()))
        {
            self.namespaces.forget(left);
        }
    }

    fn mark(&self, node: &Arc<str>, namespace: u32, changed: &mut Changed) {
        if let Some(namespace) = self.namespaces.name(namespace) {
            changed.mark(node, namespace);
        }
    }
}

impl Entry {
    /// What is not as it should be with it.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        self.course.as_ref()?.trouble.as_deref()
    }

    fn face(&self) -> Face {
        let trouble = self.course.as_ref().and_then(|course| course.trouble.clone());
        Face { namespace: self.namespace, state: self.state, trouble }
    }

    /// Works out what shows at `now`. Gives when to look again.
    fn refresh(
        &mut self,
        uid: &Uid,
        namespace: &Arc<str>,
        before: Option<&Face>,
        owners: &Owners,
        timing: &Timing,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let course = self.course.as_mut()?;
        let progressing = course.owner.as_ref().is_some_and(|owner| owners.progressing(owner, now));
        self.state = course.show(uid, namespace, before, progressing, timing, now);
        let due = course.due;
        if course.is_over() {
            self.course = None;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_takes_40_bytes() {
        assert_eq!(size_of::<Option<(Uid, Entry)>>(), 40);
    }
}

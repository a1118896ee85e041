//! The pods of the ledger: each in its slot on its node, counted per namespace and in the whole.
//!
//! Keeps of a pod its [`Face`] and, where time or its owner may change that, its [`Course`]. Marks whose verdict may differ whenever, and only
//! when, a face does. Refuses to know the API's objects: it is handed standings.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::Census;
use crate::course::{Course, Face};
use crate::owner::Work;
use crate::owners::Owners;
use crate::slots::Slots;
use crate::standing::Standing;
use crate::timing::{Timing, later};
use crate::uid::Uid;
use crate::verdict::Changed;

/// All pods that count.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    timing: Timing,
    places: HashMap<Uid, Place>,
    /// One a node. Pods that are not scheduled share the row of the empty name, which no node has.
    rows: Slots<Row>,
    /// Of each node's row.
    numbers: HashMap<Arc<str>, u32>,
    namespaces: HashMap<Arc<str>, Census>,
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

/// Numbers, for there is one a pod.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: u32,
    slot: u32,
}

/// The pods of a node.
#[derive(Debug)]
struct Row {
    node: Arc<str>,
    pods: Slots<Entry>,
}

#[derive(Debug)]
struct Entry {
    face: Face,
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
        if self.places.get(&uid).is_some_and(|place| self.rows.at(place.row).is_none_or(|row| *row.node != *node)) {
            self.forget(&uid, changed);
        }
        let (node, number) = self.row(node);
        let namespace = interned(&self.namespaces, namespace);
        let step = work.as_ref().and_then(|work| Some((work.owner.as_str(), work.done?)));
        let flips = step.map(|(owner, done)| self.owners.progresses(owner, later(done, self.timing.updating)));

        let old = self.course_of(&uid);
        let before = self.places.get(&uid).and_then(|place| self.entry(*place)).map(|entry| entry.face.clone());
        let state = standing.state;
        let course = Course::new(name, standing, old, before.as_ref(), &self.timing, now);
        let mut entry = Entry { face: Face { namespace, state, trouble: None }, course: course.map(Box::new), round };
        if let Some(course) = &mut entry.course {
            course.owner = work.filter(|work| work.excusable).map(|work| self.owners.join(&work.owner, &uid));
        }
        let next = entry.refresh(&uid, before.as_ref(), &self.owners, &self.timing, now);
        self.due.extend(next.map(|at| (at, uid.clone())));
        let face = entry.face.clone();
        self.seat(uid, number, entry);
        self.recount(&node, before, Some(face), changed);
        for uid in flips.into_iter().flatten() {
            self.refresh(&uid, now, changed);
        }
    }

    /// Takes in that a pod is gone.
    pub(crate) fn forget(&mut self, uid: &Uid, changed: &mut Changed) {
        let Some(place) = self.places.remove(uid) else { return };
        let Some(row) = self.rows.at_mut(place.row) else { return };
        let (node, old) = (Arc::clone(&row.node), row.pods.take(place.slot));
        if row.pods.is_empty() {
            self.rows.take(place.row);
            self.numbers.remove(&node);
        }
        if let Some(mut old) = old {
            self.leave_course(uid, old.course.take());
            self.recount(&node, Some(old.face), None, changed);
        }
    }

    /// Forgets what no one has named in this round.
    pub(crate) fn sweep(&mut self, round: u32, changed: &mut Changed) {
        let unnamed = |place: Place| self.entry(place).is_none_or(|entry| entry.round != round);
        let gone: Vec<_> =
            self.places.iter().filter(|(_, place)| unnamed(**place)).map(|(uid, _)| uid.clone()).collect();
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

    /// The faces on this node, by slot.
    pub(crate) fn on<'a>(&'a self, node: &str) -> impl Iterator<Item = Option<&'a Face>> + Clone + use<'a> {
        let row = self.numbers.get(node).and_then(|number| self.rows.at(*number));
        row.into_iter().flat_map(|row| row.pods.places()).map(|entry| entry.map(|entry| &entry.face))
    }

    /// The face of this pod.
    pub(crate) fn face(&self, uid: &Uid) -> Option<&Face> {
        Some(&self.entry(*self.places.get(uid)?)?.face)
    }

    /// The pods of this namespace, if there are any.
    pub(crate) fn of(&self, namespace: &str) -> Option<&Census> {
        self.namespaces.get(namespace)
    }

    /// All pods.
    pub(crate) const fn all(&self) -> &Census {
        &self.cluster
    }

    fn entry(&self, place: Place) -> Option<&Entry> {
        self.rows.at(place.row)?.pods.at(place.slot)
    }

    /// The row of this node, and its number.
    fn row(&mut self, node: &str) -> (Arc<str>, u32) {
        if let Some((node, number)) = self.numbers.get_key_value(node) {
            return (Arc::clone(node), *number);
        }
        let node: Arc<str> = node.into();
        let number = self.rows.put(Row { node: Arc::clone(&node), pods: Slots::default() });
        self.numbers.insert(Arc::clone(&node), number);
        (node, number)
    }

    /// Works out anew what shows of this pod.
    fn refresh(&mut self, uid: &Uid, now: Timestamp, changed: &mut Changed) {
        let Some(place) = self.places.get(uid) else { return };
        let Some(Row { node, pods }) = self.rows.at_mut(place.row) else { return };
        let Some(entry) = pods.at_mut(place.slot) else { return };
        let Some(was_due) = entry.course.as_ref().map(|course| course.due) else { return };
        let before = entry.face.clone();
        let next = entry.refresh(uid, Some(&before), &self.owners, &self.timing, now);
        let (node, face) = (Arc::clone(node), entry.face.clone());
        if let Some(at) = was_due {
            self.due.remove(&(at, uid.clone()));
        }
        self.due.extend(next.map(|at| (at, uid.clone())));
        self.recount(&node, Some(before), Some(face), changed);
    }

    /// Puts the entry into the pod's own slot, or the next free one.
    fn seat(&mut self, uid: Uid, number: u32, entry: Entry) {
        let Some(row) = self.rows.at_mut(number) else { return };
        if let Some(place) = self.places.get(&uid) {
            row.pods.replace(place.slot, entry);
            return;
        }
        let slot = row.pods.put(entry);
        self.places.insert(uid, Place { row: number, slot });
    }

    /// Takes the course off a pod that is told of again.
    fn course_of(&mut self, uid: &Uid) -> Option<Course> {
        let place = self.places.get(uid)?;
        let course = self.rows.at_mut(place.row)?.pods.at_mut(place.slot)?.course.take();
        self.leave_course(uid, course)
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
        if let Some(Face { namespace, state, trouble }) = old {
            changed.mark(node, &namespace);
            self.cluster.leave(state, trouble.as_ref());
            if let Some(census) = self.namespaces.get_mut(&namespace) {
                census.leave(state, trouble.as_ref());
                if census.tally.is_empty() {
                    self.namespaces.remove(&namespace);
                }
            }
        }
        if let Some(Face { namespace, state, trouble }) = new {
            changed.mark(node, &namespace);
            self.cluster.enter(state, trouble.as_ref());
            self.namespaces.entry(namespace).or_default().enter(state, trouble.as_ref());
        }
    }
}

impl Entry {
    /// Works out what shows at `now`. Gives when to look again.
    fn refresh(
        &mut self,
        uid: &Uid,
        before: Option<&Face>,
        owners: &Owners,
        timing: &Timing,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let course = self.course.as_mut()?;
        let progressing = course.owner.as_ref().is_some_and(|owner| owners.progressing(owner, now));
        self.face = course.face(uid, &self.face.namespace, before, progressing, timing, now);
        let due = course.due;
        if course.is_over() {
            self.course = None;
        }
        due
    }
}

/// The one copy of this name.
fn interned<T>(map: &HashMap<Arc<str>, T>, name: &str) -> Arc<str> {
    map.get_key_value(name).map_or_else(|| name.into(), |(known, _)| Arc::clone(known))
}

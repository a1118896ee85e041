//! The pods of the ledger: each in its slot on its node, counted per namespace and in the whole.
//!
//! Keeps of a pod its [`Face`] and what time alone will make of it. Marks whose verdict may differ whenever, and only
//! when, a face does. Refuses to know the API's objects: it is handed standings.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;

use crate::census::{Census, Trouble};
use crate::slots::Slots;
use crate::standing::{PodState, Standing};
use crate::uid::Uid;
use crate::verdict::Changed;

/// All pods that count.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    places: HashMap<Uid, Place>,
    /// Per node. Pods that are not scheduled share the row of the empty name, which no node has.
    rows: HashMap<Arc<str>, Slots<Entry>>,
    namespaces: HashMap<Arc<str>, Census>,
    cluster: Census,
    /// When a face changes with time alone.
    due: BTreeSet<(Timestamp, Uid)>,
}

/// What colour and reason need to know of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) namespace: Arc<str>,
    pub(crate) state: PodState,
    pub(crate) trouble: Option<Arc<Trouble>>,
}

#[derive(Debug)]
struct Place {
    node: Arc<str>,
    slot: u32,
}

#[derive(Debug)]
struct Entry {
    face: Face,
    later: Option<Box<(Timestamp, Face)>>,
    round: u32,
}

impl Pods {
    /// Takes in how a pod stands, as told in this round of lists.
    pub(crate) fn put(&mut self, uid: Uid, pod: Named<'_>, standing: Standing<'_>, round: u32, changed: &mut Changed) {
        let node = interned(&self.rows, pod.node);
        let namespace = interned(&self.namespaces, pod.namespace);
        if self.places.get(&uid).is_some_and(|place| place.node != node) {
            self.forget(&uid, changed);
        }
        let entry = Entry::new(&uid, namespace, pod.name, standing, round);
        let face = entry.face.clone();
        let next = entry.later.as_ref().map(|later| (later.0, uid.clone()));
        let old = self.seat(uid, &node, entry);
        self.due.extend(next);
        self.recount(&node, old.map(|entry| entry.face), Some(face), changed);
    }

    /// Takes in that a pod is gone.
    pub(crate) fn forget(&mut self, uid: &Uid, changed: &mut Changed) {
        let Some(Place { node, slot }) = self.places.remove(uid) else { return };
        let Some(row) = self.rows.get_mut(&node) else { return };
        let old = row.take(slot);
        if row.is_empty() {
            self.rows.remove(&node);
        }
        if let Some(old) = old {
            self.undue(uid, &old);
            self.recount(&node, Some(old.face), None, changed);
        }
    }

    /// Forgets what no one has named in this round.
    pub(crate) fn sweep(&mut self, round: u32, changed: &mut Changed) {
        let unnamed = |place: &Place| self.entry(place).is_none_or(|entry| entry.round != round);
        let gone: Vec<_> = self.places.iter().filter(|(_, place)| unnamed(place)).map(|(uid, _)| uid.clone()).collect();
        for uid in gone {
            self.forget(&uid, changed);
        }
    }

    /// Takes in that it is `now`.
    pub(crate) fn settle(&mut self, now: Timestamp, changed: &mut Changed) {
        while self.next_settle().is_some_and(|at| at <= now) {
            let Some((_, uid)) = self.due.pop_first() else { return };
            let Some(Place { node, slot }) = self.places.get(&uid) else { continue };
            let Some(entry) = self.rows.get_mut(node).and_then(|row| row.at_mut(*slot)) else { continue };
            let Some(later) = entry.later.take() else { continue };
            let (_, face) = *later;
            let old = mem::replace(&mut entry.face, face.clone());
            let node = Arc::clone(node);
            self.recount(&node, Some(old), Some(face), changed);
        }
    }

    /// When time alone changes a face next.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The faces on this node, by slot.
    pub(crate) fn on<'a>(&'a self, node: &str) -> impl Iterator<Item = Option<&'a Face>> + Clone + use<'a> {
        self.rows.get(node).into_iter().flat_map(Slots::places).map(|entry| entry.map(|entry| &entry.face))
    }

    /// The pods of this namespace, if there are any.
    pub(crate) fn of(&self, namespace: &str) -> Option<&Census> {
        self.namespaces.get(namespace)
    }

    /// All pods.
    pub(crate) const fn all(&self) -> &Census {
        &self.cluster
    }

    fn entry(&self, place: &Place) -> Option<&Entry> {
        self.rows.get(&place.node)?.at(place.slot)
    }

    /// Puts the entry into the pod's own slot, or the next free one; gives back what was there of the pod.
    fn seat(&mut self, uid: Uid, node: &Arc<str>, entry: Entry) -> Option<Entry> {
        let row = self.rows.entry(Arc::clone(node)).or_default();
        if let Some(place) = self.places.get(&uid) {
            let old = row.replace(place.slot, entry)?;
            self.undue(&uid, &old);
            return Some(old);
        }
        let slot = row.put(entry);
        self.places.insert(uid, Place { node: Arc::clone(node), slot });
        None
    }

    fn undue(&mut self, uid: &Uid, entry: &Entry) {
        if let Some(later) = &entry.later {
            self.due.remove(&(later.0, uid.clone()));
        }
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

/// Where a pod is and what it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    /// Empty while the pod is not scheduled.
    pub(crate) node: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Entry {
    fn new(uid: &Uid, namespace: Arc<str>, name: &str, mut standing: Standing<'_>, round: u32) -> Self {
        let face = |standing: &Standing<'_>| Face {
            namespace: Arc::clone(&namespace),
            state: standing.state,
            trouble: Trouble::new(uid.clone(), Arc::clone(&namespace), name, standing).map(Arc::new),
        };
        let now = face(&standing);
        let later = standing.later.take().map(|later| {
            let then = Standing { state: later.state, word: later.word, since: later.since, ..standing };
            Box::new((later.at, face(&then)))
        });
        Self { face: now, later, round }
    }
}

/// The one copy of this name.
fn interned<T>(map: &HashMap<Arc<str>, T>, name: &str) -> Arc<str> {
    map.get_key_value(name).map_or_else(|| name.into(), |(known, _)| Arc::clone(known))
}

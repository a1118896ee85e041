//! Seats: for each pod the slot on its node that it keeps, found by uid or by node.
//!
//! A uid is kept once, in its seat; what finds it there keeps numbers. Refuses to know what is kept of a pod.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::named::Named;
use crate::slots::Slots;
use crate::uid::Uid;

/// What is kept of all pods.
#[derive(Debug)]
pub(crate) struct Seats<T> {
    /// One a node. Pods that are not scheduled share the row of the empty name, which no node has.
    rows: Named<Slots<(Uid, T)>>,
    /// By the hash of the uid that sits there.
    by_uid: HashTable<Seat>,
    hasher: RandomState,
}

/// Where a pod sits, until it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    row: u32,
    slot: u32,
}

impl<T> Seats<T> {
    /// Where this pod sits.
    pub(crate) fn find(&self, uid: &Uid) -> Option<Seat> {
        let is_it = |seat: &Seat| self.rows.uid(*seat) == Some(uid);
        self.by_uid.find(self.hasher.hash_one(uid), is_it).copied()
    }

    /// What sits there.
    pub(crate) fn at(&self, seat: Seat) -> Option<&T> {
        self.rows.at(seat.row)?.at(seat.slot).map(|(_, pod)| pod)
    }

    /// What sits there, to change it.
    pub(crate) fn at_mut(&mut self, seat: Seat) -> Option<&mut T> {
        self.rows.at_mut(seat.row)?.at_mut(seat.slot).map(|(_, pod)| pod)
    }

    /// The node on which that is.
    pub(crate) fn node(&self, seat: Seat) -> Option<&Arc<str>> {
        self.rows.name(seat.row)
    }

    /// Puts a pod, which has no seat yet, into the lowest free one on this node.
    pub(crate) fn put(&mut self, uid: Uid, node: &str, pod: T) -> Option<Seat> {
        let Self { rows, by_uid, hasher } = self;
        let hash = hasher.hash_one(&uid);
        let row = rows.number(node).0;
        let seat = Seat { row, slot: rows.at_mut(row)?.put((uid, pod)) };
        by_uid.insert_unique(hash, seat, |seat| rows.uid(*seat).map_or(0, |uid| hasher.hash_one(uid)));
        Some(seat)
    }

    /// Takes a pod out, and gives its node as well.
    pub(crate) fn take(&mut self, uid: &Uid) -> Option<(Arc<str>, T)> {
        let Self { rows, by_uid, hasher } = self;
        let found = by_uid.find_entry(hasher.hash_one(uid), |seat| rows.uid(*seat) == Some(uid));
        let (Seat { row, slot }, _) = found.ok()?.remove();
        let node = Arc::clone(rows.name(row)?);
        let pods = rows.at_mut(row)?;
        let (_, pod) = pods.take(slot)?;
        if pods.is_empty() {
            rows.forget(row);
        }
        Some((node, pod))
    }

    /// What sits on this node, by slot.
    pub(crate) fn on<'a>(&'a self, node: &str) -> impl Iterator<Item = Option<&'a T>> + Clone + use<'a, T> {
        self.rows.of(node).into_iter().flat_map(Slots::places).map(|seat| seat.map(|(_, pod)| pod))
    }

    /// All pods, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Uid, &T)> {
        self.rows.all().flat_map(Slots::places).flatten().map(|(uid, pod)| (uid, pod))
    }
}

impl<T> Named<Slots<(Uid, T)>> {
    /// Who sits there.
    fn uid(&self, seat: Seat) -> Option<&Uid> {
        self.at(seat.row)?.at(seat.slot).map(|(uid, _)| uid)
    }
}

impl<T> Default for Seats<T> {
    fn default() -> Self {
        Self { rows: Named::default(), by_uid: HashTable::new(), hasher: RandomState::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn uid(number: usize) -> Uid {
        Uid::from(format!("{number:08x}-0000-4000-8000-000000000000").as_str())
    }

    proptest! {
        #[test]
        fn whoever_was_put_is_found_where_he_sits(steps in prop::collection::vec((0..60_usize, 0..4_usize), 0..300)) {
            let (mut seats, mut model) = (Seats::default(), BTreeMap::new());
            for (pod, node) in steps {
                let known = model.remove(&pod);
                let taken = seats.take(&uid(pod)).map(|(node, pod): (Arc<str>, usize)| (node.to_string(), pod));
                prop_assert_eq!(taken, known);
                if node > 0 {
                    let node = format!("n{node}");
                    seats.put(uid(pod), &node, pod);
                    model.insert(pod, (node, pod));
                }
            }
            for pod in 0..60 {
                let seat = seats.find(&uid(pod));
                let sits = seat.and_then(|seat| Some((seats.node(seat)?.to_string(), *seats.at(seat)?)));
                prop_assert_eq!(sits.as_ref(), model.get(&pod));
            }
            let mut all: Vec<_> = seats.all().map(|(uid, pod)| (uid.clone(), *pod)).collect();
            all.sort_unstable_by_key(|(_, pod)| *pod);
            prop_assert_eq!(all, model.keys().map(|pod| (uid(*pod), *pod)).collect::<Vec<_>>());
            for node in ["n1", "n2", "n3"] {
                let mut on: Vec<_> = seats.on(node).flatten().copied().collect();
                on.sort_unstable();
                let there = model.values().filter(|(of, _)| of == node).map(|(_, pod)| *pod);
                prop_assert_eq!(on, there.collect::<Vec<_>>());
            }
        }
    }
}

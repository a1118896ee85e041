//! Places that stay: what is put in keeps its number until it is taken out, and the lowest free number goes next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Numbered places.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Option<T>>,
    /// Free places below the last taken one. May also name places that have been cut off since; those are passed over.
    free: BinaryHeap<Reverse<u32>>,
}

impl<T> Slots<T> {
    /// Puts `item` into the lowest free place.
    pub(crate) fn put(&mut self, item: T) -> u32 {
        while let Some(Reverse(number)) = self.free.pop() {
            if let Some(place) = self.places.get_mut(index(number)) {
                *place = Some(item);
                return number;
            }
        }
        if self.places.len() == self.places.capacity() {
            // By a quarter: there are thousands of these, and twofold would be half empty.
            self.places.reserve_exact(self.places.len() / 4 + 4);
        }
        self.places.push(Some(item));
        u32::try_from(self.places.len() - 1).expect("a cluster has fewer pods than 2^32")
    }

    /// Takes out what is there, and cuts off free places at the end.
    pub(crate) fn take(&mut self, number: u32) -> Option<T> {
        let item = self.places.get_mut(index(number))?.take()?;
        self.free.push(Reverse(number));
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
        if self.places.is_empty() {
            self.free.clear();
        }
        Some(item)
    }

    /// What is there.
    pub(crate) fn at(&self, number: u32) -> Option<&T> {
        self.places.get(index(number))?.as_ref()
    }

    /// What is there, to change it.
    pub(crate) fn at_mut(&mut self, number: u32) -> Option<&mut T> {
        self.places.get_mut(index(number))?.as_mut()
    }

    /// All places in their order, up to the last taken one.
    pub(crate) fn places(&self) -> impl Iterator<Item = Option<&T>> + Clone {
        self.places.iter().map(Option::as_ref)
    }

    /// Whether nothing is in.
    pub(crate) const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: BinaryHeap::new() }
    }
}

fn index(number: u32) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_kept_and_the_lowest_free_one_is_reused() {
        let mut slots = Slots::default();
        let numbers: Vec<_> = ["a", "b", "c", "d"].map(|item| slots.put(item)).into();
        assert_eq!(numbers, [0, 1, 2, 3]);
        assert_eq!((slots.take(2), slots.take(0)), (Some("c"), Some("a")));
        assert_eq!(slots.put("e"), 0);
        assert_eq!(slots.put("f"), 2);
        assert_eq!(slots.put("g"), 4);
        assert_eq!(slots.at(1), Some(&"b"));
    }

    #[test]
    fn free_slots_at_the_end_are_cut_off_and_come_back_in_order() {
        let mut slots = Slots::default();
        for item in 0..5 {
            slots.put(item);
        }
        for number in [4, 2, 3] {
            slots.take(number);
        }
        assert_eq!(slots.places().count(), 2);
        assert_eq!([10, 11, 12, 13].map(|item| slots.put(item)), [2, 3, 4, 5]);
        assert_eq!(slots.places().flatten().copied().collect::<Vec<_>>(), [0, 1, 10, 11, 12, 13]);
    }

    #[test]
    fn a_free_slot_gives_nothing() {
        let mut slots = Slots::default();
        slots.put("a");
        slots.put("b");
        assert_eq!(slots.take(0), Some("a"));
        assert_eq!((slots.take(0), slots.at(0), slots.at(7)), (None, None, None));
        assert!(!slots.is_empty());
        slots.take(1);
        assert!(slots.is_empty());
    }
}

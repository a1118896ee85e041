//! Things that have a name, and each a number as well: four bytes to keep, where a name takes sixteen. Refuses to know what they are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::slots::Slots;

/// Things by name and by number.
#[derive(Debug)]
pub(crate) struct Named<T> {
    things: Slots<(Arc<str>, T)>,
    numbers: HashMap<Arc<str>, u32>,
}

impl<T: Default> Named<T> {
    /// The number of what is called so, and its name; of something new where nothing is. It holds until that is
    /// [forgotten](Self::forget).
    pub(crate) fn number(&mut self, name: &str) -> (u32, Arc<str>) {
        if let Some((name, number)) = self.numbers.get_key_value(name) {
            return (*number, Arc::clone(name));
        }
        let name: Arc<str> = name.into();
        let number = self.things.put((Arc::clone(&name), T::default()));
        self.numbers.insert(Arc::clone(&name), number);
        (number, name)
    }
}

impl<T> Named<T> {
    /// What is called so.
    pub(crate) fn of(&self, name: &str) -> Option<&T> {
        self.at(*self.numbers.get(name)?)
    }

    /// What has this number.
    pub(crate) fn at(&self, number: u32) -> Option<&T> {
        self.things.at(number).map(|(_, thing)| thing)
    }

    /// What has this number, to change it.
    pub(crate) fn at_mut(&mut self, number: u32) -> Option<&mut T> {
        self.things.at_mut(number).map(|(_, thing)| thing)
    }

    /// What this number stands for.
    pub(crate) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.things.at(number).map(|(name, _)| name)
    }

    /// All things, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.things.places().flatten().map(|(_, thing)| thing)
    }

    /// Forgets what has this number. Something else may get it.
    pub(crate) fn forget(&mut self, number: u32) {
        if let Some((name, _)) = self.things.take(number) {
            self.numbers.remove(&name);
        }
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { things: Slots::default(), numbers: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_until_it_is_forgotten() {
        let mut named = Named::<Vec<u8>>::default();
        let (a, _) = named.number("a");
        let (b, _) = named.number("b");
        assert_eq!((named.number("a").0, &**named.name(a).unwrap()), (a, "a"));
        assert_ne!(a, b);
        named.at_mut(a).unwrap().push(1);
        assert_eq!((named.of("a"), named.of("b"), named.of("c")), (Some(&vec![1]), Some(&vec![]), None));
        named.forget(a);
        assert_eq!((named.of("a"), named.at(a), named.name(a)), (None, None, None));
        let (c, _) = named.number("c");
        assert_eq!(named.at(c), Some(&vec![]), "what is new is empty, whatever number it gets");
        assert_eq!(named.all().count(), 2);
    }
}

//! Pure: who is connected, and who makes room when there are too many.
//!
//! Whoever comes is let in: if those who are there could keep others out, a few that never speak could keep a light from
//! its watcher. So the guest goes that is missed least: one that never asked for anything, before one that did, before
//! one that is in a conversation; and of those, the one that has been quiet for longest.

use std::collections::HashMap;

/// Who is connected; with each guest something to tell it to go by.
#[derive(Debug)]
pub(super) struct Guests<T> {
    present: HashMap<Guest, Conduct<T>>,
    /// Events so far: what came later has a higher number.
    events: u64,
}

/// One who is connected. Never the same as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Guest(u64);

#[derive(Debug)]
struct Conduct<T> {
    exit: T,
    conversations: u32,
    has_spoken: bool,
    /// The event when it was last heard, or came.
    last: u64,
}

impl<T> Guests<T> {
    /// Nobody is there.
    pub(super) fn new() -> Self {
        Self { present: HashMap::new(), events: 0 }
    }

    /// A guest comes, who can be told to go by `exit`.
    pub(super) fn comes(&mut self, exit: T) -> Guest {
        let last = self.event();
        let guest = Guest(last);
        self.present.insert(guest, Conduct { exit, conversations: 0, has_spoken: false, last });
        guest
    }

    /// A guest asks for something, or says something that counts.
    pub(super) fn speaks(&mut self, guest: Guest) {
        let last = self.event();
        if let Some(conduct) = self.present.get_mut(&guest) {
            (conduct.has_spoken, conduct.last) = (true, last);
        }
    }

    /// A guest begins a conversation: one that goes on.
    pub(super) fn begins(&mut self, guest: Guest) {
        if let Some(conduct) = self.present.get_mut(&guest) {
            conduct.conversations += 1;
        }
    }

    /// A guest ends a conversation that it began.
    pub(super) fn ends(&mut self, guest: Guest) {
        if let Some(conduct) = self.present.get_mut(&guest) {
            conduct.conversations = conduct.conversations.saturating_sub(1);
        }
    }

    /// A guest goes.
    pub(super) fn goes(&mut self, guest: Guest) {
        self.present.remove(&guest);
    }

    /// Forgets the guest that is missed least, and returns its exit; none where nobody is there.
    pub(super) fn dismiss(&mut self) -> Option<T> {
        let rank = |conduct: &Conduct<T>| (conduct.conversations > 0, conduct.has_spoken, conduct.last);
        let (guest, _) = self.present.iter().min_by_key(|(_, conduct)| rank(conduct))?;
        let guest = *guest;
        self.present.remove(&guest).map(|conduct| conduct.exit)
    }

    fn event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three guests, called by when they came.
    fn three() -> (Guests<u32>, [Guest; 3]) {
        let mut guests = Guests::new();
        let three = [1, 2, 3].map(|name| guests.comes(name));
        (guests, three)
    }

    /// All of them, as they are dismissed.
    fn order(mut guests: Guests<u32>) -> Vec<u32> {
        std::iter::from_fn(|| guests.dismiss()).collect()
    }

    #[test]
    fn of_those_who_never_spoke_the_first_to_come_is_the_first_to_go() {
        assert_eq!(order(three().0), [1, 2, 3]);
    }

    #[test]
    fn who_spoke_stays_longer_and_who_spoke_last_longest() {
        let (mut guests, [one, two, _]) = three();
        guests.speaks(two);
        guests.speaks(one);
        assert_eq!(order(guests), [3, 2, 1]);
    }

    #[test]
    fn who_is_in_a_conversation_stays_longest() {
        let (mut guests, [one, two, three]) = three();
        for guest in [one, two, three] {
            guests.speaks(guest);
        }
        guests.begins(one);
        guests.begins(two);
        guests.begins(two);
        guests.ends(two);
        assert_eq!(order(guests), [3, 1, 2]);
    }

    #[test]
    fn a_conversation_that_ended_counts_no_more() {
        let (mut guests, [one, _, three]) = three();
        guests.begins(one);
        guests.ends(one);
        guests.begins(three);
        assert_eq!(order(guests), [1, 2, 3]);
    }

    #[test]
    fn who_went_is_neither_dismissed_nor_remembered() {
        let (mut guests, [one, ..]) = three();
        guests.goes(one);
        guests.speaks(one);
        guests.begins(one);
        assert_eq!(order(guests), [2, 3]);
    }
}

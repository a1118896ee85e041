//! The owners that are at work: those one of whose pods became ready of late, and those whose pods wait for that.
//!
//! Keeps nothing of an owner at rest, so a quiet cluster costs nothing here. Refuses to know what shows of a pod.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::uid::Uid;

/// All owners at work.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    known: HashMap<Arc<str>, Owner>,
    /// When an owner's progress ends.
    due: BTreeSet<(Timestamp, Arc<str>)>,
}

#[derive(Debug, Default)]
struct Owner {
    /// It makes progress until then.
    until: Option<Timestamp>,
    /// Its pods that an update may excuse.
    waiting: BTreeSet<Uid>,
}

impl Owners {
    /// Takes in that this owner makes progress until then, at least. Gives its waiting pods where that is news.
    pub(crate) fn progresses(&mut self, name: &str, until: Timestamp) -> Vec<Uid> {
        let name = self.interned(name);
        let owner = self.known.entry(Arc::clone(&name)).or_default();
        let before = owner.until;
        if before.is_some_and(|before| before >= until) {
            return Vec::new();
        }
        owner.until = Some(until);
        let news = if before.is_none() { owner.waiting.iter().cloned().collect() } else { Vec::new() };
        if let Some(before) = before {
            self.due.remove(&(before, Arc::clone(&name)));
        }
        self.due.insert((until, name));
        news
    }

    /// Whether this owner makes progress at `now`.
    pub(crate) fn progressing(&self, name: &str, now: Timestamp) -> bool {
        self.known.get(name).and_then(|owner| owner.until).is_some_and(|until| now < until)
    }

    /// Takes in that a pod of this owner waits. Gives the owner's name to keep.
    pub(crate) fn join(&mut self, name: &str, uid: &Uid) -> Arc<str> {
        let name = self.interned(name);
        self.known.entry(Arc::clone(&name)).or_default().waiting.insert(uid.clone());
        name
    }

    /// Takes in that a pod of this owner waits no longer.
    pub(crate) fn leave(&mut self, name: &Arc<str>, uid: &Uid) {
        if let Some(owner) = self.known.get_mut(name) {
            owner.waiting.remove(uid);
            if owner.waiting.is_empty() && owner.until.is_none() {
                self.known.remove(name);
            }
        }
    }

    /// Takes in that it is `now`. Gives the waiting pods of those that make progress no longer.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Vec<Uid> {
        let mut waiting = Vec::new();
        while self.next_settle().is_some_and(|at| at <= now) {
            let Some((_, name)) = self.due.pop_first() else { break };
            let Some(owner) = self.known.get_mut(&name) else { continue };
            owner.until = None;
            waiting.extend(owner.waiting.iter().cloned());
            if owner.waiting.is_empty() {
                self.known.remove(&name);
            }
        }
        waiting
    }

    /// When an owner's progress ends next.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn interned(&self, name: &str) -> Arc<str> {
        self.known.get_key_value(name).map_or_else(|| name.into(), |(known, _)| Arc::clone(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    #[test]
    fn who_waits_hears_when_progress_begins_and_when_it_ends() {
        let (mut owners, a) = (Owners::default(), Uid::from("a"));
        owners.join("cart", &a);
        assert_eq!(owners.progresses("cart", at(60)).as_slice(), std::slice::from_ref(&a));
        assert_eq!(owners.progresses("cart", at(90)), [], "it went on");
        assert_eq!(owners.progresses("cart", at(30)), [], "an older step");
        assert!(owners.progressing("cart", at(89)) && !owners.progressing("cart", at(90)));
        assert_eq!(owners.settle(at(89)), []);
        assert_eq!(owners.settle(at(90)), [a]);
        assert_eq!(owners.next_settle(), None);
    }

    #[test]
    fn nothing_is_kept_of_an_owner_at_rest() {
        let (mut owners, a) = (Owners::default(), Uid::from("a"));
        let name = owners.join("cart", &a);
        owners.progresses("cart", at(60));
        owners.leave(&name, &a);
        owners.settle(at(60));
        let name = owners.join("till", &a);
        owners.leave(&name, &a);
        assert_eq!(format!("{owners:?}"), format!("{:?}", Owners::default()));
    }
}

//! When what is to be said of each node last changed. Keeps names and counts, so that whoever follows along is told what he
//! missed, once and as it is now; refuses to know what is to be said.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Nodes that are gone and still told of. Whoever missed more is told all anew.
const GONE: usize = 1024;

/// The nodes, by when they last changed.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// Counts changes.
    count: u64,
    stamps: HashMap<Arc<str>, u64>,
    /// By stamp, those that are gone as well.
    log: BTreeMap<u64, Arc<str>>,
    gone: BTreeMap<u64, Arc<str>>,
    /// What is gone up to here is no longer known.
    forgotten: u64,
}

/// What is new to whoever knew all up to some count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// What follows is all there is.
    pub(crate) whole: bool,
    /// In the order of change.
    pub(crate) changed: Vec<Arc<str>>,
    pub(crate) gone: Vec<Arc<str>>,
    /// Up to here.
    pub(crate) count: u64,
}

impl Roster {
    /// Counts changes.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The nodes, in no order.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.stamps.keys()
    }

    /// Whether this node is there.
    pub(crate) fn has(&self, node: &str) -> bool {
        self.stamps.contains_key(node)
    }

    /// This node is there, and other than it was.
    pub(crate) fn touch(&mut self, node: &str) {
        self.count += 1;
        let known = self.stamps.get_mut(node).and_then(|stamp| self.log.remove(&std::mem::replace(stamp, self.count)));
        let node = known.unwrap_or_else(|| {
            let node = Arc::<str>::from(node);
            self.stamps.insert(Arc::clone(&node), self.count);
            node
        });
        self.log.insert(self.count, node);
    }

    /// All nodes are other than they were.
    pub(crate) fn touch_all(&mut self) {
        let nodes: Vec<_> = self.nodes().map(Arc::clone).collect();
        nodes.iter().for_each(|node| self.touch(node));
    }

    /// This node is there no longer.
    pub(crate) fn remove(&mut self, node: &str) {
        let Some((node, old)) = self.stamps.remove_entry(node) else { return };
        self.log.remove(&old);
        self.count += 1;
        self.gone.insert(self.count, node);
        if self.gone.len() > GONE
            && let Some((forgotten, _)) = self.gone.pop_first()
        {
            self.forgotten = forgotten;
        }
    }

    /// What is new to whoever knows all up to `count`; all there is, where nothing is known.
    pub(crate) fn since(&self, count: Option<u64>) -> News {
        let known = count.filter(|count| (self.forgotten..=self.count).contains(count));
        let from = known.unwrap_or_default() + 1;
        let gone = known.map(|_| self.gone.range(from..)).into_iter().flatten();
        News {
            whole: known.is_none(),
            changed: self.log.range(from..).map(|(_, node)| Arc::clone(node)).collect(),
            gone: gone.map(|(_, node)| node).filter(|node| !self.has(node)).map(Arc::clone).collect(),
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn news(roster: &Roster, since: Option<u64>) -> (bool, Vec<String>, Vec<String>) {
        let News { whole, changed, gone, .. } = roster.since(since);
        let texts = |names: Vec<Arc<str>>| names.iter().map(ToString::to_string).collect();
        (whole, texts(changed), texts(gone))
    }

    #[test]
    fn whoever_knows_nothing_is_told_all() {
        let mut roster = Roster::default();
        assert_eq!(news(&roster, None), (true, vec![], vec![]));
        roster.touch("a");
        roster.touch("b");
        roster.touch("a");
        roster.remove("c");
        assert_eq!(news(&roster, None), (true, vec!["b".to_owned(), "a".to_owned()], vec![]));
    }

    #[test]
    fn whoever_knows_what_never_was_is_told_all() {
        let mut roster = Roster::default();
        roster.touch("a");
        assert_eq!(news(&roster, Some(7)), (true, vec!["a".to_owned()], vec![]));
    }

    #[test]
    fn what_changed_often_is_told_once() {
        let mut roster = Roster::default();
        roster.touch("a");
        let known = roster.count();
        (0..9).for_each(|_| roster.touch("b"));
        assert_eq!(news(&roster, Some(known)), (false, vec!["b".to_owned()], vec![]));
    }

    #[test]
    fn whoever_missed_too_much_that_is_gone_is_told_all() {
        let mut roster = Roster::default();
        roster.touch("stays");
        let known = roster.count();
        for i in 0..=GONE {
            roster.touch(&i.to_string());
            roster.remove(&i.to_string());
        }
        assert_eq!(news(&roster, Some(known)), (true, vec!["stays".to_owned()], vec![]));
    }

    proptest! {
        #[test]
        fn whoever_follows_knows_what_is_there(
            steps in prop::collection::vec((0..6u8, any::<bool>(), any::<bool>()), 0..80)
        ) {
            let mut roster = Roster::default();
            let (mut there, mut told) = (HashSet::new(), HashSet::new());
            let mut known = None;
            for (node, comes, looks) in steps {
                let node = node.to_string();
                if comes {
                    roster.touch(&node);
                    there.insert(node);
                } else {
                    roster.remove(&node);
                    there.remove(&node);
                }
                if looks {
                    let News { whole, changed, gone, count } = roster.since(known.replace(roster.count()));
                    if whole {
                        told.clear();
                    }
                    told.extend(changed.iter().map(ToString::to_string));
                    gone.iter().for_each(|node| assert!(told.remove(&**node) || !there.contains(&**node)));
                    prop_assert_eq!(&told, &there);
                    prop_assert_eq!(count, roster.count());
                }
            }
        }
    }
}

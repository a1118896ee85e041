//! Whether the API has been heard lately. Keeps when each watch last said something; refuses to know what it said, how
//! it travelled, and what time it is.

use std::time::{Duration, Instant};

/// One of the two watches. Both must be heard: nodes without pods, or pods without nodes, are half the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Of all pods.
    Pods,
    /// Of all nodes.
    Nodes,
}

impl Watch {
    /// What is watched, as the API names it.
    pub(crate) const fn resource(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Nodes => "nodes",
        }
    }
}

/// When the watches were last heard, and for how long that vouches for what was learned from them.
#[derive(Clone, Debug)]
pub(crate) struct Freshness {
    limit: Duration,
    pods: Option<Instant>,
    nodes: Option<Instant>,
}

impl Freshness {
    /// Nothing heard yet; a watch that was silent for `limit` is no longer believed.
    pub(crate) const fn new(limit: Duration) -> Self {
        Self { limit, pods: None, nodes: None }
    }

    /// `watch` said something at `now`, if only that nothing changed.
    pub(crate) fn heard(&mut self, watch: Watch, now: Instant) {
        let last = match watch {
            Watch::Pods => &mut self.pods,
            Watch::Nodes => &mut self.nodes,
        };
        *last = (*last).max(Some(now));
    }

    /// When `watch` was last heard.
    pub(crate) const fn last(&self, watch: Watch) -> Option<Instant> {
        match watch {
            Watch::Pods => self.pods,
            Watch::Nodes => self.nodes,
        }
    }

    /// When the knowledge goes stale if nothing more is heard; nothing while a watch was never heard.
    pub(crate) fn until(&self) -> Option<Instant> {
        Some(self.pods?.min(self.nodes?) + self.limit)
    }

    /// Whether what was learned may still be told.
    pub(crate) fn fresh(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn nothing_is_fresh_before_both_watches_were_heard() {
        let start = Instant::now();
        let mut freshness = Freshness::new(LIMIT);
        assert!(!freshness.fresh(start));
        freshness.heard(Watch::Pods, start);
        assert!(!freshness.fresh(start));
        freshness.heard(Watch::Nodes, start);
        assert!(freshness.fresh(start));
    }

    #[test]
    fn the_watch_that_was_silent_longest_decides() {
        let start = Instant::now();
        let mut freshness = Freshness::new(LIMIT);
        freshness.heard(Watch::Nodes, start);
        freshness.heard(Watch::Pods, start + 20 * SECOND);
        assert_eq!(freshness.until(), Some(start + LIMIT));
        assert!(freshness.fresh(start + LIMIT - SECOND));
        assert!(!freshness.fresh(start + LIMIT));
        freshness.heard(Watch::Nodes, start + 40 * SECOND);
        assert!(freshness.fresh(start + 40 * SECOND));
        assert_eq!(freshness.until(), Some(start + 50 * SECOND));
    }

    #[test]
    fn news_that_comes_late_takes_nothing_back() {
        let start = Instant::now();
        let mut freshness = Freshness::new(LIMIT);
        freshness.heard(Watch::Pods, start + SECOND);
        freshness.heard(Watch::Nodes, start + SECOND);
        freshness.heard(Watch::Pods, start);
        assert_eq!(freshness.until(), Some(start + SECOND + LIMIT));
    }
}

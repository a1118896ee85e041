//! Whether the API has been heard lately. Keeps since when each watch vouches for what was learned from it; refuses to know
//! what it said, how it travelled, and what time it is.
//!
//! A word counts from when it was surely said, not from when it was read: this process may have been stopped for a while,
//! with the word waiting for it. So it counts from the last but one moment at which the process was known to be awake, for
//! the last one may have been the first after the stop. And a list is as old as its beginning.
//!
//! Watches alone are no proof: an API server that is cut off from its store answers them from what it remembers, and ends
//! them in order. So it must also have answered, as lately, a read that only its store can answer. And when it fails to, what
//! its watches said since the last such answer counts for nothing.

use std::time::{Duration, Instant};

/// One of the two watches. Both must be heard: nodes without pods, or pods without nodes, are half the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Of all pods.
    Pods,
    /// Of all nodes.
    Nodes,
}

impl Watch {
    /// What is watched, as the API names it.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Nodes => "nodes",
        }
    }
}

/// When the watches were last heard, and for how long that vouches for what was learned from them.
#[derive(Clone, Debug)]
pub struct Freshness {
    limit: Duration,
    /// The last two moments at which this process was known to be awake, the older one first.
    awake: [Instant; 2],
    pods: Heard,
    nodes: Heard,
    /// When the API was last asked for what only its store can tell, and answered.
    store: Option<Instant>,
}

/// What a watch has said so far.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// When the last list began.
    begun: Option<Instant>,
    /// When the last complete one began.
    list: Option<Instant>,
    /// When it was complete. Nothing while it isn't.
    listed: Option<Instant>,
    /// How many lists in a row were old by then. None once the watch that goes on from them has told of newer times.
    old: u32,
    /// When the last word was read.
    read: Option<Instant>,
    /// What was learned was so then, or later.
    sure: Option<Instant>,
}

impl Freshness {
    /// Nothing heard yet, at `now`; a watch that was silent for `limit` is no longer believed.
    pub fn new(limit: Duration, now: Instant) -> Self {
        Self { limit, awake: [now; 2], pods: Heard::default(), nodes: Heard::default(), store: None }
    }

    /// How often to say that this process is awake, where `limit` is the silence that is allowed: as a word may count from
    /// two of these before it was read, they must be short against it.
    pub fn pulse(limit: Duration) -> Duration {
        (limit / 20).min(Duration::from_secs(1))
    }

    /// This process is awake at `now`.
    pub const fn awake(&mut self, now: Instant) {
        self.awake = [self.awake[1], now];
    }

    /// `watch` said something, read at `now`, if only that nothing changed.
    pub fn heard(&mut self, watch: Watch, now: Instant) {
        let [sure, _] = self.awake;
        let old = Self::old(self.limit);
        let heard = self.of_mut(watch);
        if heard.listed.is_some_and(|listed| sure + old > listed) {
            heard.old = 0;
        }
        heard.read = heard.read.max(Some(now));
        heard.sure = heard.sure.max(Some(sure));
    }

    /// The API reached its store: it answered what it was `asked` then.
    pub fn reads(&mut self, asked: Instant) {
        self.store = self.store.max(Some(asked));
    }

    /// The API didn't answer such a question. What its watches have said since it last answered one may be from memory.
    pub fn fails(&mut self) {
        for heard in [&mut self.pods, &mut self.nodes] {
            heard.sure = heard.sure.min(self.store).max(heard.list);
        }
    }

    /// What `watch` is about is being listed from `now` on.
    pub const fn lists(&mut self, watch: Watch, now: Instant) {
        let heard = self.of_mut(watch);
        heard.begun = Some(now);
        heard.listed = None;
    }

    /// The list is complete, and known, at `now`.
    pub fn listed(&mut self, watch: Watch, now: Instant) {
        let old = Self::old(self.limit);
        let heard = self.of_mut(watch);
        heard.listed = Some(now);
        heard.old = if heard.begun.is_some_and(|begun| now >= begun + old) { heard.old.saturating_add(1) } else { 0 };
        heard.read = heard.read.max(Some(now));
        heard.list = heard.begun;
        heard.sure = heard.sure.max(heard.list);
    }

    /// When a word of `watch` was last read.
    pub const fn read(&self, watch: Watch) -> Option<Instant> {
        self.of(watch).read
    }

    /// When the API was last asked for what only its store could tell, and answered.
    pub const fn stored(&self) -> Option<Instant> {
        self.store
    }

    /// When the knowledge goes stale if nothing more is heard; nothing while a watch was never heard.
    pub fn until(&self) -> Option<Instant> {
        Some(self.pods.sure?.min(self.nodes.sure?).min(self.store?) + self.limit)
    }

    /// Whether what was learned may still be told.
    pub fn fresh(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// When to list anew what `watch` is about, if nothing more is heard; nothing while it is being listed. Words that
    /// come after so long a silence may be the last ones of a long story: only a list says how it ends. It is a little before
    /// the limit: where all is well again by then, no light need notice.
    ///
    /// A list that took long is old when it is known. If the watch that goes on from it doesn't speak at once of newer times,
    /// another list follows, and one more. No third: where lists always take long, the watch must be heard out.
    pub fn lapses(&self, watch: Watch) -> Option<Instant> {
        let heard = self.of(watch);
        let listed = heard.listed?;
        let again = matches!(heard.old, 1 | 2);
        Some(if again { listed + Self::pulse(self.limit) } else { listed.max(heard.sure?) + self.limit * 9 / 10 })
    }

    /// From what age on a list is old: a watch that has nothing to tell ends after two thirds of the limit, and that would be
    /// too late.
    fn old(limit: Duration) -> Duration {
        limit / 4
    }

    const fn of(&self, watch: Watch) -> &Heard {
        match watch {
            Watch::Pods => &self.pods,
            Watch::Nodes => &self.nodes,
        }
    }

    const fn of_mut(&mut self, watch: Watch) -> &mut Heard {
        match watch {
            Watch::Pods => &mut self.pods,
            Watch::Nodes => &mut self.nodes,
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    /// A process that is never stopped.
    struct Clock {
        start: Instant,
        freshness: Freshness,
    }

    impl Clock {
        fn new() -> Self {
            let start = Instant::now();
            Self { start, freshness: Freshness::new(LIMIT, start) }
        }

        fn at(&mut self, seconds: u32) -> (&mut Freshness, Instant) {
            let now = self.start + seconds * SECOND;
            self.freshness.awake(now);
            self.freshness.awake(now);
            (&mut self.freshness, now)
        }

        fn heard(&mut self, watch: Watch, seconds: u32) {
            let (freshness, now) = self.at(seconds);
            freshness.heard(watch, now);
            freshness.reads(now);
        }

        fn until(&self) -> Option<u64> {
            self.freshness.until().map(|until| (until - self.start).as_secs())
        }
    }

    #[test]
    fn nothing_is_fresh_before_both_watches_were_heard() {
        let mut clock = Clock::new();
        assert!(!clock.freshness.fresh(clock.start));
        clock.heard(Watch::Pods, 0);
        assert!(!clock.freshness.fresh(clock.start));
        clock.heard(Watch::Nodes, 0);
        assert!(clock.freshness.fresh(clock.start));
    }

    #[test]
    fn the_watch_that_was_silent_longest_decides() {
        let mut clock = Clock::new();
        clock.heard(Watch::Nodes, 0);
        clock.heard(Watch::Pods, 20);
        assert_eq!(clock.until(), Some(30));
        let end = clock.start + LIMIT;
        assert!(clock.freshness.fresh(end - SECOND));
        assert!(!clock.freshness.fresh(end));
        clock.heard(Watch::Nodes, 40);
        assert!(clock.freshness.fresh(clock.start + 40 * SECOND));
        assert_eq!(clock.until(), Some(50));
    }

    #[test]
    fn a_word_that_may_have_waited_for_a_process_that_was_stopped_counts_from_before() {
        let mut clock = Clock::new();
        clock.heard(Watch::Nodes, 0);
        clock.heard(Watch::Pods, 0);
        let woken = clock.start + 25 * SECOND;
        for awake in [false, true] {
            // Which of the two comes first after a stop is anyone's guess.
            if awake {
                clock.freshness.awake(woken);
            }
            clock.freshness.heard(Watch::Nodes, woken);
            clock.freshness.heard(Watch::Pods, woken);
            assert_eq!(clock.until(), Some(30));
        }
        clock.freshness.awake(woken + SECOND);
        clock.freshness.heard(Watch::Nodes, woken + SECOND);
        clock.freshness.heard(Watch::Pods, woken + SECOND);
        clock.freshness.reads(woken + SECOND);
        assert_eq!(clock.until(), Some(55));
    }

    #[test]
    fn an_api_that_is_cut_off_from_its_store_vouches_for_nothing() {
        let mut clock = Clock::new();
        let (freshness, now) = clock.at(20);
        freshness.heard(Watch::Pods, now);
        freshness.heard(Watch::Nodes, now);
        assert_eq!(clock.until(), None);
        clock.freshness.reads(clock.start + 5 * SECOND);
        assert_eq!(clock.until(), Some(35));
    }

    #[test]
    fn what_an_api_said_before_a_read_that_it_could_not_answer_counts_for_nothing_even_when_it_answers_again() {
        let mut clock = Clock::new();
        let (freshness, now) = clock.at(2);
        freshness.lists(Watch::Pods, now);
        freshness.listed(Watch::Pods, now);
        clock.heard(Watch::Nodes, 0);
        clock.heard(Watch::Pods, 20);
        clock.heard(Watch::Nodes, 20);
        let (freshness, now) = clock.at(25);
        freshness.heard(Watch::Pods, now);
        freshness.heard(Watch::Nodes, now);
        freshness.fails();
        freshness.reads(now + SECOND);
        assert_eq!(clock.until(), Some(50));
        clock.heard(Watch::Pods, 30);
        clock.heard(Watch::Nodes, 30);
        assert_eq!(clock.until(), Some(60));
    }

    #[test]
    fn a_list_is_from_the_store_whatever_other_reads_come_to() {
        let mut clock = Clock::new();
        clock.heard(Watch::Nodes, 10);
        let (freshness, now) = clock.at(12);
        freshness.lists(Watch::Pods, now);
        let (freshness, now) = clock.at(13);
        freshness.listed(Watch::Pods, now);
        freshness.fails();
        assert_eq!(freshness.lapses(Watch::Pods), Some(now + LIMIT * 9 / 10));
        freshness.reads(now);
        // The nodes' watch was heard last.
        assert_eq!(clock.until(), Some(40));
    }

    #[test]
    fn a_list_vouches_from_its_beginning() {
        let mut clock = Clock::new();
        clock.heard(Watch::Nodes, 20);
        let (freshness, now) = clock.at(3);
        freshness.lists(Watch::Pods, now);
        let (freshness, now) = clock.at(13);
        freshness.listed(Watch::Pods, now);
        assert_eq!(clock.until(), Some(33));
    }

    #[test]
    fn what_was_silent_for_too_long_is_to_be_listed_anew_but_not_while_it_is() {
        let mut clock = Clock::new();
        let (freshness, now) = clock.at(0);
        freshness.lists(Watch::Pods, now);
        assert_eq!(freshness.lapses(Watch::Pods), None);
        freshness.listed(Watch::Pods, now);
        assert_eq!(freshness.lapses(Watch::Pods), Some(now + LIMIT * 9 / 10));
        assert_eq!(freshness.lapses(Watch::Nodes), None);
        let (freshness, now) = clock.at(20);
        freshness.heard(Watch::Pods, now);
        assert_eq!(freshness.lapses(Watch::Pods), Some(now + LIMIT * 9 / 10));
        freshness.lists(Watch::Pods, now + LIMIT);
        assert_eq!(freshness.lapses(Watch::Pods), None);
    }

    #[test]
    fn a_list_that_took_long_is_followed_by_two_more_at_most_while_the_watch_is_silent() {
        let mut clock = Clock::new();
        for (ends, another) in [(40, true), (80, true), (120, false), (160, false)] {
            let (freshness, now) = clock.at(ends - 40);
            freshness.lists(Watch::Pods, now);
            let (freshness, now) = clock.at(ends);
            freshness.listed(Watch::Pods, now);
            let soon = freshness.lapses(Watch::Pods) == Some(now + SECOND);
            assert_eq!(soon, another);
        }
        clock.heard(Watch::Pods, 161);
        let (freshness, now) = clock.at(200);
        freshness.lists(Watch::Pods, now);
        let (freshness, now) = clock.at(210);
        freshness.listed(Watch::Pods, now);
        assert_eq!(freshness.lapses(Watch::Pods), Some(now + SECOND));
        freshness.heard(Watch::Pods, now);
        assert_eq!(freshness.lapses(Watch::Pods), Some(now + LIMIT * 9 / 10));
    }

    #[test]
    fn a_word_that_may_be_as_old_as_the_list_does_not_make_up_for_it() {
        let mut clock = Clock::new();
        let (freshness, now) = clock.at(0);
        freshness.lists(Watch::Pods, now);
        // It was stopped meanwhile.
        let woken = now + 20 * SECOND;
        freshness.awake(woken);
        freshness.listed(Watch::Pods, woken);
        freshness.heard(Watch::Pods, woken);
        assert_eq!(freshness.lapses(Watch::Pods), Some(woken + SECOND));
    }

    #[test]
    fn a_list_vouches_for_nothing_where_it_took_longer_than_the_limit_but_the_watch_does() {
        let mut clock = Clock::new();
        clock.heard(Watch::Nodes, 40);
        let (freshness, now) = clock.at(0);
        freshness.lists(Watch::Pods, now);
        let (freshness, now) = clock.at(40);
        freshness.listed(Watch::Pods, now);
        assert!(!freshness.fresh(now));
        clock.heard(Watch::Pods, 41);
        assert_eq!(clock.until(), Some(70));
    }

    #[test]
    fn news_that_comes_late_takes_nothing_back() {
        let mut clock = Clock::new();
        clock.heard(Watch::Pods, 1);
        clock.heard(Watch::Nodes, 1);
        clock.heard(Watch::Pods, 0);
        assert_eq!(clock.until(), Some(31));
    }
}

//! When to speak to a light. Keeps what was said last and whether it was answered; refuses to know how it travels.
//!
//! At most one command is in flight: a light that stalls is told nothing more, and what it missed costs no memory. What
//! it hears next is the newest.

use std::time::{Duration, Instant};

/// The pace of one session with a light.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    lease: Duration,
    last: Option<Said>,
}

/// A command that was sent.
#[derive(Clone, Copy, Debug)]
struct Said {
    version: u64,
    at: Instant,
    answered: bool,
}

impl Pace {
    /// A session in which nothing was said, with leases of this length.
    pub(crate) const fn new(lease: Duration) -> Self {
        Self { lease, last: None }
    }

    /// `version` was sent at `now`.
    pub(crate) const fn said(&mut self, version: u64, now: Instant) {
        self.last = Some(Said { version, at: now, answered: false });
    }

    /// The light answered `version`. True where that is what it was asked last, and not answered before.
    pub(crate) fn answered(&mut self, version: u64) -> bool {
        match &mut self.last {
            Some(said) if said.version == version && !said.answered => {
                said.answered = true;
                true
            }
            _ => false,
        }
    }

    /// Whether `version`, the newest, is to be sent now: it may be vouched for, nothing is in flight, and it is news or
    /// the lease wants renewing.
    pub(crate) fn due(&self, version: u64, fresh: bool, now: Instant) -> bool {
        fresh && self.last.is_none_or(|said| said.answered && (said.version != version || now >= self.renewal(said)))
    }

    /// The version said last, and whether its answer is still to come.
    pub(crate) fn last(&self) -> Option<(u64, bool)> {
        self.last.map(|said| (said.version, !said.answered))
    }

    /// Whether the light let a whole lease pass without an answer.
    pub(crate) fn overdue(&self, now: Instant) -> bool {
        self.last.is_some_and(|said| !said.answered && now >= said.at + self.lease)
    }

    /// When to look again if nothing happens before. What may not be vouched for isn't renewed at any time.
    pub(crate) fn next(&self, fresh: bool) -> Option<Instant> {
        match self.last? {
            said if !said.answered => Some(said.at + self.lease),
            said => fresh.then(|| self.renewal(said)),
        }
    }

    /// A third of the lease: one renewal may get lost, and a second come late.
    fn renewal(&self, said: Said) -> Instant {
        said.at + self.lease / 3
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_command_is_due_at_once() {
        assert!(Pace::new(LEASE).due(7, true, Instant::now()));
        assert_eq!(Pace::new(LEASE).next(true), None);
    }

    #[test]
    fn nothing_is_due_while_a_command_is_in_flight() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE);
        pace.said(1, start);
        assert!(!pace.due(2, true, start + 100 * SECOND));
        assert!(pace.answered(1));
        assert!(pace.due(2, true, start));
        assert!(!pace.due(1, true, start));
    }

    #[test]
    fn a_lease_is_renewed_when_a_third_of_it_has_passed() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE);
        pace.said(1, start);
        pace.answered(1);
        assert_eq!(pace.next(true), Some(start + 5 * SECOND));
        assert!(!pace.due(1, true, start + 4 * SECOND));
        assert!(pace.due(1, true, start + 5 * SECOND));
    }

    #[test]
    fn what_may_not_be_vouched_for_is_neither_sent_nor_renewed() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE);
        assert!(!pace.due(1, false, start));
        pace.said(1, start);
        assert_eq!(pace.next(false), Some(start + LEASE));
        pace.answered(1);
        assert!(!pace.due(1, false, start + LEASE));
        assert!(!pace.due(2, false, start + LEASE));
        assert_eq!(pace.next(false), None);
        assert!(pace.due(1, true, start + LEASE));
    }

    #[test]
    fn a_light_that_does_not_answer_for_a_lease_is_overdue() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE);
        assert!(!pace.overdue(start));
        pace.said(1, start);
        assert_eq!(pace.next(true), Some(start + LEASE));
        assert!(!pace.overdue(start + 14 * SECOND));
        assert!(pace.overdue(start + LEASE));
        pace.answered(1);
        assert!(!pace.overdue(start + LEASE));
    }

    #[test]
    fn an_answer_to_something_else_counts_for_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE);
        assert!(!pace.answered(1));
        pace.said(2, start);
        assert!(!pace.answered(1));
        assert!(!pace.due(3, true, start));
        assert!(pace.answered(2));
        assert!(!pace.answered(2));
    }
}

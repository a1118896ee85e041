//! When to speak to a light. Keeps what was said last and whether it was answered; refuses to know how it travels.
//!
//! At most one command is in flight: a light that stalls is told nothing more, and what it missed costs no memory. What
//! it hears next is the newest.
//!
//! Renewals fall on beats that all sessions share: lights by the thousand are spoken to in batches, and wake their watcher a
//! few times a second.

use std::time::{Duration, Instant};

use crate::vouch::{self, Vouch};

/// The pace of one session with a light.
#[derive(Clone, Debug)]
pub struct Pace {
    lease: Duration,
    /// A beat of all those that there are.
    beat: Instant,
    last: Option<Said>,
}

/// A command by its number: none that is newer has a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the watcher.
    pub epoch: u64,
    /// Of what it tells.
    pub version: u64,
}

/// A command that was sent.
#[derive(Clone, Copy, Debug)]
struct Said {
    mark: Mark,
    at: Instant,
    answered: bool,
}

/// Beats of a lease: one of 15 s has one each 20 ms.
const BEATS: u32 = 750;

impl Pace {
    /// A session in which nothing was said, with leases of this length. One of its beats is `beat`, which isn't later than
    /// anything that will be said.
    pub const fn new(lease: Duration, beat: Instant) -> Self {
        Self { lease, beat, last: None }
    }

    /// `mark` was sent at `now`.
    pub const fn said(&mut self, mark: Mark, now: Instant) {
        self.last = Some(Said { mark, at: now, answered: false });
    }

    /// The light answered `mark`. True where that is what it was asked last, and not answered before.
    pub fn answered(&mut self, mark: Mark) -> bool {
        match &mut self.last {
            Some(said) if said.mark == mark && !said.answered => {
                said.answered = true;
                true
            }
            _ => false,
        }
    }

    /// As what `version`, the newest, is to be sent at `now`: where it may be vouched for, nothing is in flight, and it is
    /// news or the lease wants renewing.
    pub fn due(&self, version: u64, vouch: Option<Vouch>, now: Instant) -> Option<Mark> {
        let mark = Mark { epoch: vouch::epoch(vouch, now)?, version };
        self.last.is_none_or(|said| said.answered && (said.mark != mark || now >= self.renewal(said))).then_some(mark)
    }

    /// What was said last, and whether its answer is still to come.
    pub fn last(&self) -> Option<(Mark, bool)> {
        self.last.map(|said| (said.mark, !said.answered))
    }

    /// Whether the light let a whole lease pass without an answer.
    pub fn overdue(&self, now: Instant) -> bool {
        self.last.is_some_and(|said| !said.answered && now >= said.at + self.lease)
    }

    /// When to look again if nothing happens before. What may not be vouched for `now` isn't renewed at any time; what may
    /// be then is asked again then, for that may have been prolonged. What is in flight is looked at first when it wants
    /// renewing: nearly always it is answered by then, and no clock had to be set for that.
    pub fn next(&self, vouch: Option<Vouch>, now: Instant) -> Option<Instant> {
        let said = self.last?;
        let renewal = self.renewal(said);
        if said.answered {
            vouch::epoch(vouch, now).map(|_| renewal)
        } else {
            Some(if now < renewal { renewal } else { said.at + self.lease })
        }
    }

    /// After a third of the lease, at the last beat: one renewal may get lost, and a second come late.
    fn renewal(&self, said: Said) -> Instant {
        let third = said.at + self.lease / 3;
        let beat = (self.lease / BEATS).as_nanos();
        let past = third.saturating_duration_since(self.beat).as_nanos().checked_rem(beat).unwrap_or_default();
        third - Duration::from_nanos(u64::try_from(past).unwrap_or_default())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);
    const SECOND: Duration = Duration::from_secs(1);

    const fn mark(epoch: u64, version: u64) -> Mark {
        Mark { epoch, version }
    }

    /// For all the time of a test.
    fn vouch(start: Instant) -> Option<Vouch> {
        Some(Vouch { epoch: 3, until: start + 1_000 * SECOND })
    }

    #[test]
    fn the_first_command_is_due_at_once() {
        let start = Instant::now();
        assert_eq!(Pace::new(LEASE, start).due(7, vouch(start), start), Some(mark(3, 7)));
        assert_eq!(Pace::new(LEASE, start).next(vouch(start), start), None);
    }

    #[test]
    fn nothing_is_due_while_a_command_is_in_flight() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        pace.said(mark(3, 1), start);
        assert_eq!(pace.due(2, vouch(start), start + 100 * SECOND), None);
        assert!(pace.answered(mark(3, 1)));
        assert_eq!(pace.due(2, vouch(start), start), Some(mark(3, 2)));
        assert_eq!(pace.due(1, vouch(start), start), None);
    }

    #[test]
    fn a_lease_is_renewed_when_a_third_of_it_has_passed() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        pace.said(mark(3, 1), start);
        pace.answered(mark(3, 1));
        assert_eq!(pace.next(vouch(start), start), Some(start + 5 * SECOND));
        assert_eq!(pace.due(1, vouch(start), start + 4 * SECOND), None);
        assert_eq!(pace.due(1, vouch(start), start + 5 * SECOND), Some(mark(3, 1)));
    }

    #[test]
    fn lights_that_were_told_within_a_beat_are_told_again_together() {
        let start = Instant::now();
        let beat = LEASE / BEATS;
        let renewal = |at: Instant| {
            let mut pace = Pace::new(LEASE, start);
            pace.said(mark(3, 1), at);
            pace.answered(mark(3, 1));
            pace.next(vouch(start), at).unwrap()
        };
        let first = renewal(start + 70 * beat);
        assert_eq!(first, start + 70 * beat + 5 * SECOND);
        assert_eq!(renewal(start + 70 * beat + beat / 2), first, "never later than a third");
        assert_eq!(renewal(start + 71 * beat), first + beat);
    }

    #[test]
    fn a_new_epoch_is_news() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        pace.said(mark(2, 1), start);
        pace.answered(mark(2, 1));
        assert_eq!(pace.due(1, vouch(start), start), Some(mark(3, 1)));
    }

    #[test]
    fn what_may_not_be_vouched_for_is_neither_sent_nor_renewed() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        assert_eq!(pace.due(1, None, start), None);
        pace.said(mark(3, 1), start);
        pace.answered(mark(3, 1));
        assert_eq!(pace.due(1, None, start + LEASE), None);
        assert_eq!(pace.due(2, None, start + LEASE), None);
        assert_eq!(pace.next(None, start), None);
        assert_eq!(pace.due(1, vouch(start), start + LEASE), Some(mark(3, 1)));
    }

    #[test]
    fn what_was_vouched_for_when_it_was_looked_at_is_not_sent_later() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        pace.said(mark(3, 1), start);
        pace.answered(mark(3, 1));
        let vouch = Some(Vouch { epoch: 3, until: start + 7 * SECOND });
        assert_eq!(pace.next(vouch, start), Some(start + 5 * SECOND));
        assert_eq!(pace.due(1, vouch, start + 6 * SECOND), Some(mark(3, 1)));
        // The process was stopped, or its timers are late.
        for late in [7, 60] {
            let now = start + late * SECOND;
            assert_eq!((pace.due(1, vouch, now), pace.due(2, vouch, now), pace.next(vouch, now)), (None, None, None));
        }
    }

    #[test]
    fn a_light_that_does_not_answer_for_a_lease_is_overdue() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        assert!(!pace.overdue(start));
        pace.said(mark(3, 1), start);
        for vouch in [vouch(start), None] {
            let third = start + 5 * SECOND;
            assert_eq!((pace.next(vouch, start), pace.next(vouch, third)), (Some(third), Some(start + LEASE)));
        }
        assert!(!pace.overdue(start + 14 * SECOND));
        assert!(pace.overdue(start + LEASE));
        pace.answered(mark(3, 1));
        assert!(!pace.overdue(start + LEASE));
    }

    #[test]
    fn an_answer_to_something_else_counts_for_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(LEASE, start);
        assert!(!pace.answered(mark(3, 1)));
        pace.said(mark(3, 2), start);
        assert!(!pace.answered(mark(3, 1)) && !pace.answered(mark(2, 2)));
        assert_eq!(pace.due(3, vouch(start), start), None);
        assert!(pace.answered(mark(3, 2)));
        assert!(!pace.answered(mark(3, 2)));
    }
}

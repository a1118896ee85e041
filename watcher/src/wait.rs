//! How long a change waits to be shown. Keeps since when an order does, and whether its light has acknowledged it; refuses to
//! know what time it is.
//!
//! An order that gives way to a newer one before it was acknowledged passes its wait on: the newer one says what that one
//! said. So what is measured is never shorter than what the change that waited longest has waited.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The wait of an order.
#[derive(Debug)]
pub(crate) struct Wait {
    since: Option<Instant>,
    /// Over, or of no interest.
    over: AtomicBool,
}

impl Wait {
    /// Of an order that tells of no change.
    pub(crate) const fn none() -> Self {
        Self { since: None, over: AtomicBool::new(true) }
    }

    /// Of an order that tells of a change that was taken in `since` then, in place of one that waited like `last`.
    pub(crate) fn after(last: &Self, since: Instant) -> Self {
        let waiting = last.since.filter(|_| !last.over.load(Relaxed));
        Self { since: Some(waiting.unwrap_or(since)), over: AtomicBool::new(false) }
    }

    /// The order was acknowledged at `now`. How long it has waited, where it did.
    pub(crate) fn ends(&self, now: Instant) -> Option<Duration> {
        let since = self.since.filter(|_| !self.over.swap(true, Relaxed))?;
        Some(now.saturating_duration_since(since))
    }

    /// Somebody else tells the light: how long that takes isn't ours to say.
    pub(crate) fn forget(&self) {
        self.over.store(true, Relaxed);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wait_ends_once() {
        let start = Instant::now();
        let wait = Wait::after(&Wait::none(), start);
        assert_eq!(wait.ends(start + SECOND), Some(SECOND));
        assert_eq!(wait.ends(start + 2 * SECOND), None);
        assert_eq!(Wait::none().ends(start), None);
    }

    #[test]
    fn what_gave_way_unacknowledged_waits_on_in_what_came_after() {
        let start = Instant::now();
        let first = Wait::after(&Wait::none(), start);
        let second = Wait::after(&first, start + SECOND);
        assert_eq!(second.ends(start + 3 * SECOND), Some(3 * SECOND));
        let third = Wait::after(&second, start + 4 * SECOND);
        assert_eq!(third.ends(start + 5 * SECOND), Some(SECOND));
    }

    #[test]
    fn a_wait_that_is_forgotten_is_neither_measured_nor_passed_on() {
        let start = Instant::now();
        let wait = Wait::after(&Wait::none(), start);
        wait.forget();
        assert_eq!(wait.ends(start + SECOND), None);
        assert_eq!(Wait::after(&wait, start + SECOND).ends(start + 2 * SECOND), Some(SECOND));
    }
}

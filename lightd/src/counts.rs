//! What lightd has done since it began: by stick, and for those who come. Threads add to it, and whoever asks reads it;
//! nothing here waits for anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts of all of lightd.
#[derive(Debug)]
pub(crate) struct Counts {
    /// By a stick's name on the command line.
    pub(crate) sticks: Vec<(String, Arc<Odometer>)>,
    pub(crate) callers: Callers,
}

/// What a stick's loop has done.
#[derive(Debug)]
pub(crate) struct Odometer {
    begun: Instant,
    /// Of the last turn, milliseconds since it began and one more; 0 before the first.
    turned: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) transfers: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) openings: AtomicU64,
}

/// What became of those who came.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    pub(crate) applied: AtomicU64,
    pub(crate) fenced: AtomicU64,
    pub(crate) invalid: AtomicU64,
    /// Streams that were ended because what came on them had been held up for too long.
    pub(crate) late: AtomicU64,
    /// Connections that made room for others.
    pub(crate) dismissed: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// How many so far.
pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

impl Odometer {
    /// Nothing was done at `now`.
    pub(crate) const fn new(now: Instant) -> Self {
        let [turned, frames, transfers, retries, openings] = [const { AtomicU64::new(0) }; 5];
        Self { begun: now, turned, frames, transfers, retries, openings }
    }

    /// The loop goes on, at `now`.
    pub(crate) fn turns(&self, now: Instant) {
        let since = now.saturating_duration_since(self.begun).as_millis();
        self.turned.store(u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1), Relaxed);
    }

    /// For how long the loop has not gone on at `now`; nothing before it began.
    pub(crate) fn stood_still(&self, now: Instant) -> Option<Duration> {
        let turned = Duration::from_millis(read(&self.turned).checked_sub(1)?);
        Some(now.saturating_duration_since(self.begun).saturating_sub(turned))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;

    #[test]
    fn a_loop_stands_still_since_it_last_went_on() {
        let start = Instant::now();
        let odometer = Odometer::new(start);
        let second = Duration::from_secs(1);
        assert_eq!(odometer.stood_still(start + second), None);
        odometer.turns(start);
        assert_eq!(odometer.stood_still(start + 3 * second), Some(3 * second));
        odometer.turns(start + 2 * second);
        assert_eq!(odometer.stood_still(start + 3 * second), Some(second));
    }
}

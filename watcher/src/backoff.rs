//! How long to wait before the next try. Keeps the count of failures; refuses to know what failed, and to roll the dice.

use std::time::Duration;

/// Exponential backoff with full jitter: many that lost the same peer don't return as one.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is at most `base`, each further one at most twice the last, none above `cap`.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// The next wait, with a `roll` of the dice from 0 to 1.
    pub fn next(&mut self, roll: f64) -> Duration {
        let most = self.base.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        most.mul_f64(roll.clamp(0.0, 1.0))
    }

    /// It worked: begin anew.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(5);

    #[test]
    fn waits_double_up_to_the_cap_and_never_overflow() {
        let mut backoff = Backoff::new(BASE, CAP);
        let waits: Vec<_> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert!((0..100).all(|_| backoff.next(1.0) == CAP));
    }

    #[test]
    fn jitter_takes_any_part_of_the_wait() {
        let mut backoff = Backoff::new(BASE, CAP);
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        assert_eq!(backoff.next(0.5), BASE);
    }

    #[test]
    fn success_begins_anew() {
        let mut backoff = Backoff::new(BASE, CAP);
        for _ in 0..5 {
            backoff.next(1.0);
        }
        backoff.reset();
        assert_eq!(backoff.next(1.0), BASE);
    }
}

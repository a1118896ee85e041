//! How durations are spread. Keeps counts below bounds, which never change.

use std::time::Duration;

/// Durations, counted by how long they were.
#[derive(Clone, Debug)]
pub struct Histogram<const N: usize> {
    bounds: [Duration; N],
    /// Of those at most as long as the bound, and longer than the one before.
    counts: [u64; N],
    count: u64,
    sum: Duration,
}

impl<const N: usize> Histogram<N> {
    /// Nothing was counted yet. The bounds grow.
    pub const fn new(bounds: [Duration; N]) -> Self {
        Self { bounds, counts: [0; N], count: 0, sum: Duration::ZERO }
    }

    /// Counts a duration.
    pub fn observe(&mut self, took: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(took);
        if let Some((_, count)) = self.bounds.iter().zip(&mut self.counts).find(|(bound, _)| took <= **bound) {
            *count += 1;
        }
    }

    /// Each bound, with how many were at most as long.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.bounds.iter().zip(&self.counts).scan(0, |below, (bound, count)| {
            *below += count;
            Some((*bound, *below))
        })
    }

    /// How many there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of them, one after the other.
    pub const fn sum(&self) -> Duration {
        self.sum
    }
}

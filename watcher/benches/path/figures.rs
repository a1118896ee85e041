//! Times, put in order. Pure.

use std::time::Duration;

/// Times of the same kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// The time that this share of them (0 to 1) doesn't exceed; zero where there are none.
    fn share(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// How many there are, then the shares that the table has.
    pub(crate) fn cells(&self) -> [String; 5] {
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|of| text(self.share(of)));
        [self.0.len().to_string(), p50, p90, p99, max]
    }

    pub(crate) fn median(&self) -> Duration {
        self.share(0.5)
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

/// In milliseconds, as exactly as matters.
pub(crate) fn text(time: Duration) -> String {
    let ms = 1_000.0 * time.as_secs_f64();
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 1_000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1_000.0)
    }
}

/// How many times as much.
pub(crate) fn ratio(theirs: f64, ours: f64) -> String {
    format!("{:.0} ×", theirs / ours)
}

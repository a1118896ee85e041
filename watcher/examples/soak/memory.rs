//! Whether memory grows: samples of what this process has in RAM, one a second.

use std::fmt;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;

/// Pages of memory are as large on all hosts that the soak is for.
const PAGE: u64 = 4096;
/// The longest that is compared, and to warm up in.
const SPAN: usize = 300;
const WARM_UP: usize = 60;
/// What may come and go with the allocator's mood, as a share and in MiB: beyond both it is growth.
const SLACK_SHARE: f64 = 0.05;
const SLACK: f64 = 2.0;
/// In a run that is too short for means of five minutes: the history that the simulated API server keeps comes and goes.
const SHORT_SLACK: f64 = 16.0;
const MIB: f64 = 1024.0 * 1024.0;

/// Starts this program again with an allocator that gives back what is free, unless it has. Otherwise glibc gives each
/// thread an arena of its own, and what is free in one doesn't serve another: with each daemon that is started in a thread of
/// its own, memory would seem to grow. And it keeps more of what is large the more of that it has seen.
///
/// # Errors
/// It can't be started again.
pub(crate) fn settle_allocator() -> anyhow::Result<()> {
    const ARENAS: &str = "MALLOC_ARENA_MAX";
    /// glibc's own thresholds to begin with; to set them is to keep them (mallopt(3)).
    const THRESHOLDS: [&str; 2] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"];

    if std::env::var_os(ARENAS).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe().context("this program")?;
    let mut again = Command::new(&program);
    again.args(std::env::args_os().skip(1)).env(ARENAS, "1").envs(THRESHOLDS.map(|threshold| (threshold, "131072")));
    // Comes back only if it fails.
    Err(again.exec()).with_context(|| program.display().to_string())
}

/// Samples, a second apart.
#[derive(Default)]
pub(crate) struct Memory(Vec<u32>);

/// The means of two spans of time, in MiB.
pub(crate) struct Growth {
    /// In seconds.
    span: usize,
    first: f64,
    last: f64,
}

impl Memory {
    /// Takes a sample.
    ///
    /// # Errors
    /// The kernel has no `/proc`.
    pub(crate) fn sample(&mut self) -> anyhow::Result<()> {
        let path = "/proc/self/statm";
        let statm = std::fs::read_to_string(path).context(path)?;
        let resident = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).context(path)?;
        self.0.push(resident);
        Ok(())
    }

    /// The last sample, in MiB.
    pub(crate) fn last(&self) -> f64 {
        mean(&self.0[self.0.len().saturating_sub(1)..])
    }

    /// The first five minutes, after one to warm up in, and the last five. Of a short run a quarter each: half of it is
    /// to warm up in.
    pub(crate) fn growth(&self) -> Growth {
        let (warm_up, span) = ((self.0.len() / 2).min(WARM_UP), (self.0.len() / 4).min(SPAN));
        let first = mean(self.0.get(warm_up..warm_up + span).unwrap_or_default());
        let last = mean(&self.0[self.0.len() - span..]);
        Growth { span, first, last }
    }
}

impl Growth {
    /// Whether it is more than an allocator's mood.
    pub(crate) fn is_real(&self) -> bool {
        let slack = if self.span < SPAN { SHORT_SLACK } else { SLACK };
        self.last > self.first + slack.max(SLACK_SHARE * self.first)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { span, first, last } = self;
        write!(f, "{first:.1} MiB in the first {span} s, {last:.1} MiB in the last")
    }
}

fn mean(samples: &[u32]) -> f64 {
    let sum: u64 = samples.iter().map(|pages| u64::from(*pages) * PAGE).sum();
    // Far below where a double counts in steps above 1.
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let mean = sum as f64 / samples.len().max(1) as f64;
    mean / MIB
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of so many MiB, as many as seconds.
    fn memory(spans: &[(usize, u32)]) -> Memory {
        Memory(spans.iter().flat_map(|(seconds, mib)| std::iter::repeat_n(mib * 256, *seconds)).collect())
    }

    #[test]
    fn growth_is_told_from_warming_up_and_from_a_mood() {
        for (spans, real) in [
            (&[(60, 10), (1740, 80)][..], false),
            (&[(60, 80), (1440, 80), (300, 83)], false),
            (&[(60, 80), (1440, 80), (300, 85)], true),
            (&[(60, 20), (1440, 20), (300, 23)], true),
            (&[(20, 10), (20, 80)], false),
            (&[(30, 60), (10, 75)], false),
            (&[(30, 60), (10, 80)], true),
        ] {
            assert_eq!(memory(spans).growth().is_real(), real, "{spans:?}");
        }
    }
}

//! What processes cost over a while, all at the same time.

use std::time::Duration;

use podlight_bed::Process;
use tokio::time::{Instant, sleep};

/// A while over which processes are measured.
pub(crate) struct Window;

/// What a process cost meanwhile.
pub(crate) struct Cost {
    /// Of CPU, before it began.
    pub(crate) start: Duration,
    /// In RAM at its end, and at most ever, in MiB.
    pub(crate) memory: f64,
    pub(crate) peak: f64,
    /// Of CPU, in percent of a core.
    pub(crate) share: f64,
    /// A second.
    pub(crate) wakes: f64,
}

impl Window {
    /// Waits for so `long`, and says what these processes cost.
    pub(crate) async fn over<const N: usize>(processes: [Option<&Process>; N], long: Duration) -> [Option<Cost>; N] {
        let usages = || processes.map(|process| process.map(Process::usage));
        let began = Instant::now();
        let before = usages();
        sleep(long).await;
        let long = began.elapsed().as_secs_f64();
        let after = usages();
        std::array::from_fn(|i| {
            let (before, after) = before[i].zip(after[i])?;
            Some(Cost {
                start: before.cpu,
                memory: mebibytes(after.memory),
                peak: mebibytes(after.peak),
                share: 100.0 * (after.cpu.saturating_sub(before.cpu)).as_secs_f64() / long,
                wakes: after.sleeps.saturating_sub(before.sleeps) as f64 / long,
            })
        })
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

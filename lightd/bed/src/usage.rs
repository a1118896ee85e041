//! What a process costs the machine, as Linux' proc(5) tells. Refuses to know what the process is for.

use std::time::Duration;
use std::{fs, io};

/// What a process has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of all its threads, of user and system.
    pub cpu: Duration,
    /// What it has in RAM, of whatever kind, in bytes.
    pub memory: u64,
    /// The most that it ever had there, in bytes.
    pub peak: u64,
    /// How often one of its threads, of those that live, went to sleep. Each time, something woke it again.
    pub sleeps: u64,
    /// Open files, connections among them.
    pub files: usize,
}

impl Usage {
    /// Of the process of this number.
    ///
    /// # Errors
    /// It is gone, or another user's.
    pub fn of(process: u32) -> io::Result<Self> {
        let folder = format!("/proc/{process}");
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let mut usage = Self {
            cpu: ticks(&fs::read_to_string(format!("{folder}/stat"))?),
            memory: 1024 * field(&status, "VmRSS:"),
            peak: 1024 * field(&status, "VmHWM:"),
            sleeps: 0,
            files: fs::read_dir(format!("{folder}/fd"))?.count(),
        };
        let mut exact = Duration::ZERO;
        for thread in fs::read_dir(format!("{folder}/task"))? {
            let thread = thread?.path();
            // One that ends meanwhile counts no longer.
            let [status, schedule] =
                ["status", "schedstat"].map(|name| fs::read_to_string(thread.join(name)).unwrap_or_default());
            usage.sleeps += field(&status, "voluntary_ctxt_switches:");
            exact += Duration::from_nanos(first(&schedule));
        }
        // Ticks are coarse, and exact is only what is told of threads that live: neither ever says too much.
        usage.cpu = usage.cpu.max(exact);
        Ok(usage)
    }
}

/// The 14th and 15th figure, of which the second is a name in brackets, which may be anything. A tick is 10 ms.
fn ticks(stat: &str) -> Duration {
    let figures = stat.rsplit_once(')').map_or("", |(_, figures)| figures);
    let ticks = figures.split_whitespace().skip(11).take(2).map(first).sum::<u64>();
    Duration::from_millis(10 * ticks)
}

fn field(status: &str, name: &str) -> u64 {
    status.lines().find_map(|line| line.strip_prefix(name)).map_or(0, first)
}

fn first(figures: &str) -> u64 {
    figures.split_whitespace().next().and_then(|figure| figure.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_costs_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.cpu > Duration::ZERO && usage.files > 0, "{usage:?}");
        assert!(usage.memory > 1 << 16 && usage.peak >= usage.memory / 2, "{usage:?}");
    }

    #[test]
    fn a_name_may_look_like_figures() {
        let stat = "7 (a) 1 2) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 99 0";
        assert_eq!(ticks(stat), Duration::from_secs(3));
    }
}

//! Edge: what Prometheus asks of every process, by the names that its clients share. Keeps when it began; refuses to look
//! before it is asked. What a system doesn't tell is left out.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::Page;

/// This process.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    begun: SystemTime,
}

impl Process {
    /// It begins now.
    #[expect(clippy::disallowed_methods, reason = "when a process began is told by the wall clock")]
    pub fn begins() -> Self {
        Self { begun: SystemTime::now() }
    }

    /// Writes what it has cost so far.
    pub fn write(&self, page: &mut Page) {
        let begun = self.begun.duration_since(UNIX_EPOCH).unwrap_or_default();
        page.gauge("process_start_time_seconds", "When the process began, since the Unix epoch.").is(begun);
        if let Some(cpu) = cpu() {
            page.counter("process_cpu_seconds_total", "CPU time, of user and system.").is(cpu);
        }
        if let Some(bytes) = resident() {
            page.gauge("process_resident_memory_bytes", "Memory that the process occupies.").is(bytes);
        }
        if let Some(open) = open_files() {
            page.gauge("process_open_fds", "Files and connections that are open.").is(open);
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            page.gauge("process_max_fds", "How many may be open.").is(most);
        }
    }
}

fn cpu() -> Option<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// The second figure of proc(5)'s statm, in pages.
fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

fn open_files() -> Option<usize> {
    // The folder itself is one while it is read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_costs_something() {
        let mut page = Page::default();
        Process::begins().write(&mut page);
        let text = page.into_text();
        let figures: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(figures.len(), 5, "{text}");
        for figure in figures {
            let (name, value) = figure.split_once(' ').unwrap();
            assert!(value.parse::<f64>().unwrap() > 0.0, "{name} {value}");
        }
    }
}

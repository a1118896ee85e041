//! The API server as a process, which only whoever runs the tests knows how to kill and to start.

use std::io::Write as _;
use std::process::Command;

use crate::cluster::Cluster;
use crate::stage::until;

/// A shell command: kills the API server where it is given the argument `stop`, and starts it where `start`.
const COMMAND: &str = "PODLIGHT_TEST_API_RESTART";

/// An API server that can be killed. Dropped, it runs.
pub(crate) struct Server {
    command: String,
    runs: bool,
}

impl Server {
    /// None where it isn't known how: that is said on stderr, by the test's name.
    pub(crate) fn known() -> Option<Self> {
        let Some(command) = command() else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Past the capture of what a test prints.
            writeln!(std::io::stderr(), "{test} LEFT OUT: {COMMAND} isn't set").ok();
            return None;
        };
        Some(Self { command, runs: true })
    }

    pub(crate) fn kill(&mut self) {
        self.runs = false;
        assert!(self.call("stop"), "{} stop: it failed", self.command);
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&mut self, cluster: &Cluster) {
        assert!(self.call("start"), "{} start: it failed", self.command);
        self.runs = true;
        until("the API server answers", async || cluster.answers().await).await;
    }

    fn call(&self, verb: &str) -> bool {
        let status = Command::new("sh").arg("-c").arg(format!("{} {verb}", self.command)).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.runs {
            self.call("start");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
fn command() -> Option<String> {
    std::env::var(COMMAND).ok()
}

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
        self.call("stop");
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&mut self, cluster: &Cluster) {
        self.call("start");
        self.runs = true;
        until("the API server answers", async || {
            cluster.client.apiserver_version().await.map_err(|error| error.to_string())
        })
        .await;
    }

    fn call(&self, verb: &str) {
        let status = Command::new("sh").arg("-c").arg(format!("{} {verb}", self.command)).status().unwrap();
        assert!(status.success(), "{} {verb}: {status}", self.command);
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

//! The API server and its store as processes, which only whoever runs the tests knows how to kill, to stop and to start.

use std::io::Write as _;
use std::process::Command;

use crate::cluster::Cluster;
use crate::stage::until;

/// A shell command, that does by its argument: `stop` kills the API server and `start` starts it again; `pause` stops it and
/// `resume` has it go on, as `pause-store` and `resume-store` do to its store; `compact` makes the store forget its history.
const COMMAND: &str = "PODLIGHT_TEST_API_RESTART";

/// An API server that can be harmed. Dropped, it runs.
pub(crate) struct Server {
    command: String,
    /// What undoes the harm that was done.
    remedy: Option<&'static str>,
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
        Some(Self { command, remedy: None })
    }

    pub(crate) fn kill(&mut self) {
        self.harm("stop", "start");
    }

    /// Stops it, so that it neither hears nor says anything.
    pub(crate) fn pause(&mut self) {
        self.harm("pause", "resume");
    }

    /// Stops its store, so that it hears nothing new, and can say only what it remembers.
    pub(crate) fn pause_store(&mut self) {
        self.harm("pause-store", "resume-store");
    }

    /// Makes the store forget all but the present.
    pub(crate) fn compact(&self) {
        self.call("compact");
    }

    /// Undoes what was done to it, if anything, and waits until it answers.
    pub(crate) async fn start(&mut self, cluster: &Cluster) {
        if let Some(remedy) = self.remedy.take() {
            self.call(remedy);
        }
        until("the API server answers", async || cluster.answers().await).await;
    }

    fn harm(&mut self, verb: &str, remedy: &'static str) {
        self.remedy = Some(remedy);
        self.call(verb);
    }

    fn call(&self, verb: &str) {
        assert!(self.try_call(verb), "{} {verb}: it failed", self.command);
    }

    fn try_call(&self, verb: &str) -> bool {
        let status = Command::new("sh").arg("-c").arg(format!("{} {verb}", self.command)).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(remedy) = self.remedy.take() {
            self.try_call(remedy);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
fn command() -> Option<String> {
    std::env::var(COMMAND).ok()
}

//! A program that runs, and what it logs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::stage::until;

/// A program that runs. Dropped, it is killed; where that is for a failure, its log is shown.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Self {
        let command = command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let log = Arc::new(Mutex::new(String::new()));
        let writer = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.for_each(|line| writer.lock().unwrap_or_else(PoisonError::into_inner).extend([&line, "\n"]));
        });
        Self { name, child, log }
    }

    /// Waits until it logs a line with this text, if it hasn't yet, and returns the line.
    pub(crate) async fn until_says(&self, text: &str) -> String {
        until(&format!("{} says {text:?}", self.name), async || {
            let log = self.log();
            log.lines().find(|line| line.contains(text)).map(str::to_owned).ok_or(log)
        })
        .await
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        until(&format!("{} ends", self.name), async || self.child.try_wait().unwrap().ok_or_else(|| "running".into()))
            .await
    }

    /// Sends it this signal, as `kill` names it.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success(), "{} has ended by itself", self.name);
    }

    /// Kills it, as the kernel does where memory is short.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            show(self.name, &self.log());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the harness shows it with the failure")]
fn show(name: &str, log: &str) {
    eprintln!("--- {name} said:\n{log}---");
}

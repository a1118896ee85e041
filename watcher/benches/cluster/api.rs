//! The API server, as a process of its own.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Dropped, it ends.
pub(crate) struct Api {
    pub(crate) url: String,
    child: Child,
    commands: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
}

impl Api {
    /// Serves so many pods on so many nodes.
    pub(crate) fn start(pods: usize, nodes: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", &pods.to_string(), &nodes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = said.next().unwrap().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), child, commands, said }
    }

    /// Emits so many events, as fast as they are taken, and waits until they are.
    pub(crate) fn emit(&mut self, events: u64) {
        writeln!(self.commands.as_mut().unwrap(), "emit {events} 0").unwrap();
        assert_eq!(self.said.next().unwrap().unwrap(), "sent");
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.commands.take());
        self.child.wait().ok();
    }
}

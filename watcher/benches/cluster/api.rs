//! The API server, as a process of its own.

use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use podlight_bed::Process;

/// Dropped, it ends.
pub(crate) struct Api {
    pub(crate) url: String,
    process: Process,
    said: Receiver<String>,
}

impl Api {
    /// Serves so many pods on so many nodes.
    pub(crate) fn start(pods: usize, nodes: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let (say, said) = channel();
        command.args(["serve", &pods.to_string(), &nodes.to_string()]);
        let process = Process::heard(&mut command, move |line| drop(say.send(line)));
        let port = said.recv().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), process, said }
    }

    /// Emits so many events, as fast as they are taken, and waits until they are.
    pub(crate) fn emit(&mut self, events: u64) {
        self.process.tell(&format!("emit {events} 0"));
        assert_eq!(self.said.recv().unwrap(), "sent");
    }
}

//! A peer, as a process of its own that says on stdout how far it is.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use podlight_bed::{Process, Usage};

use crate::subject::Cost;

/// Dropped, it is killed.
pub(crate) struct Peer {
    process: Process,
    began: Instant,
    said: Receiver<String>,
}

impl Peer {
    /// The stock way, which says so after `events` events, those of the list among them.
    pub(crate) fn stock(url: &str, events: u64) -> Self {
        Self::start(std::env::current_exe().unwrap(), &["stock", url, &events.to_string()])
    }

    /// Kubernetes' client for Python, which says so when it has had all that there is, and then after `events` events.
    pub(crate) fn python(python: &Path, url: &str, listed: usize, events: u64) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cluster/watch.py");
        Self::start(python, &[script, url, &listed.to_string(), &events.to_string()])
    }

    fn start(program: impl AsRef<OsStr>, args: &[&str]) -> Self {
        let began = Instant::now();
        let (say, said) = channel();
        let process = Process::heard(Command::new(program).args(args), move |line| drop(say.send(line)));
        Self { process, began, said }
    }

    /// Waits until it says this word, and gives what it says besides.
    pub(crate) fn until(&self, word: &str) -> (Cost, String) {
        let line = self.said.iter().find(|line| line.starts_with(word));
        let rest = line.expect("a peer ends before it has done its work")[word.len()..].trim().to_owned();
        (Cost::since((self.began, Usage::default()), &self.process), rest)
    }

    /// What all that is done by `act` costs until it says this word.
    pub(crate) fn takes(&self, word: &str, act: impl FnOnce()) -> Cost {
        let before = (Instant::now(), self.process.usage());
        act();
        self.until(word);
        Cost::since(before, &self.process)
    }
}

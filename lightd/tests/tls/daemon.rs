//! A lightd that runs as a process of its own, and what it logs.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lightd with a virtual Nano. Dropped, it is killed.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
    log: mpsc::UnboundedReceiver<String>,
    /// What was read of it.
    read: String,
}

impl Daemon {
    pub(crate) fn start(arguments: &[String]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lightd"))
            .args(["--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut listens = |field| said.find_map(|line| line.split_once(field)?.1.trim().parse().ok());
        let address = listens("address=").unwrap();
        let local = arguments.iter().any(|argument| argument == "--local").then(|| listens("local=").unwrap());
        let (lines, log) = mpsc::unbounded_channel();
        // A pipe that nobody reads would fill up.
        thread::spawn(move || said.for_each(|line| drop(lines.send(line))));
        Self { child, address, local, log, read: String::new() }
    }

    /// Waits until this is in the log.
    pub(crate) async fn logs(&mut self, words: &str) {
        while !self.read.contains(words) {
            let line = timeout(PATIENCE, self.log.recv()).await;
            let line = line.ok().flatten();
            self.read += &line.unwrap_or_else(|| panic!("never {words:?}, but\n{}", self.read));
            self.read.push('\n');
        }
    }

    /// Ends it, and returns all that it logged.
    pub(crate) async fn stop(&mut self) -> String {
        self.child.kill().unwrap();
        while let Some(line) = self.log.recv().await {
            self.read += &line;
            self.read.push('\n');
        }
        self.read.clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it says to these arguments, which it takes for a bad configuration.
pub(crate) fn refused(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lightd")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    String::from_utf8(output.stderr).unwrap()
}

/// What a command of it prints.
pub(crate) fn lightd(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lightd")).args(arguments).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

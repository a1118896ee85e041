//! A lightd that runs as a process of its own, and what it logs.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use podlight_bed::Process;
use tokio::time::{sleep, timeout};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at its log.
const LOOK: Duration = Duration::from_millis(10);

/// A lightd with a virtual Nano. Dropped, it is killed.
pub(crate) struct Daemon {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

impl Daemon {
    pub(crate) fn start(arguments: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightd"));
        command.args(["--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"]).args(arguments);
        let process = Process::start(&mut command);
        let listens = |field| process.until_says(field).parse().unwrap();
        let address = listens("address=");
        let local = arguments.iter().any(|argument| argument == "--local").then(|| listens("local="));
        Self { process, address, local }
    }

    /// Waits until this is in the log.
    pub(crate) async fn logs(&self, words: &str) {
        let logged = async {
            while self.process.says(words).is_none() {
                sleep(LOOK).await;
            }
        };
        assert!(timeout(PATIENCE, logged).await.is_ok(), "never {words:?}");
    }

    /// Ends it, and returns all that it logged.
    pub(crate) fn stop(&mut self) -> String {
        self.process.kill()
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

//! Processes that are measured, or play a part: the watcher, and this binary in another role. Refuses to know what is
//! measured of them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use podlight_bed::Usage;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::certificates;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A watcher. Dropped, it is killed.
pub(crate) struct Watcher(Child);

impl Watcher {
    /// Watches by this kubeconfig, and gives leases of this length.
    pub(crate) fn start(kubeconfig: &Path, lease: Duration, tls: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command.arg("--kubeconfig").arg(kubeconfig).args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.arg("--lease").arg(format!("{}s", lease.as_secs()));
        if let Some(folder) = tls {
            let [cert, key, ca] = certificates(folder, "caller");
            command.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key).arg("--light-ca").arg(ca);
        }
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        Self(command.spawn().unwrap())
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.0.id().unwrap()).unwrap()
    }

    /// As a crash ends it.
    pub(crate) async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }
}

/// This binary in another role. Dropped, it is killed.
pub(crate) struct Part {
    child: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Part {
    pub(crate) fn start(args: &[&str], tls: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if let Some(folder) = tls {
            command.arg("--tls").arg(folder);
        }
        let mut child = command.spawn().unwrap();
        let (asks, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, asks, answers: BufReader::new(answers).lines() }
    }

    pub(crate) async fn ask(&mut self, what: &str) -> String {
        self.asks.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        self.says().await
    }

    /// The next line that it says.
    pub(crate) async fn says(&mut self) -> String {
        timeout(PATIENCE, self.answers.next_line()).await.unwrap().unwrap().unwrap()
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id().unwrap()).unwrap()
    }
}

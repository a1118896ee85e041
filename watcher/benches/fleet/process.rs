//! Processes that are measured, or play a part: the watcher, and this binary in another role. Refuses to know what is
//! measured of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use podlight_bed::Process;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::certificates;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A watcher by this kubeconfig, which gives leases of this length.
pub(crate) fn watcher(kubeconfig: &Path, lease: Duration, tls: Option<&Path>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command.arg("--kubeconfig").arg(kubeconfig).args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.arg("--lease").arg(format!("{}s", lease.as_secs()));
    if let Some(folder) = tls {
        let [cert, key, ca] = certificates(folder, "caller");
        command.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key).arg("--light-ca").arg(ca);
    }
    Process::start(&mut command)
}

/// This binary in another role.
pub(crate) struct Part {
    pub(crate) process: Process,
    answers: UnboundedReceiver<String>,
}

impl Part {
    pub(crate) fn start(args: &[&str], tls: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(args);
        if let Some(folder) = tls {
            command.arg("--tls").arg(folder);
        }
        let (answer, answers) = unbounded_channel();
        let process = Process::heard(&mut command, move |line| drop(answer.send(line)));
        Self { process, answers }
    }

    pub(crate) async fn ask(&mut self, what: &str) -> String {
        self.process.tell(what);
        self.says().await
    }

    /// The next line that it says.
    pub(crate) async fn says(&mut self) -> String {
        timeout(PATIENCE, self.answers.recv()).await.unwrap().unwrap()
    }
}

//! A watcher that runs as a process of its own, and what it costs.

use std::process::Command;
use std::time::Duration;

use podlight_bed::Process;
use podlight_sim::Server;
use tempfile::NamedTempFile;
use tokio::time::{sleep, timeout};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at its log.
const LOOK: Duration = Duration::from_millis(10);

/// Dropped, it is killed.
pub(crate) struct Watcher {
    pub(crate) process: Process,
    _kubeconfig: NamedTempFile,
}

impl Watcher {
    /// Watches what `server` serves. `limit` is how `ulimit` is told how many files it may have open.
    pub(crate) fn start(server: &Server, limit: &str, flags: &[&str]) -> Self {
        let kubeconfig = server.kubeconfig().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_watcher")])
            .arg("--kubeconfig")
            .arg(kubeconfig.path())
            .args(flags)
            .env("PODLIGHT_LISTEN", "127.0.0.1:0")
            .env("PODLIGHT_HTTP", "off")
            .env("NO_COLOR", "1");
        Self { process: Process::start(&mut command), _kubeconfig: kubeconfig }
    }

    /// Waits until it logs this, if it hasn't yet.
    pub(crate) async fn until_says(&self, text: &str) {
        let says = async {
            while self.process.says(text).is_none() {
                sleep(LOOK).await;
            }
        };
        assert!(timeout(PATIENCE, says).await.is_ok(), "it never said {text:?}");
    }
}

//! A watcher that runs as a process of its own, and what it costs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use podlight_bed::Usage;
use podlight_sim::Server;
use tempfile::NamedTempFile;
use tokio::time::{sleep, timeout};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at its log.
const LOOK: Duration = Duration::from_millis(10);

/// Dropped, it is killed.
pub(crate) struct Watcher {
    child: Child,
    said: Arc<Mutex<String>>,
    _kubeconfig: NamedTempFile,
}

impl Watcher {
    /// Watches what `server` serves. `limit` is how `ulimit` is told how many files it may have open.
    pub(crate) fn start(server: &Server, limit: &str, flags: &[&str]) -> Self {
        let mut kubeconfig = NamedTempFile::new().unwrap();
        kubeconfig.write_all(server.kubeconfig().as_bytes()).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_watcher")])
            .arg("--kubeconfig")
            .arg(kubeconfig.path())
            .args(flags)
            .env("PODLIGHT_LISTEN", "127.0.0.1:0")
            .env("PODLIGHT_HTTP", "off")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&said);
        thread::spawn(move || lines.for_each(|line| log.lock().unwrap().extend([&line, "\n"])));
        Self { child, said, _kubeconfig: kubeconfig }
    }

    /// What it logged.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it logs this, if it hasn't yet.
    pub(crate) async fn until_says(&self, text: &str) {
        let says = async {
            while !self.said().contains(text) {
                sleep(LOOK).await;
            }
        };
        assert!(timeout(PATIENCE, says).await.is_ok(), "it never said {text:?}, but: {}", self.said());
    }

    /// What it costs.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id()).unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

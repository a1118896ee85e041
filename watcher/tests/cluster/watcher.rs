//! The watcher's binary, with the account that is shipped and with no other.

use std::io::Write as _;
use std::process::{Command, ExitStatus};

use podlight_bed::Process;
use tempfile::NamedTempFile;

use crate::cluster::Cluster;
use crate::stage::until;
use crate::wire::Wire;

/// A watcher that runs. Dropped, it is killed.
pub(crate) struct Watcher {
    process: Process,
    _kubeconfig: NamedTempFile,
}

impl Watcher {
    /// Watches with these arguments.
    pub(crate) async fn start(cluster: &Cluster, arguments: &[&str]) -> Self {
        Self::of(&cluster.kubeconfig(None).await, arguments)
    }

    /// Watches over a wire.
    pub(crate) async fn start_over(wire: &Wire, cluster: &Cluster, arguments: &[&str]) -> Self {
        Self::of(&cluster.kubeconfig(Some(wire.url())).await, arguments)
    }

    fn of(kubeconfig: &str, arguments: &[&str]) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(kubeconfig.as_bytes()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        // Whoever runs the tests has more rights.
        command
            .env_remove("KUBECONFIG")
            .env("PODLIGHT_LISTEN", "127.0.0.1:0")
            .env("PODLIGHT_HTTP", "off")
            .arg("--kubeconfig")
            .arg(file.path())
            .args(arguments);
        Self { process: Process::start(&mut command), _kubeconfig: file }
    }

    /// Waits until it logs a line with this text, if it hasn't yet, and returns what follows it there.
    pub(crate) async fn until_says(&self, text: &str) -> String {
        let says = async || self.process.says(text).ok_or_else(|| self.process.said());
        until(&format!("the watcher says {text:?}"), says).await
    }

    /// Where people can ask it.
    pub(crate) async fn url(&self) -> String {
        format!("http://{}", self.until_says("people can ask address=").await)
    }

    /// Stops it, so that it neither hears nor says anything.
    pub(crate) fn stop(&self) {
        self.process.signal("STOP");
    }

    /// Has it go on, as if no time had passed.
    pub(crate) fn go_on(&self) {
        self.process.signal("CONT");
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        self.process.signal("TERM");
        until("the watcher ends", async || self.process.ended().ok_or_else(|| "running".into())).await
    }
}

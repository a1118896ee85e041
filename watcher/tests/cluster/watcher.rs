//! The watcher's binary, with the account that is shipped and with no other.

use std::io::Write as _;
use std::process::{Command, ExitStatus};

use tempfile::NamedTempFile;

use crate::cluster::Cluster;
use crate::process::Process;
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
        Self { process: Process::start("watcher", &mut command), _kubeconfig: file }
    }

    /// Waits until it logs this.
    pub(crate) async fn until_says(&self, text: &str) {
        self.process.until_says(text).await;
    }

    /// Where people can ask it.
    pub(crate) async fn url(&self) -> String {
        let line = self.process.until_says("people can ask").await;
        let (_, address) = line.split_once("address=").expect("it says where");
        format!("http://{}", address.trim())
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
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.process.terminate().await
    }
}

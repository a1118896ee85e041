//! A lightd that runs as a process of its own: what it shows, and what it costs.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use podlight_bed::{Process, Usage};
use tokio::sync::watch;
use tokio::time::timeout;

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lightd with a virtual Nano. Dropped, it is killed.
pub(crate) struct Daemon {
    process: Process,
    pub(crate) address: SocketAddr,
    /// Where it listens without TLS, where it speaks TLS otherwise.
    pub(crate) local: Option<SocketAddr>,
    /// The last line that its stick drew.
    shown: watch::Receiver<String>,
}

impl Daemon {
    pub(crate) fn start() -> Self {
        Self::told(&[])
    }

    /// By mutual TLS, with the files of this folder, and for this host without.
    pub(crate) fn with_tls(folder: &Path) -> Self {
        let file = |name| folder.join(name).to_str().unwrap().to_owned();
        let (cert, key, ca) = (file("tls.crt"), file("tls.key"), file("ca.crt"));
        Self::told(&["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca, "--local", "127.0.0.1:0"])
    }

    fn told(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightd"));
        command.args(["--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"]).args(arguments);
        let (show, shown) = watch::channel(String::new());
        let process = Process::heard(&mut command, move |line| drop(show.send_replace(line)));
        let listens = |field| process.until_says(field).parse().unwrap();
        let address = listens("address=");
        let local = arguments.contains(&"--local").then(|| listens("local="));
        Self { process, address, local, shown }
    }

    /// Waits until both LEDs of the stick have this color.
    pub(crate) async fn shows(&mut self, color: &str) {
        let line = format!("BlinkStick Nano {color} {color}");
        let shown = timeout(PATIENCE, self.shown.wait_for(|shown| *shown == line)).await.map(|shown| shown.is_ok());
        assert_eq!(shown, Ok(true), "{line} never showed, but {}", self.shown.borrow().clone());
    }

    /// What it costs.
    pub(crate) fn usage(&self) -> Usage {
        self.process.usage()
    }
}

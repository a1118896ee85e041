//! The real watcher, and a light with a virtual stick for each node.

use std::io::Write as _;
use std::process::Command;

use clap::Parser as _;
use lightd::{Frame, Lightd, Settings};
use podlight_bed::Process;
use podlight_proto::Color;
use tempfile::NamedTempFile;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A watcher that runs, and its lights. Dropped, it is killed.
pub(crate) struct Ours {
    _watcher: Process,
    lights: Vec<(watch::Receiver<Frame>, AbortHandle)>,
    _kubeconfig: NamedTempFile,
}

impl Ours {
    /// For these nodes.
    pub(crate) async fn start(kubeconfig: &str, nodes: &[String]) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(kubeconfig.as_bytes()).unwrap();
        let mut watcher = Command::new(env!("CARGO_BIN_EXE_watcher"));
        watcher.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--kubeconfig"]).arg(file.path());
        let mut lights = Vec::new();
        for node in nodes {
            let settings = ["lightd", "--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"];
            let lightd = Lightd::bind(Settings::parse_from(settings)).await.unwrap();
            watcher.args(["--light", &format!("{node}=http://{}", lightd.address())]);
            let frames = lightd.frames().pop().expect("a virtual stick has frames");
            let running = tokio::spawn(lightd.run(std::future::pending()));
            lights.push((frames, running.abort_handle()));
        }
        Self { _watcher: Process::start(&mut watcher), lights, _kubeconfig: file }
    }

    /// Waits until all lights show this color.
    pub(crate) async fn until(&mut self, color: &str) {
        let color = match color {
            "green" => Color::rgb(0, 25, 0),
            "red" => Color::rgb(50, 0, 0),
            other => panic!("{other}: no color of the palette"),
        };
        for (frames, _) in &mut self.lights {
            frames.wait_for(|frame| frame.colors.iter().all(|led| *led == color)).await.unwrap();
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        for (_, running) in &self.lights {
            running.abort();
        }
    }
}

//! A lightd that runs, with a virtual Nano or with one on USB.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use podlight_bed::{Bed, Process};
use podlight_proto::Color;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::PATIENCE;

/// A lightd that listens. Dropped, it is killed.
pub(crate) struct Lamp {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// The last line that it drew.
    drawn: watch::Receiver<String>,
}

impl Lamp {
    /// With a stick that is drawn.
    pub(crate) fn with_virtual_nano(lightd: &Path) -> Self {
        Self::start(Command::new(lightd).args(["--stick", "virtual:nano"]))
    }

    /// With the stick of this host.
    pub(crate) fn on(bed: &Bed, lightd: &Path) -> Self {
        Self::start(&mut bed.command(lightd))
    }

    fn start(command: &mut Command) -> Self {
        let (draw, drawn) = watch::channel(String::new());
        let command = command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let process = Process::heard(command, move |line| drop(draw.send_replace(line)));
        let address = process.until_says("listening address=").parse().unwrap();
        Self { process, address, drawn }
    }

    /// Waits until it has drawn this color on both LEDs.
    pub(crate) async fn until_shows(&mut self, color: Color) {
        let line = format!("BlinkStick Nano {color} {color}");
        let drawn = timeout(PATIENCE, self.drawn.wait_for(|drawn| *drawn == line)).await.map(|drawn| drawn.is_ok());
        assert_eq!(drawn, Ok(true), "never drawn: {line}");
    }
}

//! A lightd that runs, with a virtual Nano or with one on USB.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use podlight_bed::Bed;
use podlight_proto::Color;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::PATIENCE;

/// A lightd that listens. Dropped, it is killed.
pub(crate) struct Lamp {
    child: Child,
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
        let command = command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = said.by_ref().find_map(|line| line.split_once("listening address=")?.1.trim().parse().ok());
        // A pipe that nobody reads would fill up.
        thread::spawn(move || said.for_each(drop));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (draw, drawn) = watch::channel(String::new());
        thread::spawn(move || lines.for_each(|line| drop(draw.send_replace(line))));
        Self { child, address: address.expect("lightd listens"), drawn }
    }

    /// Waits until it has drawn this color on both LEDs.
    pub(crate) async fn until_shows(&mut self, color: Color) {
        let line = format!("BlinkStick Nano {color} {color}");
        let drawn = timeout(PATIENCE, self.drawn.wait_for(|drawn| *drawn == line)).await.map(|drawn| drawn.is_ok());
        assert_eq!(drawn, Ok(true), "never drawn: {line}");
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Lamp {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

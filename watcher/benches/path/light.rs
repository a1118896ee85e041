//! Edge: a lightd and its stick, and when that came to show what.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use clap::Parser as _;
use lightd::{Lightd, Settings};
use podlight_bed::{Bed, EmulatedStick, Plugged, Process};

/// Red, green, blue of both LEDs of a Nano.
pub(crate) type Color = [u8; 3];

pub(crate) const GREEN: Color = [0, 25, 0];
pub(crate) const RED: Color = [50, 0, 0];
pub(crate) const YELLOW: Color = [50, 50, 0];

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A stick that may be looked at.
pub(crate) trait Stick {
    /// Waits until all LEDs show this.
    fn until_all(&self, color: Color);

    /// When what they show changed, since `moment`.
    fn frames_since(&self, moment: Instant) -> Vec<Instant>;
}

/// The real lightd, with an emulated stick under the real libusb.
pub(crate) struct Emulated {
    _process: Process,
    stick: Plugged,
    address: String,
    _bed: Bed,
}

/// lightd's library with a virtual stick, in a process that writes down each frame.
pub(crate) struct Virtual {
    _process: Process,
    address: String,
    frames: Arc<Frames>,
}

/// What came to show, and when; waited for.
type Frames = (Mutex<Vec<(Instant, Color)>>, Condvar);

impl Emulated {
    /// None where a stick can't be emulated.
    pub(crate) fn start() -> Option<Self> {
        let bed = Bed::make()?;
        let stick = bed.plug(1, EmulatedStick::nano("BS012345-3.0"));
        let mut command = bed.command(lightd());
        let process = Process::start(command.args(["--listen", "127.0.0.1:0", "--http", "off"]));
        Some(Self { address: process.until_says("listening address="), _process: process, stick, _bed: bed })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Stick for Plugged {
    fn until_all(&self, color: Color) {
        self.until_leds(&[color; 2]);
    }

    fn frames_since(&self, moment: Instant) -> Vec<Instant> {
        self.shown_since(moment).into_iter().map(|(at, _)| at).collect()
    }
}

impl Stick for Emulated {
    fn until_all(&self, color: Color) {
        self.stick.until_all(color);
    }

    fn frames_since(&self, moment: Instant) -> Vec<Instant> {
        self.stick.frames_since(moment)
    }
}

impl Virtual {
    pub(crate) fn start() -> Self {
        let frames = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let seen = Arc::clone(&frames);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let process = Process::heard(command.arg("--virtual-light"), move |line| {
            let parts: Vec<u8> = line.split(' ').map(|part| part.parse().unwrap()).collect();
            seen.0.lock().unwrap().push((now(), [parts[0], parts[1], parts[2]]));
            seen.1.notify_all();
        });
        Self { address: process.until_says("listening address="), _process: process, frames }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Stick for Virtual {
    fn until_all(&self, color: Color) {
        let other = |frames: &mut Vec<(Instant, Color)>| frames.last().is_none_or(|(_, last)| *last != color);
        let (frames, changed) = &*self.frames;
        let (frames, waited) = changed.wait_timeout_while(frames.lock().unwrap(), PATIENCE, other).unwrap();
        assert!(!waited.timed_out(), "never {color:?}, but {:?}", frames.last());
    }

    fn frames_since(&self, moment: Instant) -> Vec<Instant> {
        self.frames.0.lock().unwrap().iter().map(|(at, _)| *at).filter(|at| *at >= moment).collect()
    }
}

/// lightd with a virtual stick, as a process of its own: says where it listens, and each frame.
pub(crate) fn run_virtual() -> anyhow::Result<()> {
    let arguments = ["lightd", "--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"];
    let settings = Settings::try_parse_from(arguments)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let lightd = Lightd::bind(settings).await?;
        eprintln!("listening address={}", lightd.address());
        let mut frames = lightd.frames().pop().unwrap();
        tokio::spawn(async move {
            while frames.changed().await.is_ok() {
                let color = frames.borrow_and_update().colors[0];
                println!("{} {} {}", color.r, color.g, color.b);
            }
        });
        lightd.run(std::future::pending()).await
    })
}

/// The binary `lightd`, made as the watcher's was, of the sources as they are now.
fn lightd() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_watcher"));
    let folder = beside.parent().unwrap();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    let mut cargo = Command::new(env!("CARGO"));
    // With a benchmark, so that its libraries have the features that they have here, and aren't compiled again.
    cargo.args(["build", "--quiet", "--locked", "--bin", "lightd", "--bench", "daemon", "--profile", profile]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    // What cargo told us of our own package, ring's build script would take for news.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.arg("--target-dir").arg(folder.parent().unwrap()).status().unwrap().success(), "{cargo:?}");
    folder.join("lightd")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

//! What lightd costs a small host, beside Python with its BlinkStick library in the same run.
//!
//! ```text
//!  bench ──StreamColors, with the watcher's renewals──▶ lightd ─▶ virtual Nano
//!    ├───────────────────────────────────────────────▶ lightd ─▶ libusb ─▶ emulated Nano
//!    └──the API: one pod, and then nothing────────────▶ origin.py ─▶ pyusb ─▶ libusb ─▶ emulated Nano
//! ```
//!
//! Each is a process of its own; all are measured at the same time, while they wait. The emulated stick is there by a
//! preload, which the processes that have it pay for. `cargo bench --bench daemon`; `-- --short` checks that it
//! works.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark is read by people, and ends where it fails")]

mod lamp;
mod origin;
#[path = "../../tests/pressure/watcher.rs"]
mod watcher;
mod window;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use podlight_bed::bench::{Table, machine};
use podlight_bed::{Bed, EmulatedStick};
use podlight_proto::{Color, Look};
use tokio::time::{sleep, timeout};

use lamp::Lamp;
use origin::Disk;
use watcher::{LEASE, Stream};
use window::{Cost, Window};

/// The origin's, for pods that run.
const GREEN: Color = Color::rgb(0, 25, 0);
/// Until whoever has just started has done all that it does once.
const SETTLED: Duration = Duration::from_secs(3);
/// Far longer than anything here takes: a benchmark that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What lightd costs a small host, beside Python with its BlinkStick library
#[derive(Parser)]
struct Arguments {
    /// A few seconds in all: checks that it works
    #[arg(long)]
    short: bool,
    /// How long each is measured while it waits
    #[arg(long = "for", value_parser = humantime::parse_duration)]
    window: Option<Duration>,
    /// Another lightd than the one that was built for this
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_lightd"))]
    lightd: PathBuf,
    /// It is a failure that Python's packages are missing
    #[arg(long)]
    require_peers: bool,
    /// As cargo calls it
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let window = arguments.window.unwrap_or(Duration::from_secs(if arguments.short { 2 } else { 60 }));
    let lightd = arguments.lightd.as_path();
    let python = origin::python();
    assert!(python.is_ok() || !arguments.require_peers, "{}", python.unwrap_err());
    let Some(beds) = Bed::make().zip(Bed::make()) else { return };
    println!("{}", machine());
    println!("{}; a Nano, {GREEN}, a watcher's stream; {} each", built(lightd), humantime::format_duration(window));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let nano = || EmulatedStick::nano("BS000002-3.0");
        let (ours, theirs) = (beds.0.plug(1, nano()), beds.1.plug(1, nano()));
        let mut drawn = Lamp::with_virtual_nano(lightd);
        let lit = Lamp::on(&beds.0, lightd);
        let streams = [
            Stream::open(drawn.address, Look::solid(GREEN), LEASE / 3).await,
            Stream::open(lit.address, Look::solid(GREEN), LEASE / 3).await,
        ];
        let origin = python.as_deref().ok().map(|python| origin::start(&beds.1, python));
        drawn.until_shows(GREEN).await;
        until(|| ours.leds() == [[0, 25, 0]; 2], "lightd's Nano is green").await;
        if origin.is_some() {
            until(|| theirs.leds() == [[0, 25, 0]; 2], "the origin's Nano is green").await;
        }
        sleep(SETTLED).await;
        let waiting = Window::over([Some(&drawn.process), Some(&lit.process), origin.as_ref()], window).await;
        for stream in &streams {
            stream.wants(Look::pulse(GREEN, Duration::from_secs(2)));
        }
        until(|| ours.leds() != [[0, 25, 0]; 2], "lightd's Nano pulses").await;
        let pulsing = Window::over([Some(&drawn.process), Some(&lit.process), None], window / 3).await;
        assert!(streams.iter().all(Stream::is_open), "a stream broke");
        let disk = python.as_deref().ok().map(Disk::of);
        print!("{}", table(Disk::of_binary(lightd), &waiting, &pulsing, disk.as_ref()));
        match &python {
            Ok(python) => println!("Python: {}", origin::versions(python)),
            Err(lacks) => println!("{lacks}"),
        }
    });
}

/// Waits until `holds`.
async fn until(holds: impl Fn() -> bool, what: &str) {
    let held = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, held).await.is_ok(), "never: {what}");
}

/// What the figures are of.
fn built(lightd: &Path) -> &'static str {
    let mine = lightd == Path::new(env!("CARGO_BIN_EXE_lightd"));
    if mine && cfg!(debug_assertions) { "lightd, not optimized: no figure means anything" } else { "lightd" }
}

type Figure = fn(&Cost) -> f64;

fn table(binary: f64, waiting: &[Option<Cost>; 3], pulsing: &[Option<Cost>; 3], disk: Option<&Disk>) -> Table<5> {
    let mut table = Table::new(["what", "lightd, virtual stick", "lightd, emulated stick", "Python", "ratio"]);
    let mut row = |what: &str, decimals: usize, [drawn, lit, python]: [Option<f64>; 3]| {
        let figure =
            |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.decimals$}"));
        let ratio = lit.zip(python).filter(|(lit, _)| *lit > 0.0).map(|(lit, python)| python / lit);
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.1} ×"));
        table.row([what.to_owned(), figure(drawn), figure(lit), figure(python), ratio]);
    };
    row("on disk, MB", 1, [Some(binary), Some(binary), disk.map(|disk| disk.interpreter + disk.packages)]);
    row("of that its libraries and packages, MB", 1, [None, None, disk.map(|disk| disk.packages)]);
    let figures: [(&str, usize, Figure); 5] = [
        ("CPU until it shows the color, s", 3, |cost| cost.start.as_secs_f64()),
        ("RSS, MiB", 1, |cost| cost.memory),
        ("RSS at most, MiB", 1, |cost| cost.peak),
        ("waiting: CPU, % of a core", 3, |cost| cost.share),
        ("waiting: wake-ups a second", 2, |cost| cost.wakes),
    ];
    for (what, decimals, figure) in figures {
        row(what, decimals, [0, 1, 2].map(|i| waiting[i].as_ref().map(figure)));
    }
    let figures: [(&str, usize, Figure); 2] =
        [("pulsing: CPU, % of a core", 2, |cost| cost.share), ("pulsing: wake-ups a second", 1, |cost| cost.wakes)];
    for (what, decimals, figure) in figures {
        row(what, decimals, [0, 1, 2].map(|i| pulsing[i].as_ref().map(figure)));
    }
    table
}

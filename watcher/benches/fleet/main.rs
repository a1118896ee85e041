//! The watcher with lights by the thousand: what they cost it, how soon all of them are told, and what becomes of them when
//! it is killed. Beside it, what as many connections cost that tonic opens by itself.
//!
//! ```text
//!  a simulated API server (here) ◀── watcher ──▶ lights (this binary again) ◀── peer (and again)
//! ```
//!
//! Each light has a node and a pod beside it, that crashes when it is told to.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may fail")]

mod lights;
mod peer;
mod process;
mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Parser, Subcommand};
use podlight_bed::bench::{Plot, Table, machine};
use podlight_tls::EVERY_LIGHT;
use podlight_tls::authority::Authority;
use run::{Figures, Held};
use tempfile::TempDir;

const GREEN: u32 = 0x00_1900;
const RED: u32 = 0x32_0000;
/// At most, for a peer.
const HELD: Duration = Duration::from_secs(30);

/// The watcher with lights by the thousand
#[derive(Parser)]
struct Args {
    /// Few lights, and soon over: for CI
    #[arg(long)]
    short: bool,
    /// So many lights, one number after the other [default: 10,100,1000,5000]
    #[arg(long, value_delimiter = ',')]
    lights: Vec<usize>,
    /// Seconds in which nothing happens but that leases are renewed [default: 30]; in 240, buffers are used from end to end
    #[arg(long)]
    idle: Option<u64>,
    /// Where to draw how it grows, as SVG
    #[arg(long)]
    plot: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Part {
    #[command(hide = true)]
    Lights {
        lights: usize,
        #[arg(long)]
        tls: Option<PathBuf>,
    },
    #[command(hide = true)]
    Peer {
        lights: usize,
        address: String,
        #[arg(long)]
        tls: Option<PathBuf>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Args::parse();
    // The lights' ends of their connections are files of their process, and the peer's of its.
    watcher::files::raise().unwrap();
    match args.part {
        Some(Part::Lights { lights, tls }) => lights::serve(lights, tls.as_deref()).await,
        Some(Part::Peer { lights, address, tls }) => peer::hold(lights, &address, tls.as_deref()).await,
        None => compare(&args).await,
    }
}

async fn compare(args: &Args) {
    let sizes = match args.lights.as_slice() {
        [] if args.short => &[50],
        [] => &[10, 100, 1_000, 5_000][..],
        sizes => sizes,
    };
    // Short, but with renewals.
    let (idle, lease) = if args.short { (1, 1) } else { (30, 15) };
    let (idle, lease) = (Duration::from_secs(args.idle.unwrap_or(idle)), Duration::from_secs(lease));
    let folder = issue();
    println!("{}", machine());
    println!("lights: {sizes:?}; idle: {idle:?}; leases of {lease:?}, renewed three times as often\n");
    let mut plain = Vec::new();
    let mut secure = Vec::new();
    for &lights in sizes {
        plain.push((lights, run::watcher(lights, lease, idle, None).await));
        secure.push((lights, run::watcher(lights, lease, idle, Some(folder.path())).await));
    }
    let (&most, (_, last), (_, last_secure)) = (sizes.last().unwrap(), plain.last().unwrap(), secure.last().unwrap());
    // On its streams nothing is said: soon they cost what they ever will.
    let waits = idle.min(HELD);
    let held = run::peer(most, waits, None).await;
    let held_secure = run::peer(most, waits, Some(folder.path())).await;

    println!("{}", beside(most, [last, last_secure], [&held, &held_secure]));
    println!("{}", growth(&plain, &secure));
    println!("A minute in which nothing happens, with {most} lights:");
    for (figures, how) in [(last, "plain"), (last_secure, "mutual TLS")] {
        assert!(figures.heard[0] > 0 || idle < lease / 2, "no lease was renewed in {idle:?}");
        println!("- {how}: {}", figures.minute());
    }
    if let Some(file) = &args.plot {
        fs::write(file, drawn(&plain, &secure).svg()).unwrap();
    }
}

fn beside(lights: usize, podlight: [&Figures; 2], peer: [&Held; 2]) -> Table<4> {
    let head = format!("{lights} lights");
    let mut table = Table::new([head.as_str(), "podlight", "tonic's defaults", "ratio"]);
    for (how, podlight, peer) in [("plain", podlight[0], peer[0]), ("mutual TLS", podlight[1], peer[1])] {
        let ratio = |ours: f64, theirs: f64| format!("{:.2}", theirs / ours);
        let (steady, peak) = (podlight.idle.memory as f64, podlight.idle.peak as f64);
        let held = (peer.usage.memory as f64, peer.usage.peak as f64);
        table.row([format!("RSS, {how}"), mib(steady), mib(held.0), ratio(steady, held.0)]);
        table.row([format!("peak RSS, {how}"), mib(peak), mib(held.1), ratio(peak, held.1)]);
        table.row([format!("RSS a light, {how}"), kib(steady, lights), kib(held.0, lights), ratio(steady, held.0)]);
        // That says nothing; we renew leases.
        table.row([format!("CPU, idle, {how}"), percent(podlight.cpu), percent(peer.cpu), "–".to_owned()]);
        let none = || ["–".to_owned(), "–".to_owned()];
        for (what, took) in [("all recolored", podlight.recolored), ("all right after a SIGKILL", podlight.restarted)] {
            let [theirs, ratio] = none();
            table.row([format!("{what}, {how}"), seconds(took), theirs, ratio]);
        }
        let over = format!("{:+.0} %", 100.0 * (podlight.again.peak as f64 / podlight.again.memory as f64 - 1.0));
        let [theirs, ratio] = none();
        table.row([format!("peak over steady RSS after it, {how}"), over, theirs, ratio]);
    }
    table
}

fn growth(plain: &[(usize, Figures)], secure: &[(usize, Figures)]) -> Table<9> {
    let mut table = Table::new([
        "lights",
        "RSS, plain",
        "TLS",
        "CPU, idle, plain",
        "TLS",
        "recolored, plain",
        "TLS",
        "after a SIGKILL, plain",
        "TLS",
    ]);
    for ((lights, plain), (_, secure)) in plain.iter().zip(secure) {
        let memory = |figures: &Figures| mib(figures.idle.memory as f64);
        table.row([
            lights.to_string(),
            memory(plain),
            memory(secure),
            percent(plain.cpu),
            percent(secure.cpu),
            seconds(plain.recolored),
            seconds(secure.recolored),
            seconds(plain.restarted),
            seconds(secure.restarted),
        ]);
    }
    table
}

fn drawn(plain: &[(usize, Figures)], secure: &[(usize, Figures)]) -> Plot {
    let mut plot = Plot::new("RSS, the time to recolor all, and CPU while idle", "lights");
    for (how, runs) in [("plain", plain), ("TLS", secure)] {
        let line = |figure: &dyn Fn(&Figures) -> f64| {
            let points = runs.iter().map(|(lights, figures)| (*lights as f64, figure(figures)));
            points.filter(|(_, figure)| *figure > 0.0).collect()
        };
        plot.line(&format!("RSS, {how}, MiB"), line(&|figures| figures.idle.memory as f64 / f64::from(1 << 20)));
        plot.line(&format!("recolored, {how}, s"), line(&|figures| figures.recolored.as_secs_f64()));
        plot.line(&format!("CPU, {how}, %"), line(&|figures| 100.0 * figures.cpu));
    }
    plot
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

fn kib(bytes: f64, lights: usize) -> String {
    format!("{:.1} KiB", bytes / 1024.0 / lights as f64)
}

fn percent(of_a_core: f64) -> String {
    format!("{:.2} %", 100.0 * of_a_core)
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

/// A CA, and a certificate for all lights and one for the watcher, in a folder.
#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
fn issue() -> TempDir {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let folder = TempDir::new().unwrap();
    let from = SystemTime::now() - DAY;
    let authority = Authority::new(from, 2 * DAY).unwrap();
    let light = authority.light(&[EVERY_LIGHT], from, 2 * DAY).unwrap();
    let caller = authority.caller("watcher", from, 2 * DAY).unwrap();
    for (whose, pair) in [("light", light), ("caller", caller)] {
        let [cert, key, ca] = certificates(folder.path(), whose);
        for (file, text) in [(cert, &pair.certificate), (key, &pair.key), (ca, &authority.certificate())] {
            fs::write(file, text).unwrap();
        }
    }
    folder
}

/// Where a certificate, its key and the CA are.
fn certificates(folder: &Path, whose: &str) -> [PathBuf; 3] {
    [format!("{whose}.crt"), format!("{whose}.key"), "ca.crt".to_owned()].map(|name| folder.join(name))
}

/// What the node of this number is called.
fn node(number: usize) -> String {
    format!("worker-{number:05}")
}

/// The other way round.
fn number(node: &str) -> usize {
    node.trim_start_matches("worker-").parse().unwrap()
}

/// To whoever started this part.
fn say(line: &str) {
    println!("{line}");
}

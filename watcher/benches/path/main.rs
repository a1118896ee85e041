//! The way of one change from the API's word to the frame at the stick, and the origin's way beside it.
//!
//! ```text
//!  a change ──▶ simulated API ──▶ watcher ──▶ lightd ──▶ libusb ──▶ emulated stick
//!               (this process)    processes of their own           (this process)
//! ```
//!
//! Both ends are here, so one clock measures. What is measured begins when the API server's word is with the kernel.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

mod cluster;
mod command;
mod echo;
mod figures;
mod light;
mod origin;
mod way;

use std::ops::Range;

use clap::Parser;
use fastrand::Rng;
use podlight_bed::bench::{Table, machine};

use cluster::{AT_ONCE, Stage};
use figures::{Times, ratio, text};
use light::{Emulated, Virtual};
use origin::Origin;
use way::{Burst, Turns};

/// Measures how long a change takes to the stick.
#[derive(Parser)]
struct Options {
    /// Few changes: whether it works
    #[arg(long)]
    short: bool,
    /// Changes of one pod, one by one
    #[arg(long, default_value_t = 1_000)]
    changes: usize,
    /// Of the same, for the origin, which takes its time
    #[arg(long, default_value_t = 10)]
    origin_changes: usize,
    /// Changes at once
    #[arg(long, default_value_t = 10)]
    burst: usize,
    /// Events a second on other nodes, where there is noise
    #[arg(long, default_value_t = 500)]
    noise: u32,
    #[arg(long, default_value_t = 6)]
    seed: u64,
    /// Fail where the origin's way can't be measured
    #[arg(long)]
    require_peers: bool,
    /// What cargo appends
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(long, hide = true)]
    virtual_light: bool,
    #[arg(long, hide = true)]
    echo: bool,
}

/// In microseconds. Beyond a stick's frame interval, 20 ms, so that no frame has to wait for it.
const APART: Range<u64> = 25_000..45_000;
/// Within it.
const CLOSE: Range<u64> = 0..20_000;
/// Beyond a morph, too.
const FAR_APART: Range<u64> = 325_000..375_000;
/// How often changes come at once.
const BURSTS: usize = 20;

fn main() -> anyhow::Result<()> {
    let mut options = Options::parse();
    if options.virtual_light {
        return light::run_virtual();
    }
    if options.echo {
        return echo::run();
    }
    if options.short {
        (options.changes, options.origin_changes, options.burst) = (30, 1, 3);
    }
    let Options { changes, burst, noise, seed, .. } = options;
    println!("machine: {}", machine());
    println!("sizes: {changes} changes of a pod, {burst} at once, {noise} events a second as noise, seed {seed}\n");

    let stage = Stage::start();
    let mut table = Table::new(["one change", "times", "p50", "p90", "p99", "max"]);
    let mut row = |what: &str, times: &Times| {
        let [count, p50, p90, p99, max] = times.cells();
        table.row([what.to_owned(), count, p50, p90, p99, max]);
    };
    let ours = Emulated::start().map(|light| ours(&stage, &light, &options, &mut row));
    let light = Virtual::start();
    let watcher = stage.watch(light.address(), AT_ONCE);
    let turns = way::turns(&stage, &light, changes, &APART, &mut Rng::with_seed(seed));
    row("API's word → frame at a virtual stick", &turns.first);
    watcher.stop();
    row("a byte to a process that sleeps, and back", &echo::times(changes.div_ceil(4), APART.start));

    let origin = origin::measure(&stage, options.origin_changes, burst);
    if let Ok(Origin { turns, .. }) = &origin {
        row("origin: API's word → first frame", &turns.first);
        row("origin: API's word → final color", &turns.last);
    }
    println!("{table}");
    match (ours, origin) {
        (Some((turns, bursts)), Ok(origin)) => println!("{}", beside(&turns, &bursts, &origin, burst)),
        (_, Err(why)) if !options.require_peers => println!("{why}"),
        (_, Err(why)) => anyhow::bail!(why),
        (None, Ok(_)) => {}
    }
    Ok(())
}

/// All of podlight with an emulated stick.
fn ours(
    stage: &Stage,
    light: &Emulated,
    &Options { changes, burst, noise, seed, .. }: &Options,
    row: &mut impl FnMut(&str, &Times),
) -> (Turns, Vec<Burst>) {
    let some = changes.div_ceil(4);
    let mut random = Rng::with_seed(seed);
    let watcher = stage.watch(light.address(), AT_ONCE);
    let turns = way::turns(stage, light, changes, &APART, &mut random);
    let (mean, count) = watcher.acknowledged();
    row("API's word → frame at the stick", &turns.first);
    row("before that: change → API's word", &turns.written);
    let noisy = {
        let _noise = stage.noise(noise);
        way::turns(stage, light, changes, &APART, &mut random)
    };
    row("API's word → frame, under noise", &noisy.first);
    row("the same, 0 to 20 ms after another frame", &way::turns(stage, light, some, &CLOSE, &mut random).first);
    let bursts: Vec<_> = (0..BURSTS.min(some)).map(|_| way::burst(stage, light, burst, APART.end)).collect();
    row("the last of changes at once", &bursts.iter().map(|burst| burst.time).collect());
    watcher.stop();

    let watcher = stage.watch(light.address(), "");
    let morphs = way::turns(stage, light, some.div_ceil(4), &FAR_APART, &mut random);
    row("by the default policy, whose green morphs: first frame", &morphs.first);
    row("by the default policy, whose green morphs: final color", &morphs.last);
    watcher.stop();
    row("lightd's part: command → frame", &command::frames(light, some, APART.start));
    println!("the watcher's own metric, of {count} changes: taken in → acknowledged in {} on average\n", text(mean));
    (turns, bursts)
}

fn beside(turns: &Turns, bursts: &[Burst], origin: &Origin, burst: usize) -> Table<4> {
    let mut table = Table::new(["beside each other", "podlight", "origin", "ratio"]);
    let pairs = [
        ("API's word → first frame, p50", turns.first.median(), origin.turns.first.median()),
        ("API's word → final color, p50", turns.last.median(), origin.turns.last.median()),
    ];
    let last: Times = bursts.iter().map(|burst| burst.time).collect();
    let bursts_ = (&*format!("the last of {burst} changes at once, p50"), last.median(), origin.burst.time);
    for (what, ours, theirs) in pairs.into_iter().chain([bursts_]) {
        table.row([what.to_owned(), text(ours), text(theirs), ratio(theirs.as_secs_f64(), ours.as_secs_f64())]);
    }
    let frames = bursts.iter().map(|burst| burst.frames).max().unwrap_or_default();
    let theirs = origin.burst.frames;
    #[expect(clippy::cast_precision_loss, reason = "counts of a few thousand at most")]
    let times = ratio(theirs as f64, frames as f64);
    table.row(["frames that it took".to_owned(), frames.to_string(), theirs.to_string(), times]);
    table
}

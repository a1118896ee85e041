//! The way of one change from the API's word to the frame at the stick, and the origin's way beside it.
//!
//! ```text
//!  a change ──▶ simulated API ──▶ watcher ──▶ lightd ──▶ libusb ──▶ emulated stick
//!               (this process)    processes of their own           (this process)
//! ```
//!
//! Both ends are here, so one clock measures. What is measured begins when the API server's word is with the kernel.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod cluster;
mod command;
mod figures;
mod light;
mod origin;
mod process;
mod way;

use std::time::Duration;

use clap::Parser;
use fastrand::Rng;
use podlight_bed::bench::{Table, machine};

use cluster::{AT_ONCE, Stage};
use figures::{Times, text};
use light::{Emulated, Virtual};

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
}

/// In microseconds. Beyond a stick's frame interval, 20 ms, so that no frame has to wait for it.
const APART: std::ops::Range<u64> = 25_000..75_000;
/// Within it.
const CLOSE: std::ops::Range<u64> = 0..20_000;
const PAUSE: Duration = Duration::from_millis(50);
/// How often changes come at once.
const BURSTS: usize = 20;

fn main() -> anyhow::Result<()> {
    let mut options = Options::parse();
    if options.virtual_light {
        return light::run_virtual();
    }
    if options.short {
        (options.changes, options.origin_changes, options.burst) = (30, 1, 3);
    }
    println!("machine: {}", machine());
    let Options { changes, origin_changes, burst, noise, seed, .. } = options;
    println!("sizes: {changes} changes, {burst} at once, {noise} events a second as noise, seed {seed}\n");
    let stage = Stage::start();
    let mut times = Table::new(["way of one change", "changes", "p50", "p90", "p99", "max"]);
    let mut row = |what: &str, times_: &Times| {
        let [count, p50, p90, p99, max] = times_.cells();
        times.row([what.to_owned(), count, p50, p90, p99, max]);
    };
    let mut random = Rng::with_seed(seed);
    let some = (changes / 4).max(1);

    let emulated = Emulated::start();
    let mut ours = None;
    if let Some(light) = &emulated {
        let watcher = stage.watch(light.port(), AT_ONCE);
        println!("watcher {} lightd {}", watcher.number(), light.number());
        let turns = way::turns(&stage, light, changes, &APART, &mut random);
        row("API's word → frame at the emulated stick", &turns.first);
        let (mean, count) = watcher.acknowledged();
        row("before: change → API's word", &turns.written);
        row("a change within the frame interval", &way::turns(&stage, light, some, &CLOSE, &mut random).first);
        let noisy = {
            let _noise = stage.noise(noise);
            way::turns(&stage, light, some, &APART, &mut random)
        };
        row("under noise", &noisy.first);
        let bursts: Vec<_> = (0..BURSTS.min(some)).map(|_| way::burst(&stage, light, burst, PAUSE)).collect();
        row("the last of a burst", &bursts.iter().map(|(time, _)| *time).collect());
        watcher.stop();
        let watcher = stage.watch(light.port(), "");
        let morphs = way::turns(&stage, light, (some / 5).max(2), &(400_000..450_000), &mut random);
        row("by the default policy: first frame", &morphs.first);
        row("by the default policy: final color", &morphs.last);
        watcher.stop();
        row("lightd alone: command → frame", &command::frames(light, some, PAUSE));
        println!("taken in → acknowledged, by the watcher's own metric: mean {} of {count}", text(mean));
        ours = Some((turns, bursts));
    }
    drop(emulated);
    let light = Virtual::start();
    let watcher = stage.watch(light.port(), AT_ONCE);
    row("API's word → frame at a virtual stick", &way::turns(&stage, &light, changes, &APART, &mut random).first);
    watcher.stop();

    match origin::measure(&stage, origin_changes, burst) {
        Ok(origin) => {
            row("origin: API's word → first frame", &origin.turns.first);
            row("origin: API's word → final color", &origin.turns.last);
            println!("origin: the last of a burst: {} {}", text(origin.burst.0), origin.burst.1);
            let _ = &ours;
        }
        Err(why) => {
            anyhow::ensure!(!options.require_peers, why);
            println!("{why}");
        }
    }
    println!("\n{times}");
    Ok(())
}

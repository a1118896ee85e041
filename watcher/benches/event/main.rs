//! What one event of the watch of pods costs, from the API's line of JSON to the ledger, beside what others do with it.
//!
//! All take the same lines in turn, round by round, so that a busy machine is busy for all; of each, its fastest round counts.
//! The ledger is full before it begins. Knows nothing of connections: `benches/cluster` does.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, may fail, and has a clock"
)]

mod instructions;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use k8s_openapi::api::core::v1 as stock;
use kube::core::WatchEvent;
use podlight_bed::bench::{self, Table};
use podlight_sim::Crowd;
use serde::de::IgnoredAny;
use watcher::filter::Filter;
use watcher::ledger::{Change, Ledger};
use watcher::pod::Pod;

/// Parse and fold one watch event.
#[derive(Parser)]
struct Args {
    /// Small, and soon over: for CI
    #[arg(long)]
    short: bool,
    /// Fail where a peer can't be measured
    #[arg(long)]
    require_peers: bool,
    /// Count instructions by callgrind instead, and fail where they are too many
    #[arg(long)]
    instructions: bool,
    /// Run this one alone, so often, and print nothing
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "ROUNDS"])]
    only: Vec<String>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A way to deal with a line.
type Way<'a> = (&'static str, Box<dyn FnMut(&str) + 'a>);

const SCAN: &str = "scan (serde_json, `IgnoredAny`)";
const PARSE: &str = "podlight: parse";
const FOLD: &str = "podlight: parse and fold";
const STOCK: &str = "k8s-openapi's `Pod` by serde_json";

fn main() {
    let args = Args::parse();
    let pods = if args.short { 300 } else { 3_000 };
    let crowd = Crowd::new(pods, pods / 30);
    let lines: Vec<String> = (0..pods).map(|pod| line(&crowd, pod, 1)).collect();
    if let [name, rounds] = args.only.as_slice() {
        let mut ways = ways(&crowd);
        let (_, way) = ways.iter_mut().find(|(known, _)| known == name).unwrap();
        (0..rounds.parse().unwrap()).for_each(|_: u32| lines.iter().for_each(|line| way(line)));
        return;
    }
    if args.instructions {
        return instructions::count(lines.len(), &[SCAN, PARSE, FOLD, STOCK]);
    }

    let bytes = lines.iter().map(String::len).sum::<usize>() / lines.len();
    println!("{}\n{pods} events of {bytes} bytes, on average\n", bench::machine());
    let mut ways = ways(&crowd);
    let mut fastest = vec![Duration::MAX; ways.len()];
    for _ in 0..if args.short { 3 } else { 30 } {
        for ((_, way), fastest) in ways.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            lines.iter().for_each(|line| way(line));
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let mut figures: Vec<(String, f64)> =
        ways.iter().zip(&fastest).map(|((name, _), took)| ((*name).to_owned(), micros(*took, lines.len()))).collect();
    match bench::python(&["kubernetes"], "kubernetes") {
        Ok(python) => figures.extend(pythons(Command::new(python), &lines, if args.short { 100 } else { 1_000 })),
        Err(lacks) if args.require_peers => panic!("{lacks}"),
        Err(lacks) => println!("{lacks}\n"),
    }
    let scan = figures[0].1;
    let mut table = Table::new(["one event", "µs", "÷ scan"]);
    for (name, took) in figures {
        table.row([name, format!("{took:.1}"), format!("{:.2}", took / scan)]);
    }
    println!("{table}");
}

fn ways(crowd: &Crowd) -> Vec<Way<'_>> {
    let mut ledger = Ledger::new(Filter::default());
    let now = crowd.now;
    for pod in 0..crowd.pods {
        let WatchEvent::Modified(pod) = read::<Pod>(&line(crowd, pod, 0)) else { unreachable!() };
        ledger.pod(Change::Listed(pod), now);
    }
    ledger.pod(Change::Synced, now);
    vec![
        (
            SCAN,
            Box::new(|line| {
                black_box(serde_json::from_str::<IgnoredAny>(line).unwrap());
            }),
        ),
        (PARSE, Box::new(|line| drop(black_box(read::<Pod>(line))))),
        (
            FOLD,
            Box::new(move |line| {
                let WatchEvent::Modified(pod) = read::<Pod>(line) else { unreachable!() };
                ledger.pod(Change::Applied(pod), now);
                black_box(ledger.take_changed());
            }),
        ),
        (STOCK, Box::new(|line| drop(black_box(read::<stock::Pod>(line))))),
    ]
}

fn read<K: serde::de::DeserializeOwned>(line: &str) -> WatchEvent<K> {
    serde_json::from_str(line).unwrap()
}

/// This pod's `change`, as a watch brings it.
fn line(crowd: &Crowd, pod: usize, change: u64) -> String {
    let mut line = Vec::new();
    crowd.event(pod, change, &mut line);
    String::from_utf8(line).unwrap()
}

/// What Python does with some of the lines, by its own clock.
fn pythons(mut python: Command, lines: &[String], count: usize) -> Vec<(String, f64)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: String = lines.iter().take(count).map(String::as_str).collect();
    std::fs::write(file.path(), text).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/event/peer.py");
    let output = python.arg(script).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figure = |line: &str| {
        let (name, took) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), took.parse().unwrap())
    };
    String::from_utf8(output.stdout).unwrap().lines().map(figure).collect()
}

fn micros(took: Duration, events: usize) -> f64 {
    took.as_secs_f64() * 1e6 / f64::from(u32::try_from(events).unwrap())
}

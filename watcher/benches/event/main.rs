//! What one event of the watch of pods costs, from what the API sends to the ledger, beside what others do with it.
//!
//! All take the same events in turn, round by round, so that a busy machine is busy for all; of each, its fastest round counts.
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
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use watcher::filter::Filter;
use watcher::ledger::{Change, Ledger};
use watcher::pod::Pod;
use watcher::protobuf::{Reading, Said};

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

/// One event, in both encodings.
struct Sent {
    json: String,
    protobuf: Vec<u8>,
}

/// A way to deal with it.
type Way<'a> = (&'static str, Box<dyn FnMut(&Sent) + 'a>);

const SCAN: &str = "scan of the JSON (serde_json, `IgnoredAny`)";
const PARSE: &str = "podlight: parse";
const FOLD: &str = "podlight: parse and fold";
const FOLD_JSON: &str = "podlight: the same, where the API speaks no protobuf";
const STOCK: &str = "k8s-openapi's `Pod` by serde_json";

fn main() {
    let args = Args::parse();
    let pods = if args.short { 300 } else { 3_000 };
    let crowd = Crowd::new(pods, pods / 30);
    let events: Vec<Sent> = (0..pods).map(|pod| sent(&crowd, pod, 1)).collect();
    if let [name, rounds] = args.only.as_slice() {
        let mut ways = ways(&crowd);
        let (_, way) = ways.iter_mut().find(|(known, _)| known == name).unwrap();
        (0..rounds.parse().unwrap()).for_each(|_: u32| events.iter().for_each(way.as_mut()));
        return;
    }
    if args.instructions {
        return instructions::count(events.len(), &[SCAN, PARSE, FOLD, FOLD_JSON, STOCK]);
    }

    let json = events.iter().map(|event| event.json.len()).sum::<usize>() / pods;
    let protobuf = events.iter().map(|event| event.protobuf.len()).sum::<usize>() / pods;
    println!("{}\n{pods} events, on average {json} bytes of JSON, {protobuf} of protobuf\n", bench::machine());
    let mut ways = ways(&crowd);
    let mut fastest = vec![Duration::MAX; ways.len()];
    for _ in 0..if args.short { 3 } else { 30 } {
        for ((_, way), fastest) in ways.iter_mut().zip(&mut fastest) {
            let start = Instant::now();
            events.iter().for_each(way.as_mut());
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let mut figures: Vec<(String, f64)> =
        ways.iter().zip(&fastest).map(|((name, _), took)| ((*name).to_owned(), micros(*took, pods))).collect();
    match bench::python(&["kubernetes"], "kubernetes") {
        Ok(python) => figures.extend(pythons(Command::new(python), &events, if args.short { 100 } else { 1_000 })),
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
    let now = crowd.now;
    let full = || {
        let mut ledger = Ledger::new(Filter::default());
        (0..crowd.pods).for_each(|pod| ledger.pod(Change::Listed(pod_of(read(&sent(crowd, pod, 0).json))), now));
        ledger.pod(Change::Synced, now);
        ledger
    };
    let fold = move |ledger: &mut Ledger, event| {
        ledger.pod(Change::Applied(pod_of(event)), now);
        black_box(ledger.take_changed());
    };
    let (mut parsed, mut folded) = (Reading::new(true), Reading::new(true));
    let (mut by_protobuf, mut by_json) = (full(), full());
    vec![
        (
            SCAN,
            Box::new(|sent| {
                black_box(serde_json::from_str::<IgnoredAny>(&sent.json).unwrap());
            }),
        ),
        (PARSE, Box::new(move |sent| drop(black_box(said(&mut parsed, sent))))),
        (FOLD, Box::new(move |sent| fold(&mut by_protobuf, said(&mut folded, sent)))),
        (FOLD_JSON, Box::new(move |sent| fold(&mut by_json, read(&sent.json)))),
        (STOCK, Box::new(|sent| drop(black_box(read::<stock::Pod>(&sent.json))))),
    ]
}

fn said(reading: &mut Reading<Pod>, sent: &Sent) -> WatchEvent<Pod> {
    reading.take(&sent.protobuf);
    let Ok(Some(Said::Event(event))) = reading.said() else { unreachable!() };
    event
}

fn read<K: DeserializeOwned>(json: &str) -> WatchEvent<K> {
    serde_json::from_str(json).unwrap()
}

fn pod_of(event: WatchEvent<Pod>) -> Pod {
    let WatchEvent::Modified(pod) = event else { unreachable!() };
    pod
}

/// This pod's `change`, as a watch brings it.
fn sent(crowd: &Crowd, pod: usize, change: u64) -> Sent {
    let mut json = Vec::new();
    crowd.event(pod, change, &mut json);
    let event: Value = serde_json::from_slice(&json).unwrap();
    let protobuf = podlight_sim::protobuf::event("MODIFIED", "Pod", &event["object"]);
    Sent { json: String::from_utf8(json).unwrap(), protobuf }
}

/// What Python does with some of the events, by its own clock.
fn pythons(mut python: Command, events: &[Sent], count: usize) -> Vec<(String, f64)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: String = events.iter().take(count).map(|event| event.json.as_str()).collect();
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

//! What is measured, in which order, and how it is told.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use podlight_bed::bench::{self, Plot, Table};
use tempfile::NamedTempFile;

use crate::Size;
use crate::api::Api;
use crate::peer::Peer;
use crate::subject::{Cost, Listed, Subject};

/// A policy that makes use of all that costs something for each pod.
const POLICY: &str = "layout: pods
pods: {namespaces: {except: [kube-system]}, labels: 'app.kubernetes.io/name'}
states:
  unready: {after: 20s, hold: 30s}
  pending: {after: 30s}
  failed: {after: 30s, hold: 2m, effect: blink}
";

/// Measures what was asked for, and prints it.
pub(crate) fn print(size: &Size) {
    println!("{}", bench::machine());
    println!(
        "{} pods on {} nodes, watcher {}, kube 5, k8s-openapi 0.29\n",
        size.pods,
        size.nodes,
        env!("CARGO_PKG_VERSION")
    );
    let python = bench::python(&["kubernetes"], "kubernetes");
    if let Err(lacks) = &python {
        assert!(!size.require_peers, "{lacks}");
        println!("{lacks}\n");
    }
    let wants = |part: &str| size.parts.iter().any(|wanted| wanted == part);
    if wants("list") || wants("events") {
        whole(size, wants("events"), python.as_deref().ok());
    }
    if wants("growth") {
        growth(size);
    }
    if wants("extras") {
        extras(size);
    }
}

/// The list, then events.
fn whole(size: &Size, with_events: bool, python: Option<&Path>) {
    let mut api = Api::start(size.pods, size.nodes);
    let subject = Subject::start(&api.url, &[]);
    let Listed { known, answered: listed, nodes } = subject.lists();
    assert_eq!(nodes.len(), size.nodes, "each node has a verdict");
    let events = with_events.then(|| subject.takes(size.events, || api.emit(size.events)));
    drop(subject);
    let shown = with_events.then(|| {
        let policy = lights(nodes.iter().map(|node| node.name.as_str()));
        let subject = Subject::start(&api.url, &["--policy", policy.path().to_str().unwrap()]);
        subject.lists();
        // That each of them is tried again and again is no part of what an event costs.
        let idle = subject.takes(0, || thread::sleep(Duration::from_secs(if size.short { 1 } else { 10 })));
        let shown = subject.takes(size.events, || api.emit(size.events));
        shown.cpu.saturating_sub(idle.cpu.mul_f64(shown.time.as_secs_f64() / idle.time.as_secs_f64()))
    });
    drop(api);

    let stock = (!size.alone).then(|| {
        let mut api = Api::start(size.pods, size.nodes);
        let peer = Peer::stock(&api.url, size.pods as u64 + size.events);
        let (listed, verdicts) = peer.until("ready");
        assert_eq!(verdicts.split(' ').next(), Some(size.nodes.to_string().as_str()), "each node has a verdict");
        let events = with_events.then(|| peer.takes("done", || api.emit(size.events)));
        (listed, events)
    });
    let mut table = Table::new(["the first lists", "podlight", "kube's reflector", "ratio"]);
    let other = stock.as_ref().map(|(listed, _)| *listed);
    let pods = u32::try_from(size.pods).unwrap();
    table.row(row("peak RSS", &known, other.as_ref(), |cost| cost.peak as f64 / MIB, "MiB"));
    table.row(row("– after an answer that names all nodes", &listed, None, |cost| cost.peak as f64 / MIB, "MiB"));
    table.row(row("start to the last node's verdict", &listed, other.as_ref(), |cost| cost.time.as_secs_f64(), "s"));
    table.row(row("CPU", &listed, other.as_ref(), |cost| cost.cpu.as_secs_f64(), "s"));
    table.row(row("CPU per pod", &listed, other.as_ref(), |cost| micros(cost.cpu / pods), "µs"));
    println!("{table}");

    let (Some(events), Some(shown)) = (events, shown) else { return };
    let other = stock.and_then(|(_, events)| events);
    let count = u32::try_from(size.events).unwrap();
    let python = python.filter(|_| !size.alone).map(|python| {
        // It parses some thousand objects a second.
        let pods = size.pods.min(1_000);
        let mut api = Api::start(pods, size.nodes.min(100));
        let peer = Peer::python(python, &api.url, pods, size.python_events);
        peer.until("ready");
        peer.takes("done", || api.emit(size.python_events))
    });
    let python_count = u32::try_from(size.python_events).unwrap();
    let mut table = Table::new(["events of pods", "podlight", "kube's reflector", "ratio", "Python's client", "ratio"]);
    let mut line = |what: &str, unit: &str, of: &dyn Fn(&Cost, u32) -> f64| {
        let own = of(&events, count);
        let [other, times] = beside(own, other.as_ref().map(|cost| of(cost, count)), unit);
        let [slow, slower] = beside(own, python.as_ref().map(|cost| of(cost, python_count)), unit);
        table.row([what.to_owned(), figure(own, unit), other, times, slow, slower]);
    };
    line("CPU each", "µs", &|cost, count| micros(cost.cpu / count));
    line("a second", "", &|cost, count| f64::from(count) / cost.time.as_secs_f64());
    line("a second a core", "", &|cost, count| f64::from(count) / cost.cpu.as_secs_f64());
    line("peak RSS after them", "MiB", &|cost, _| cost.peak as f64 / MIB);
    let [what, own] = ["CPU each, with a light for each node".to_owned(), figure(micros(shown / count), "µs")];
    let [a, b, c, d] = [(); 4].map(|()| "–".to_owned());
    table.row([what, own, a, b, c, d]);
    println!("{table}");
}

/// A policy with a light for each of these nodes. They are away: what they were to show is worked out and ordered, and nobody
/// takes it.
fn lights<'a>(nodes: impl Iterator<Item = &'a str>) -> NamedTempFile {
    let mut policy = NamedTempFile::new().unwrap();
    writeln!(policy, "lights:").unwrap();
    for (number, node) in nodes.enumerate() {
        // An address each, for a light speaks of one thing; port 9 is for what is discarded.
        writeln!(policy, "- {node}=http://127.{}.{}.{}:9", 1 + (number >> 16), (number >> 8) & 255, number & 255)
            .unwrap();
    }
    policy
}

/// A tenth of the cluster, a hundredth, and so on.
fn growth(size: &Size) {
    let mut table = Table::new([
        "pods",
        "nodes",
        "peak RSS",
        "time",
        "CPU per pod",
        "CPU per event",
        "reflector: peak RSS",
        "time",
        "CPU per pod",
    ]);
    let mut memory = [Vec::new(), Vec::new()];
    let mut times = [Vec::new(), Vec::new()];
    for pods in [size.pods / 150, size.pods / 15, size.pods / 3, size.pods] {
        let nodes = (size.nodes * pods / size.pods).max(1);
        let events = (size.events / 10).max(1);
        let mut api = Api::start(pods, nodes);
        let subject = Subject::start(&api.url, &[]);
        let own = subject.lists().known;
        let each = subject.takes(events, || api.emit(events)).cpu / u32::try_from(events).unwrap();
        drop(subject);
        let other = (!size.alone).then(|| Peer::stock(&api.url, u64::MAX).until("ready").0);
        let count = u32::try_from(pods).unwrap();
        let cells = |cost: &Cost| {
            [
                figure(cost.peak as f64 / MIB, "MiB"),
                figure(cost.time.as_secs_f64(), "s"),
                figure(micros(cost.cpu / count), "µs"),
            ]
        };
        let [peak, time, cpu] = cells(&own);
        let [peak2, time2, cpu2] = other.as_ref().map_or_else(|| [(); 3].map(|()| "–".to_owned()), cells);
        table.row([
            pods.to_string(),
            nodes.to_string(),
            peak,
            time,
            cpu,
            figure(micros(each), "µs"),
            peak2,
            time2,
            cpu2,
        ]);
        for (i, cost) in [Some(own), other].into_iter().enumerate() {
            memory[i].extend(cost.map(|cost| (pods as f64, cost.peak as f64 / MIB)));
            times[i].extend(cost.map(|cost| (pods as f64, cost.time.as_secs_f64())));
        }
    }
    println!("{table}");
    let Some(file) = &size.plot else { return };
    let [own, other] = memory;
    let mut plot = Plot::new("peak RSS, and the time of the first lists", "pods");
    plot.line("podlight, MiB", own);
    plot.line("kube's reflector, MiB", other);
    let [own, other] = times;
    plot.line("podlight, s", own);
    plot.line("kube's reflector, s", other);
    fs::write(file, plot.svg()).unwrap();
}

/// A policy, and a reader of metrics.
fn extras(size: &Size) {
    const SCRAPES: u32 = 20;

    let mut policy = NamedTempFile::new().unwrap();
    policy.write_all(POLICY.as_bytes()).unwrap();
    let api = Api::start(size.pods, size.nodes);
    let plain = Subject::start(&api.url, &[]);
    let without = plain.lists().known;
    let before = plain.usage();
    let bytes = (0..SCRAPES).map(|_| plain.metrics().len()).max().unwrap();
    let scrape = (plain.usage().cpu - before.cpu) / SCRAPES;
    drop(plain);
    let with = Subject::start(&api.url, &["--policy", policy.path().to_str().unwrap()]).lists().known;
    let mut table = Table::new(["besides", "without", "with", "more"]);
    for (what, of, unit) in [
        ("a policy: CPU of the first lists", (&|cost: &Cost| cost.cpu.as_secs_f64()) as &dyn Fn(&Cost) -> f64, "s"),
        ("a policy: peak RSS", &|cost: &Cost| cost.peak as f64 / MIB, "MiB"),
    ] {
        let [own, with] = [of(&without), of(&with)];
        table.row([
            what.to_owned(),
            figure(own, unit),
            figure(with, unit),
            format!("{:+.0} %", 100.0 * (with / own - 1.0)),
        ]);
    }
    let share = scrape.as_secs_f64() / 15.0 * 100.0;
    table.row([
        "a scrape of /metrics each 15 s".to_owned(),
        "–".to_owned(),
        figure(scrape.as_secs_f64() * 1e3, "ms"),
        format!("{share:.3} % of a core, {} KiB", bytes >> 10),
    ]);
    println!("{table}");
}

const MIB: f64 = (1 << 20) as f64;

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn figure(value: f64, unit: &str) -> String {
    let digits = usize::from(value < 100.0) + usize::from(value < 10.0);
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

/// A peer's figure, and how often ours goes into it.
fn beside(own: f64, other: Option<f64>, unit: &str) -> [String; 2] {
    other.map_or_else(|| [(); 2].map(|()| "–".to_owned()), |other| [figure(other, unit), ratio(other / own)])
}

fn ratio(times: f64) -> String {
    let digits = if times < 1.0 { 3 } else { usize::from(times < 100.0) };
    format!("{times:.digits$} ×")
}

fn row(what: &str, own: &Cost, other: Option<&Cost>, of: impl Fn(&Cost) -> f64, unit: &str) -> [String; 4] {
    let [theirs, ratio] = beside(of(own), other.map(&of), unit);
    [what.to_owned(), figure(of(own), unit), theirs, ratio]
}

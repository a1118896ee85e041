//! What the API server pays: one watcher, against a watch for each node, as the origin had it.
//!
//! ```text
//!  load ─────────────────────▶ API server ──▶ proxy, which counts ──▶ watcher ──▶ N lights
//!    and what it costs it ◀──┘     (of KUBECONFIG)      or ──────────▶ N watches of Kubernetes' Python client
//! ```
//!
//! `KUBECONFIG=… cargo bench --bench api`; `-- --short` checks that it works. The API server needs no nodes of its
//! own; nodes, pods and what kubelets say of them are made, and cleared up.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark is read by people, and ends where it fails")]

mod cluster;
mod load;
mod meter;
mod ours;
mod proxy;
mod theirs;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use podlight_bed::bench;
use tokio::time::{sleep, timeout};

use cluster::Cluster;
use load::Load;
use meter::{Costs, Meter};
use ours::Ours;
use proxy::Proxy;
use theirs::{Theirs, Which};

/// Far longer than anything here takes: a benchmark that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the API server pays: one watcher, against a watch for each node
#[derive(Parser)]
struct Arguments {
    /// A few seconds for each: checks that it works
    #[arg(long)]
    short: bool,
    /// Numbers of nodes
    #[arg(long, value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Pods in all, whatever the number of nodes
    #[arg(long)]
    pods: Option<usize>,
    /// Changes of pods in all
    #[arg(long)]
    changes: Option<usize>,
    /// How long nothing changes
    #[arg(long, value_parser = humantime::parse_duration)]
    idle: Option<Duration>,
    /// It is a failure that Python's package is missing
    #[arg(long)]
    require_peers: bool,
    /// As cargo calls it
    #[arg(long, hide = true)]
    bench: bool,
}

/// Whoever watches for N lights.
enum Watching {
    Nobody,
    Ours(Ours),
    Theirs(Theirs),
}

fn main() {
    let arguments = Arguments::parse();
    let python = bench::python(&["kubernetes"], "kubernetes");
    assert!(python.is_ok() || !arguments.require_peers, "{}", python.unwrap_err());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(arguments, python));
}

async fn run(arguments: Arguments, python: Result<PathBuf, String>) {
    let usual = if arguments.short { (vec![1, 3], 30, 60, 1) } else { (vec![1, 10, 50], 300, 600, 20) };
    let sizes = if arguments.nodes.is_empty() { usual.0 } else { arguments.nodes };
    let (pods, changes) = (arguments.pods.unwrap_or(usual.1), arguments.changes.unwrap_or(usual.2));
    let idle = arguments.idle.unwrap_or(Duration::from_secs(usual.3));
    let cluster = Cluster::join().await;
    println!("{}", bench::machine());
    println!(
        "API server {}; {pods} pods, {changes} changes in {:?}",
        cluster.version().await,
        load::PACE * u32::try_from(changes).unwrap()
    );
    let mut table = meter::table();
    for nodes in sizes {
        let load = Load::prepare(&cluster, nodes, pods).await;
        let size = load.size().await;
        let mut measured = Vec::new();
        for who in [None, Some(None), Some(Some(Which::Own)), Some(Some(Which::All))] {
            load.all_run().await;
            let proxy = Proxy::to(cluster.address()).await;
            let settle = Duration::from_millis(if arguments.short { 200 } else { 1000 });
            let start = Meter::start(&cluster, &proxy).await;
            let mut watching = match (who, &python) {
                (None, _) => Watching::Nobody,
                (Some(None), _) => Watching::Ours(Ours::start(&cluster.kubeconfig(&proxy), &load.nodes).await),
                (Some(Some(which)), Ok(python)) => Watching::Theirs(Theirs::start(
                    python,
                    &cluster.kubeconfig(&proxy),
                    &cluster.name,
                    which,
                    &load.nodes,
                )),
                (Some(Some(_)), Err(_)) => {
                    measured.push(None);
                    continue;
                }
            };
            watching.until("green").await;
            let start = start.stop(settle).await;
            let resting = Meter::start(&cluster, &proxy).await;
            sleep(idle).await;
            let idle = resting.stop(settle).await;
            let changing = Meter::start(&cluster, &proxy).await;
            load.change(changes).await;
            watching.until("red").await;
            let changes = changing.stop(settle).await;
            measured.push(Some(Costs { start, changes, idle }));
        }
        cluster.empty().await;
        if let Some(Some(nobody)) = measured.first() {
            println!("{nodes} nodes, pods of {size} bytes of JSON; {}", nobody.alone());
        }
        meter::rows(&mut table, nodes, &measured);
    }
    cluster.clear().await;
    println!("\n{table}");
    println!("CPU is what comes on top of that; by some tenths of a second it varies anyway.");
    match &python {
        Ok(python) => println!(
            "Python: {}; a process for each {} nodes, a connection for each",
            theirs::versions(python),
            theirs::EACH
        ),
        Err(lacks) => println!("{lacks}"),
    }
}

impl Watching {
    /// Waits until all lights show this color.
    async fn until(&mut self, color: &str) {
        let shown = async {
            match self {
                Self::Nobody => {}
                Self::Ours(ours) => ours.until(color).await,
                Self::Theirs(theirs) => theirs.until(color).await,
            }
        };
        assert!(timeout(PATIENCE, shown).await.is_ok(), "not all lights turned {color}");
    }
}

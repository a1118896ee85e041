//! podlight for a long time, under faults: a simulated cluster in which something happens all the time, the real watcher,
//! a real lightd with a virtual stick for each node, and faults at random. No light may ever lie, and no memory grow.
//!
//! ```text
//!  world ─deeds─▶ stage ─▶ simulated API ─HTTP─▶ watcher ─gRPC─▶ pipe ─▶ lightd, one a node
//!    └──▶ objects ─truth─▶ book ◀──────what it says, what its LEDs show───── ┘
//!  faults ─────────────────▶ ┘└▶ lie: the soak has failed
//! ```
//!
//! Another seed is another run, though not to the millisecond: the daemons run by the clock.

mod book;
mod daemon;
mod face;
mod fault;
mod inflict;
mod light;
mod memory;
mod objects;
mod pipe;
mod report;
mod soak;
mod stage;
mod world;

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use futures::future::select_all;
use podlight_sim::{Cluster, Server};
use tokio::time::{interval, sleep};

use light::Light;
use memory::Memory;
use soak::{Soak, unless_failed};
use world::NODES;

/// Runs podlight under faults, and ends with an error as soon as a light lies.
#[derive(Parser)]
#[command(name = "soak")]
struct Options {
    /// For how long, such as 30m; 30s at least
    #[arg(long = "for", value_name = "TIME", default_value = "30m", value_parser = length)]
    length: Duration,
    /// Another seed, other events and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Changes of pods and nodes in a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    rate: u32,
    /// Write what the watcher and the lightds log into this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match memory::settle_allocator().and_then(|()| run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is closed: nobody is there to be told.
            let _ = writeln!(std::io::stderr(), "soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(options: Options) -> anyhow::Result<()> {
    if let Some(file) = &options.log {
        let log = File::create(file).with_context(|| format!("--log {}", file.display()))?;
        tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    }
    let cluster = Cluster::new();
    // More than happens in the longest gap; and soon full, so that it isn't taken for a leak.
    cluster.keep(20 * options.rate as usize);
    // An address of its own: nothing else on this host then takes its port while it is down.
    let mut server =
        cluster.serve(SocketAddr::from((Ipv4Addr::new(127, 0, 2, 1), 0))).await.context("the simulated API")?;
    let kubeconfig = server.kubeconfig().context("a kubeconfig for the watcher")?;
    let mut lights = Vec::new();
    for (index, node) in NODES.into_iter().enumerate() {
        lights.push(Light::start(index, node).await?);
    }
    let soak = Soak::new(options.seed, options.length, cluster, kubeconfig.path().to_owned(), lights);
    soak.play();
    soak.start_watcher()?;

    let mut memory = Memory::default();
    let end = soak_until(&soak, &mut server, &mut memory, &options).await;
    report::print(&soak, &memory, &options);
    end?;
    soak.stop().await?;
    let growth = memory.growth();
    anyhow::ensure!(!growth.is_real(), "memory grows: {growth}");
    Ok(())
}

/// Lets everything go on until it is over, or a light lies.
async fn soak_until(soak: &Soak, server: &mut Server, memory: &mut Memory, options: &Options) -> anyhow::Result<()> {
    let mut seeds = fastrand::Rng::with_seed(options.seed);
    let global = soak.befall_all(server, seeds.fork());
    let local = (0..soak.lights.len()).map(|index| Box::pin(unless_failed(soak.befall(index, seeds.fork()))));
    let looks = (0..soak.lights.len()).map(|index| Box::pin(soak.look_at(index)));
    let words = (0..soak.lights.len()).map(|index| Box::pin(soak.listen_to(index)));
    tokio::select! {
        () = sleep(options.length) => Ok(()),
        never = soak.beat() => never,
        never = soak.events(options.rate) => never,
        error = unless_failed(sample(soak, memory)) => Err(error),
        error = unless_failed(global) => Err(error),
        (error, ..) = select_all(local) => Err(error),
        (lie, index, _) = select_all(words) => Err(anyhow::anyhow!(soak.accuse(index, lie, options.seed))),
        (lie, index, _) = select_all(looks) => Err(anyhow::anyhow!(soak.accuse(index, lie, options.seed))),
    }
}

/// Samples memory each second, and says each minute how things go.
async fn sample(soak: &Soak, memory: &mut Memory) -> anyhow::Result<()> {
    let mut seconds = interval(Duration::from_secs(1));
    for second in 0_u64.. {
        seconds.tick().await;
        memory.sample()?;
        if second > 0 && second.is_multiple_of(60) {
            report::minute(soak, memory, second / 60);
        }
    }
    Ok(())
}

fn length(text: &str) -> Result<Duration, String> {
    let shortest = Duration::from_secs(30);
    humantime::parse_duration(text)
        .ok()
        .filter(|length| *length >= shortest)
        .ok_or_else(|| "give 30s or more".to_owned())
}

//! podlight with no hardware and no cluster: a simulated cluster, served over HTTP to the real watcher, and a real lightd
//! with a virtual stick for each of its nodes.
//!
//! ```text
//!  story ─▶ stage ─▶ simulated API ─HTTP─▶ watcher ─gRPC─▶ lightd, one a node ─▶ frames, states ─▶ view
//!                                                             ▲                                     │
//!                                    │               you, with grpcurl          screen, plain lines, picture
//!                                    └──HTTP──▶ the wall, in your browser
//! ```

mod crew;
mod lights;
mod picture;
mod plain;
mod scene;
mod screen;
mod show;
mod stage;
mod story;
mod terminal;
mod view;

use std::ffi::OsStr;
use std::fs::File;
use std::future::pending;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use podlight_sim::{Cluster, PodBuilder};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};
use watcher::policy::Layout;
use watcher::{Listen, Watcher};

use crew::Crew;
use scene::Scene;
use show::Show;
use story::Story;

/// Between two looks at the lights: as fast as a terminal is pleasant.
const TICK: Duration = Duration::from_millis(55);

/// Shows podlight at work, with no hardware and no cluster: what happens is simulated, everything else is real.
#[derive(Parser)]
#[command(name = "demo")]
struct Options {
    /// Nodes, each with a light of its own
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: u16,
    /// Pods, spread over the nodes
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(..=10_000))]
    pods: u16,
    /// Another seed, another story
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How fast the story goes on: 0.1 to 100
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// End by itself after this time, such as 30s
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    length: Option<Duration>,
    /// Lines of text, one for each change; so it is where standard output is no terminal, or NO_COLOR is set
    #[arg(long)]
    plain: bool,
    /// How the watcher spreads a node's state over its LEDs
    #[arg(long, value_enum, default_value_t = Layout::Pods)]
    layout: Layout,
    /// Where the wall is served, or off [default: 127.0.0.1:8080, or any free port where that is taken]
    #[arg(long, value_name = "ADDRESS:PORT|off")]
    http: Option<Listen>,
    /// At the end, draw what the lights show into this file
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    /// Write what the watcher and the lightds log into this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match demo(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is closed: nobody is there to be told.
            let _ = writeln!(std::io::stderr(), "demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(options: Options) -> anyhow::Result<()> {
    if let Some(file) = &options.log {
        let log = File::create(file).with_context(|| format!("--log {}", file.display()))?;
        tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    }
    let cluster = Cluster::new();
    let story = Story::new(options.seed, options.nodes.into(), options.pods.into(), options.speed);
    let mut scene = Scene::new(story, cluster.clone());
    let mut lightds = Crew::default();
    for (index, node) in scene.nodes().into_iter().enumerate() {
        let light = lights::light(index, node, &mut lightds).await?;
        cluster.apply_pod(PodBuilder::lightd(&light.node, "127.0.0.1", light.address.port()));
        scene.lights.push(light);
    }

    let server = cluster.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.context("the simulated API server")?;
    let kubeconfig = server.kubeconfig().context("a kubeconfig for the watcher")?;
    let daemon = bind(watcher_settings(kubeconfig.path(), options.layout)?, options.http).await?;
    scene.wall = daemon.http_address();
    let mut watcher = Crew::default();
    watcher.start(daemon.run(watcher.stopped()));

    scene.begin();
    let end = tokio::select! {
        end = watch_it(&mut scene, &options) => end,
        error = watcher.fails() => Err(error),
        error = lightds.fails() => Err(error),
    };
    if let (Ok(()), Some(file)) = (&end, &options.picture) {
        std::fs::write(file, picture::draw(&scene.view())).with_context(|| format!("--picture {}", file.display()))?;
    }
    // The watcher first: it hands its lights back.
    watcher.dismiss().await;
    lightds.dismiss().await;
    end
}

fn watcher_settings(kubeconfig: &Path, layout: Layout) -> anyhow::Result<watcher::Settings> {
    let command = ["watcher", "--kubeconfig"].into_iter().map(OsStr::new).chain([kubeconfig.as_os_str()]);
    // Far shorter than by default: in a demo nobody waits for a minute to see that a light doesn't lie.
    let patience = ["--lease", "3s", "--api-silence", "4s", "--listen", "off"].into_iter().map(OsStr::new);
    let settings = watcher::Settings::try_parse_from(command.chain(patience))?;
    // It is its own cluster: nothing that matters can be done to it.
    Ok(watcher::Settings { layout: Some(layout), wall_actions: true, ..settings })
}

/// A watcher whose wall is where it was wanted; where nothing was said, at its usual place or wherever there is room.
async fn bind(settings: watcher::Settings, http: Option<Listen>) -> anyhow::Result<Watcher> {
    let at = |http| watcher::Settings { http, ..settings.clone() };
    match http {
        Some(http) => Watcher::bind(at(http)).await,
        None => match Watcher::bind(at(settings.http)).await {
            Ok(watcher) => Ok(watcher),
            Err(_) => Watcher::bind(at(Listen::At((Ipv4Addr::LOCALHOST, 0).into()))).await,
        },
    }
}

/// Shows the scene until it is over, or someone has seen enough.
async fn watch_it(scene: &mut Scene, options: &Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let over = async {
        match options.length {
            Some(length) => sleep(length).await,
            None => pending().await,
        }
    };
    tokio::pin!(over);
    let mut show = Show::begin(options.plain)?;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = &mut over => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
        scene.go_on();
        // Closed: whoever watched has left.
        if show.show(scene.view()).is_err() {
            return Ok(());
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.1..=100.0).contains(&speed) { Ok(speed) } else { Err("give 0.1 to 100".to_owned()) }
}

//! Edge: the command line. Serves the light of this host, or asks one that serves.

use std::error::Error as _;
use std::io::{IsTerminal as _, Write as _};
use std::iter::successors;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use podlight_tls::{BadPapers, Own, Trust};
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::{Channel, Endpoint};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Lightd, Settings, device_plugin, doctor, screen, status, usb};

/// Bad usage or configuration: sysexits.h's `EX_USAGE`.
const BAD_CONFIGURATION: u8 = 64;
/// How long a light may take to answer a person.
const PATIENCE: Duration = Duration::from_secs(5);

/// Owns the BlinkSticks of this host, and shows on them what it is told over gRPC. With no command, it serves.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Show a color, for a while
    Set {
        /// A CSS color: a name, or #rrggbb
        color: String,
        /// The LED, from 0; all where absent
        #[arg(long, env = "PODLIGHT_INDEX")]
        index: Option<u32>,
        /// How it gets there and stays
        #[arg(long, env = "PODLIGHT_EFFECT", value_enum, default_value_t = Effect::Solid)]
        effect: Effect,
        /// Of the effect: a morph's length, a pulse's or blink's cycle
        #[arg(long, env = "PODLIGHT_PERIOD", value_parser = humantime::parse_duration)]
        period: Option<Duration>,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        server: Server,
    },
    /// Flash, so that someone finds this box
    Identify {
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        server: Server,
    },
    /// Drop what `set` and `identify` hold
    Release(Server),
    /// What shows now, and why
    Status {
        /// Go on, and print each change
        #[arg(long, env = "PODLIGHT_WATCH")]
        watch: bool,
        #[command(flatten)]
        server: Server,
    },
    /// The BlinkSticks of this host
    List,
    /// What is wrong with the BlinkSticks of this host, and what helps
    Doctor,
    /// Print the udev rule that lets lightd open BlinkSticks without being root
    UdevRules,
    /// Serve the kubelet of this node: offer pods the device nodes that BlinkSticks may get (podlight.dev/usb-stick)
    DevicePlugin(device_plugin::Settings),
}

#[derive(Args)]
struct Hold {
    /// For how long, such as 90s, 10m or 2h; at most 24h [default: 5m; identify: 60s]
    #[arg(long, visible_alias = "for", env = "PODLIGHT_HOLD", value_parser = humantime::parse_duration)]
    hold: Option<Duration>,
    /// Who asks, for others to read
    #[arg(long, env = "PODLIGHT_OWNER", default_value = "")]
    owner: String,
}

#[derive(Args)]
struct Server {
    /// The lightd to ask
    #[arg(long, env = "PODLIGHT_SERVER", default_value = "http://127.0.0.1:50051", value_name = "URL")]
    server: String,
    /// The CAs of the lightd that is asked, in PEM, where its URL is https://
    #[arg(long, env = "PODLIGHT_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show to it, in PEM
    #[arg(long, env = "PODLIGHT_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The private key of --cert, in PEM
    #[arg(long, env = "PODLIGHT_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Effect {
    Solid,
    Morph,
    Pulse,
    Blink,
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let Cli { command, settings } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // That nobody reads it is no reason to fail otherwise.
            let _ = error.print();
            return if error.use_stderr() { BAD_CONFIGURATION.into() } else { ExitCode::SUCCESS };
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into(), ExitCode::FAILURE),
    };
    let Some(command) = command else {
        return match settings.check() {
            Ok(()) => {
                let code =
                    |e: &anyhow::Error| if e.is::<BadPapers>() { BAD_CONFIGURATION.into() } else { ExitCode::FAILURE };
                runtime.block_on(serve(settings)).map_or_else(|e| fail(&e, code(&e)), |()| ExitCode::SUCCESS)
            }
            Err(error) => fail(&error, BAD_CONFIGURATION.into()),
        };
    };
    runtime.block_on(run(command)).unwrap_or_else(|error| fail(&error, ExitCode::FAILURE))
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
fn fail(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("error: {error:#}");
    code
}

fn print(text: &str) {
    // That nobody reads any further is no error.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

#[expect(clippy::disallowed_methods, reason = "it is for all commands, and as other programs have it: no flag")]
fn log() {
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let said = std::env::var("PODLIGHT_LOG").ok();
    tracing_subscriber::registry().with(filter(said.as_deref())).with(lines).init();
}

/// What to log: as `said`, as in "lightd=debug".
fn filter(said: Option<&str>) -> Targets {
    let usual = || Targets::new().with_default(LevelFilter::INFO);
    said.and_then(|said| said.parse().ok()).unwrap_or_else(usual)
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    log();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut stopped = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let lightd = Lightd::bind(settings).await?;
    let drawing = tokio::spawn(screen::draw(lightd.frames()));
    let (stop, stopping) = tokio::sync::oneshot::channel();
    let signals = async move {
        stopped().await;
        let _ = stop.send(());
        stopped().await;
    };
    let result = tokio::select! {
        result = lightd.run(async { drop(stopping.await) }) => result,
        // A second signal: at once.
        () = signals => Ok(()),
    };
    drawing.abort();
    result
}

async fn plug_in(settings: device_plugin::Settings) -> anyhow::Result<()> {
    log();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopped = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    device_plugin::run(settings, usb::buses_of_sticks, stopped).await
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let state = match command {
        Command::Set { color, index, effect, period, hold, server } => {
            let request = v1::SetColorRequest {
                color,
                index,
                effect: v1::Effect::from(effect).into(),
                hold: wire(hold.hold)?,
                owner: hold.owner,
                period: wire(period)?,
            };
            server.connect().await?.set_color(request).await
        }
        Command::Identify { hold, server } => {
            let request = v1::IdentifyRequest { hold: wire(hold.hold)?, owner: hold.owner };
            server.connect().await?.identify(request).await
        }
        Command::Release(server) => server.connect().await?.release(v1::ReleaseRequest {}).await,
        Command::Status { watch: false, server } => server.connect().await?.get_state(v1::GetStateRequest {}).await,
        Command::Status { watch: true, server } => {
            let watch = server.connect().await?.watch_state(v1::WatchStateRequest {}).await;
            let mut states = watch.map_err(said)?.into_inner();
            while let Some(state) = states.message().await.map_err(said)? {
                print(&status::text(&state, screen::has_color()));
                print("");
            }
            bail!("lightd has stopped");
        }
        Command::List => {
            print(&doctor::list(&usb::survey()));
            return Ok(ExitCode::SUCCESS);
        }
        Command::Doctor => {
            let findings = doctor::findings(&usb::survey());
            print(&doctor::text(&findings));
            return Ok(if doctor::is_well(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::UdevRules => {
            print(doctor::UDEV_RULES);
            return Ok(ExitCode::SUCCESS);
        }
        Command::DevicePlugin(settings) => return plug_in(settings).await.map(|()| ExitCode::SUCCESS),
    };
    print(&status::text(&state.map_err(said)?.into_inner(), screen::has_color()));
    Ok(ExitCode::SUCCESS)
}

impl Server {
    async fn connect(&self) -> anyhow::Result<LightClient<Channel>> {
        let endpoint = Endpoint::from_shared(self.server.clone())
            .with_context(|| format!("--server {}: give a URL such as http://127.0.0.1:50051", self.server))?;
        let endpoint = endpoint.connect_timeout(PATIENCE);
        let (cert, key, ca) = (self.cert.clone(), self.key.clone(), self.ca.clone());
        let files = podlight_tls::all_or_none(("--cert", cert), ("--key", key), ("--ca", ca))?;
        let channel = match (files, self.server.starts_with("https://")) {
            (Some(files), true) => {
                let (mut trust, _) = Trust::read(files)?;
                podlight_tls::dial(endpoint, trust.papers(), Own::Host).await
            }
            (None, false) => endpoint.connect().await,
            (Some(_), false) => bail!("--server {}: give an https URL with --cert, --key and --ca", self.server),
            (None, true) => bail!("--server {}: https takes --cert, --key and --ca", self.server),
        };
        let channel = channel.map_err(|error| {
            let error = anyhow::Error::from(error);
            anyhow::anyhow!("no lightd answers at {} ({}); is it running?", self.server, error.root_cause())
        })?;
        Ok(LightClient::new(channel))
    }
}

/// What the light said, without the transport's words around it; or what is wrong with the connection.
fn said(status: tonic::Status) -> anyhow::Error {
    let why = successors(status.source(), |&error| error.source()).last().map(ToString::to_string);
    anyhow::anyhow!("{}", why.as_deref().unwrap_or(status.message()))
}

fn wire(duration: Option<Duration>) -> anyhow::Result<Option<prost_types::Duration>> {
    duration.map(prost_types::Duration::try_from).transpose().context("a duration of more than 10,000 years")
}

impl From<Effect> for v1::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Solid => Self::Solid,
            Effect::Morph => Self::Morph,
            Effect::Pulse => Self::Pulse,
            Effect::Blink => Self::Blink,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use tracing::Level;

    #[test]
    fn each_flag_has_its_environment_twin() {
        let cli = Cli::command();
        let commands = std::iter::once(&cli).chain(cli.get_subcommands());
        for flag in commands.flat_map(clap::Command::get_arguments) {
            let Some(name) = flag.get_long().filter(|name| !["help", "version"].contains(name)) else { continue };
            let twin = format!("PODLIGHT_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(twin.as_str()), "--{name}");
        }
    }

    #[test]
    fn what_is_logged_is_as_said() {
        let logs = |said, level| filter(said).would_enable("lightd::keeper", &level);
        assert!(logs(None, Level::INFO) && !logs(None, Level::DEBUG));
        assert!(logs(Some("lightd=debug"), Level::DEBUG));
        assert!(!logs(Some("h2=debug"), Level::ERROR));
        assert!(logs(Some("lightd=loud"), Level::INFO));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

//! Edge: the command line. Watches a cluster, asks a watcher that does, or makes certificates.

mod certs;
mod people;
mod reach;
mod text;

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::policy::Question;
use crate::{Misconfigured, Settings, files};

/// Watches a cluster's pods and nodes, and shows on BlinkSticks how they are. With no command, it watches.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Logs go to stderr; PODLIGHT_LOG (or RUST_LOG) filters them, as in \"watcher=debug\"."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Ask(people::Command),
    /// Check, explain or print policies, with no cluster
    #[command(subcommand)]
    Policy(Question),
}

/// Bad usage or configuration: sysexits.h's `EX_USAGE`.
const BAD_CONFIGURATION: u8 = 64;
/// By this name kubectl finds its plugin: `kubectl podlight`.
const PLUGIN: &str = "kubectl-podlight";

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse().and_then(unless_plugin) {
        Ok(cli) => cli,
        Err(error) => {
            // That nobody reads it is no reason to fail otherwise.
            error.print().ok();
            return if error.use_stderr() { BAD_CONFIGURATION.into() } else { ExitCode::SUCCESS };
        }
    };
    // One thread is plenty for a large cluster's events. And should it hang, no other renews leases for it.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let end = match cli.command {
        Some(Command::Ask(command)) => runtime.block_on(command.run()),
        Some(Command::Policy(question)) => {
            question.answer(Timestamp::now()).map_err(Into::into).and_then(|answer| people::print(&answer))
        }
        None => runtime.block_on(watch(cli.settings)),
    };
    // What people asked through the Kubernetes API may leave threads that wait for it.
    runtime.shutdown_background();
    end.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

/// A plugin of kubectl asks, and never watches.
fn unless_plugin(cli: Cli) -> Result<Cli, clap::Error> {
    let name = std::env::args_os().next();
    let plugin = name.as_deref().and_then(|name| Path::new(name).file_name()) == Some(OsStr::new(PLUGIN));
    if plugin && cli.command.is_none() {
        let mut command = Cli::command().bin_name("kubectl podlight");
        return Err(command.error(ErrorKind::MissingSubcommand, "say what to ask, as in: kubectl podlight status"));
    }
    Ok(cli)
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    if error.is::<Misconfigured>() { BAD_CONFIGURATION.into() } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "RUST_LOG is many programs', so these are no flags of ours")]
fn log() {
    let said = ["PODLIGHT_LOG", "RUST_LOG"].map(|name| std::env::var(name).ok());
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter(said)).with(lines).init();
}

/// What to log: the first that says so, as in "watcher=debug".
fn filter(said: [Option<String>; 2]) -> Targets {
    // kube reports each failed try, which the watcher says once, when it begins; and it may print whole lists.
    let usual = || Targets::new().with_default(LevelFilter::INFO).with_target("kube_client", LevelFilter::OFF);
    said.into_iter().flatten().find_map(|said| said.parse().ok()).unwrap_or_else(usual)
}

async fn watch(settings: Settings) -> anyhow::Result<()> {
    log();
    if let Err(error) = files::raise() {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let (stop, stopped) = oneshot::channel();
    let signals = async move {
        signalled().await;
        stop.send(()).ok();
        signalled().await;
    };
    tokio::select! {
        result = crate::run(settings, async { drop(stopped.await) }) => result,
        // A second signal: at once.
        () = signals => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn each_flag_has_its_environment_twin() {
        let cli = Cli::command();
        let below = cli.get_subcommands().flat_map(clap::Command::get_subcommands);
        let commands = std::iter::once(&cli).chain(cli.get_subcommands()).chain(below);
        for flag in commands.flat_map(clap::Command::get_arguments) {
            let Some(name) = flag.get_long().filter(|name| !["help", "version"].contains(name)) else { continue };
            let twin = format!("PODLIGHT_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(twin.as_str()), "--{name}");
        }
    }

    #[test]
    fn the_first_who_says_what_to_log_is_heard() {
        let logs = |said: [Option<&str>; 2], target: &str, level| {
            filter(said.map(|said| said.map(str::to_owned))).would_enable(target, &level)
        };
        let (debug, nonsense) = (Some("watcher=debug,h2=warn"), Some("watcher=loud"));
        assert!(logs([None, None], "watcher::link", Level::INFO));
        assert!(!logs([None, None], "watcher::link", Level::DEBUG));
        assert!(!logs([None, None], "kube_client::client", Level::ERROR));
        assert!(logs([debug, Some("off")], "watcher::link", Level::DEBUG));
        assert!(logs([nonsense, debug], "watcher::link", Level::DEBUG));
        assert!(!logs([None, debug], "h2", Level::INFO));
        assert!(!logs([None, debug], "lightd", Level::ERROR));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

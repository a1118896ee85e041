//! The binary: reads the command line, sets up logs and signals, runs the library.

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;
use watcher::{Misconfigured, Settings};

/// Watches a cluster's pods and nodes, and shows on BlinkSticks how they are.
#[derive(Parser)]
#[command(version, after_help = "Logs go to stderr; PODLIGHT_LOG (or RUST_LOG) filters them, as in \"watcher=debug\".")]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

/// Bad usage or configuration: sysexits.h's `EX_USAGE`.
const BAD_CONFIGURATION: u8 = 64;
/// kube reports each failed try, which the watcher says once, when it begins; and it may print whole lists.
const LOG: &str = "info,kube_client=off,kube_runtime=off";

/// One thread is plenty for a large cluster's events. And should it hang, no other renews leases for it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // That nobody reads it is no reason to fail otherwise.
            error.print().ok();
            return if error.use_stderr() { BAD_CONFIGURATION.into() } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    if error.is::<Misconfigured>() { BAD_CONFIGURATION.into() } else { ExitCode::FAILURE }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("PODLIGHT_LOG").or_else(|_| EnvFilter::try_from_default_env());
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(LOG)))
        .with_writer(std::io::stderr)
        .init();
    if let Err(error) = watcher::files::raise() {
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
        result = watcher::run(settings, async { drop(stopped.await) }) => result,
        // A second signal: at once.
        () = signals => Ok(()),
    }
}

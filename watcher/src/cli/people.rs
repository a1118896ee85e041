//! Edge: what people ask on the command line of a watcher that runs, wherever that is.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use podlight_proto::v1;
use prost::{Message, Name};

use super::certs::Certs;
use super::text;
use crate::json::json;

/// What people ask.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// All nodes and their lights, worst first
    Status {
        /// Go on, and print each change
        #[arg(long, short, env = "PODLIGHT_WATCH")]
        watch: bool,
        #[command(flatten)]
        how: How,
    },
    /// Why a node's light shows what it shows
    Explain {
        /// The node
        node: String,
        /// So many of its worst pods
        #[arg(long, env = "PODLIGHT_PODS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
        pods: u32,
        #[command(flatten)]
        how: How,
    },
    /// Flash a node's light, so that someone finds its box
    Identify {
        /// The node
        node: String,
        /// Dim all other lights for as long
        #[arg(long, env = "PODLIGHT_OTHERS_DIM")]
        others_dim: bool,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        how: How,
    },
    /// Show a color on a node's light, for a while
    Set {
        /// The node
        node: String,
        /// A CSS color: a name, or #rrggbb
        color: String,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        how: How,
    },
    /// Drop what `set` and `identify` hold
    Release {
        /// The node
        node: String,
        /// The lights of all other nodes, too
        #[arg(long, env = "PODLIGHT_OTHERS")]
        others: bool,
        #[command(flatten)]
        how: How,
    },
    /// Say that someone sees to what is wrong with a node: its light is calm until that changes
    Ack {
        /// The node
        node: String,
        /// No longer
        #[arg(long, env = "PODLIGHT_REVOKE")]
        revoke: bool,
        #[command(flatten)]
        hold: Hold,
        #[command(flatten)]
        how: How,
    },
    Certs(Certs),
}

/// How long a wish holds, and whose it is.
#[derive(Args, Debug)]
pub(super) struct Hold {
    /// For how long, such as 90s, 10m or 2h [default: set: 5m, identify: 60s, ack: 8h]
    #[arg(long, visible_alias = "for", env = "PODLIGHT_HOLD", value_parser = humantime::parse_duration)]
    hold: Option<Duration>,
    /// Who asks, for others to read
    #[arg(long, env = "PODLIGHT_OWNER", default_value = "")]
    owner: String,
}

/// Which watcher, and how it shall answer.
#[derive(Args, Debug)]
pub(super) struct How {
    /// The watcher to ask, such as http://127.0.0.1:50052 [default: the one that leads in the cluster, through the
    /// Kubernetes API, as kubectl port-forward does]
    #[arg(long, env = "PODLIGHT_SERVER", value_name = "URL")]
    pub(super) server: Option<String>,
    /// The kubeconfig file to find it by [default: as kubectl]
    #[arg(long, env = "PODLIGHT_KUBECONFIG", value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context [default: its current one]
    #[arg(long, env = "PODLIGHT_CONTEXT", value_name = "NAME")]
    pub(super) context: Option<String>,
    /// How to print it
    #[arg(long, short, env = "PODLIGHT_OUTPUT", value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs: a message of the contract
    Json,
}

impl Command {
    /// Asks, and prints the answer.
    ///
    /// # Errors
    /// The watcher can't be reached, or refuses.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Status { watch: false, how } => {
                let list = how.connect().await?.list_nodes(v1::ListNodesRequest {}).await.map_err(said)?.into_inner();
                let vouching = list.vouching.clone().unwrap_or_default();
                how.print(&list, |color| text::table(&list.nodes, &vouching, color))
            }
            Self::Status { watch: true, how } => how.follow().await,
            Self::Explain { node, pods, how } => {
                let request = v1::ExplainNodeRequest { node, pods: Some(pods) };
                let answer = how.connect().await?.explain_node(request).await.map_err(said)?.into_inner();
                how.print(&answer, |color| text::explanation(&answer, now(), color))
            }
            Self::Identify { node, others_dim, hold, how } => {
                let request = v1::IdentifyNodeRequest {
                    node: node.clone(),
                    hold: wire(hold.hold)?,
                    owner: hold.owner,
                    others_dim,
                };
                let answer = how.connect().await?.identify_node(request).await.map_err(said)?.into_inner();
                how.print(&answer, |_| text::identified(&node, &answer))
            }
            Self::Set { node, color, hold, how } => {
                let color = v1::SetColorRequest {
                    color,
                    hold: wire(hold.hold)?,
                    owner: hold.owner,
                    ..v1::SetColorRequest::default()
                };
                let request = v1::SetNodeColorRequest { node: node.clone(), color: Some(color) };
                let state = how.connect().await?.set_node_color(request).await.map_err(said)?.into_inner();
                how.print(&state, |color| text::shows(&node, &state, color))
            }
            Self::Release { node, others, how } => {
                let request = v1::ReleaseNodeRequest { node: node.clone(), others };
                let state = how.connect().await?.release_node(request).await.map_err(said)?.into_inner();
                how.print(&state, |color| text::shows(&node, &state, color))
            }
            Self::Certs(certs) => print(&certs.make()?),
            Self::Ack { node, revoke, hold, how } => {
                let request = v1::AcknowledgeNodeRequest { node, hold: wire(hold.hold)?, owner: hold.owner, revoke };
                let node = how.connect().await?.acknowledge_node(request).await.map_err(said)?.into_inner();
                how.print(&node, |color| text::acknowledged(&node, color))
            }
        }
    }
}

impl How {
    /// Prints all nodes, again after each change; in place, where that is a terminal.
    async fn follow(&self) -> anyhow::Result<()> {
        let watch = self.connect().await?.watch_nodes(v1::WatchNodesRequest {}).await.map_err(said)?;
        let (mut changes, mut nodes) = (watch.into_inner(), text::Nodes::default());
        while let Some(change) = changes.message().await.map_err(said)? {
            let vouching = change.vouching.clone().unwrap_or_default();
            if self.output == Output::Json {
                print(&json(&change, false)?)?;
                continue;
            }
            nodes.take(change);
            let table = text::table(nodes.all(), &vouching, has_color());
            print(&if std::io::stdout().is_terminal() { format!("\x1b[H\x1b[2J{table}") } else { table + "\n" })?;
        }
        anyhow::bail!("the watcher has stopped")
    }

    fn print<T: Message + Name>(&self, message: &T, text: impl FnOnce(bool) -> String) -> anyhow::Result<()> {
        match self.output {
            Output::Text => print(&text(has_color())),
            Output::Json => print(&json(message, true)?),
        }
    }
}

/// That nobody reads any further is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output"),
    }
}

/// Whether standard output shows colors: it is a terminal, and `NO_COLOR` (no-color.org) isn't set.
#[expect(clippy::disallowed_methods, reason = "NO_COLOR is every program's, so it is no flag of ours")]
fn has_color() -> bool {
    std::io::stdout().is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the clock of the command line")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// What the watcher said, without the transport's words around it.
fn said(status: tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{}", status.message())
}

fn wire(duration: Option<Duration>) -> anyhow::Result<Option<prost_types::Duration>> {
    duration.map(prost_types::Duration::try_from).transpose().context("a duration of more than 10,000 years")
}

//! What people ask of the watcher, on its way to the [board](crate::board) and back. Keeps questions and refusals; refuses to
//! know by which protocol they came.

use std::net::IpAddr;
use std::time::Duration;

use podlight_proto::v1::{self, ExplainNodeResponse, Vouching};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::connection::Connection;
use crate::figures::Figures;

/// Where people's questions go.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) asks: mpsc::Sender<Ask>,
    /// Wakes whoever waits for something new.
    pub(crate) news: watch::Receiver<u64>,
    /// Where the watcher runs that leads, while this one doesn't.
    pub(crate) leader: watch::Receiver<Option<IpAddr>>,
}

/// A question, and where the answer goes.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Whether the first lists are complete.
    Listed(Reply<()>),
    /// What is new of all nodes since this count; all, where there is none.
    Nodes(Option<u64>, Reply<Nodes>),
    /// All about this node, with so many of its worst pods.
    Explain(String, usize, Reply<ExplainNodeResponse>),
    /// All in figures.
    Figures(Reply<Box<Figures>>),
    /// How to reach this node's lights; or those of all others.
    Reach(String, Whose, Reply<Vec<Connection>>),
    /// Somebody, by name, sees to this node for so long; nobody does any longer, where that is nothing.
    Acknowledge(String, Option<(String, Duration)>, Reply<v1::Node>),
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// Whose lights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The node's.
    Its,
    /// Of all other nodes.
    Others,
}

/// What is new of all nodes.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// It is all there is.
    pub(crate) whole: bool,
    pub(crate) nodes: Vec<v1::Node>,
    pub(crate) gone: Vec<String>,
    pub(crate) vouching: Vouching,
    /// To ask from, the next time.
    pub(crate) count: u64,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("the first lists of pods and nodes aren't complete yet; try again in a moment")]
    NotListed,
    #[error("node: {node:?} is not valid; give the name of a node{}", nearest(.near))]
    NoSuchNode { node: String, near: Vec<String> },
    #[error("node {0} has no light: no lightd runs on it, and --light names none")]
    NoLight(String),
    #[error("the light of node {node} is out of reach: {why}")]
    OutOfReach { node: String, why: String },
    #[error("another watcher leads and speaks to the lights; ask {}", leader(.0))]
    StandsBy(String),
    #[error("nothing is wrong with node {0}")]
    NothingWrong(String),
    #[error("the watcher stops")]
    Stops,
}

fn nearest(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", as {}", names.join(" or ")) }
}

fn leader(name: &str) -> &str {
    if name.is_empty() { "that one" } else { name }
}

impl Desk {
    /// # Errors
    /// The first lists aren't complete.
    pub(crate) async fn is_listed(&self) -> Result<(), Refusal> {
        self.ask(Ask::Listed).await
    }

    /// # Errors
    /// The first lists aren't complete.
    pub(crate) async fn nodes(&self, since: Option<u64>) -> Result<Nodes, Refusal> {
        self.ask(|reply| Ask::Nodes(since, reply)).await
    }

    /// # Errors
    /// The watcher stops.
    pub(crate) async fn figures(&self) -> Result<Box<Figures>, Refusal> {
        self.ask(Ask::Figures).await
    }

    /// # Errors
    /// There is no such node.
    pub(crate) async fn explain(&self, node: String, pods: usize) -> Result<ExplainNodeResponse, Refusal> {
        self.ask(|reply| Ask::Explain(node, pods, reply)).await
    }

    /// # Errors
    /// There is no such node, nothing is wrong with it, or this watcher doesn't lead.
    pub(crate) async fn acknowledge(&self, node: String, by: Option<(String, Duration)>) -> Result<v1::Node, Refusal> {
        self.ask(|reply| Ask::Acknowledge(node, by, reply)).await
    }

    /// # Errors
    /// There is no such node, it has no light that can be reached, or this watcher doesn't lead.
    pub(crate) async fn reach(&self, node: String, whose: Whose) -> Result<Vec<Connection>, Refusal> {
        self.ask(|reply| Ask::Reach(node, whose, reply)).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_| Refusal::Stops)?;
        answer.await.unwrap_or(Err(Refusal::Stops))
    }
}

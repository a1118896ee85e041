//! One session with one light. Keeps the connection; refuses to know Kubernetes, other lights, and any order but the
//! newest.
//!
//! ```text
//!  order (newest) ──▶ pace ──at most one in flight──▶ StreamColors ──▶ lightd
//!  fresh ────────────▶ │ ◀────────────── ColorStatus ◀──────────────────┘
//!                      └──▶ how many LEDs it has
//! ```
//!
//! A light that can't be reached is a state: it is tried again until the order's sender is gone.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{ColorCommand, ColorStatus};
use podlight_proto::{Command, Lease, Look, Reason};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::backoff::Backoff;
use crate::lights::Light;
use crate::pace::Pace;

/// What a light shall do. A newer order replaces an older one, whether that was heard or not.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Show this for as long as it can be vouched for.
    Show(Arc<Show>),
    /// Show it no longer: the watcher stops.
    HandBack,
}

/// What a light shall show, and why.
#[derive(Debug)]
pub(crate) struct Show {
    /// Grows with each change.
    pub(crate) version: u64,
    /// What the light speaks of.
    pub(crate) node: String,
    pub(crate) reason: Reason,
    pub(crate) looks: Vec<Look>,
}

/// A light's session, and what joins it to the rest.
pub(crate) struct Link {
    pub(crate) light: Light,
    pub(crate) epoch: u64,
    pub(crate) lease: Duration,
    pub(crate) order: watch::Receiver<Order>,
    /// Whether the order may be vouched for.
    pub(crate) fresh: watch::Receiver<bool>,
    /// Is told how many LEDs the light has.
    pub(crate) leds: mpsc::Sender<(Light, usize)>,
    /// [`Terms::Untried`] to begin with.
    pub(crate) terms: Terms,
}

/// How we and the light are, as last logged: a state is logged when it begins, not at each retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Not tried yet.
    #[default]
    Untried,
    /// Shows what it was told.
    Obeys,
    /// Obeys a newer watcher.
    Fenced,
    /// Found fault with what it was told.
    Refuses,
    /// Can't be reached, or doesn't answer.
    Down,
}

/// Why a session ended.
#[derive(Debug, Error)]
enum Down {
    #[error("can't connect")]
    Unreachable(#[source] tonic::transport::Error),
    #[error("no answer")]
    Silent,
    #[error("the stream was closed")]
    Closed,
    #[error("{}: {}", .0.code(), .0.message())]
    Failed(Box<tonic::Status>),
}

/// Long enough for a busy host far away; short against a lease.
const OPENING: Duration = Duration::from_secs(5);
/// For the last word to a light. Whoever stops the watcher waits for it.
const PARTING: Duration = Duration::from_secs(1);
/// A status is a few kB at most, with a state for each of 192 LEDs. A light that sends more is none.
const LARGEST_STATUS: usize = 64 * 1024;
/// HTTP/2's smallest default: enough for statuses, and it bounds what a light can make us hold.
const WINDOW: u32 = 65_535;

/// Connects to what listens at `url`.
pub(crate) async fn dial(url: &str) -> Result<Channel, tonic::transport::Error> {
    endpoint(url)?.connect().await
}

/// A dead peer is noticed by pings, even when there is nothing to say.
fn endpoint(url: &str) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(url.to_owned())?
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW))
}

impl Link {
    /// Keeps the light told, until it is handed back or the order's sender is gone. `dial` connects to it.
    pub(crate) async fn run<F>(mut self, dial: impl Fn() -> F)
    where
        F: Future<Output = Result<Channel, tonic::transport::Error>>,
    {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut over = self.order.clone();
        let mut over = pin!(async move { over.wait_for(|order| matches!(order, Order::HandBack)).await.map(drop) });
        loop {
            // There is nothing to say before.
            tokio::select! {
                fresh = self.fresh.wait_for(|fresh| *fresh) => if fresh.is_err() { return },
                _ = &mut over => return,
            }
            let session = tokio::select! {
                opened = timeout(OPENING, self.open(dial())) => opened.unwrap_or(Err(Down::Silent)),
                _ = &mut over => return,
            };
            let down = match session {
                Ok(session) => match self.speak(session, &mut backoff).await {
                    Ok(()) => return,
                    Err(down) => down,
                },
                Err(down) => down,
            };
            self.note(Terms::Down, &crate::chain(&down));
            tokio::select! {
                () = sleep(backoff.next(fastrand::f64())) => {}
                _ = &mut over => return,
            }
        }
    }

    /// Opens the stream with the whole state: a server may want to hear before it answers.
    async fn open(
        &mut self,
        dial: impl Future<Output = Result<Channel, tonic::transport::Error>>,
    ) -> Result<Session, Down> {
        let channel = dial.await.map_err(Down::Unreachable)?;
        let mut client = LightClient::new(channel).max_decoding_message_size(LARGEST_STATUS);
        let (commands, stream) = mpsc::channel(1);
        let mut pace = Pace::new(self.lease);
        let order = self.order.borrow().clone();
        if let Order::Show(show) = order
            && *self.fresh.borrow()
        {
            pace.said(show.version, Instant::now().into_std());
            commands.try_send(self.command(&show)).map_err(|_| Down::Closed)?;
        }
        let statuses = client.stream_colors(ReceiverStream::new(stream)).await?.into_inner();
        Ok(Session { pace, commands, statuses })
    }

    /// Says what is due and hears the answers. Ends well where there is nothing more to say.
    async fn speak(&mut self, mut session: Session, backoff: &mut Backoff) -> Result<(), Down> {
        loop {
            let now = Instant::now().into_std();
            let fresh = *self.fresh.borrow_and_update();
            let order = self.order.borrow_and_update().clone();
            match order {
                Order::HandBack => {
                    self.hand_back(session).await;
                    return Ok(());
                }
                Order::Show(show) if session.pace.due(show.version, fresh, now) => {
                    session.commands.try_send(self.command(&show)).map_err(|_| Down::Closed)?;
                    session.pace.said(show.version, now);
                }
                Order::Show(_) if session.pace.overdue(now) => return Err(Down::Silent),
                Order::Show(_) => {}
            }
            let next = session.pace.next(fresh).map(Instant::from_std);
            tokio::select! {
                status = session.statuses.message() => {
                    let status = status?.ok_or(Down::Closed)?;
                    if self.heard(status, &mut session.pace).await {
                        backoff.reset();
                    }
                }
                changed = self.order.changed() => if changed.is_err() { return Ok(()) },
                changed = self.fresh.changed() => if changed.is_err() { return Ok(()) },
                () = at(next) => {}
            }
        }
    }

    /// Takes in a status. True where it answers the command in flight.
    async fn heard(&mut self, status: ColorStatus, pace: &mut Pace) -> bool {
        let outcome = status.outcome();
        let leds = status.light.map_or(0, |light| light.led_count.try_into().unwrap_or(Command::MOST_LOOKS));
        if leds > 0 {
            // Whoever reads this never waits for a light: so this wait is short.
            self.leds.send((self.light.clone(), leds.min(Command::MOST_LOOKS))).await.ok();
        }
        let terms = match outcome {
            Outcome::Applied => Terms::Obeys,
            Outcome::Fenced => Terms::Fenced,
            Outcome::Invalid => Terms::Refuses,
            Outcome::Changed | Outcome::Unspecified => return false,
        };
        let answers = status.epoch == self.epoch && pace.answered(status.version);
        if answers {
            self.note(terms, &status.message);
        }
        answers
    }

    /// The last word. A light that doesn't take it goes stale by its lease.
    async fn hand_back(&self, mut session: Session) {
        let Some((version, in_flight)) = session.pace.last() else { return };
        let last = Command {
            epoch: self.epoch,
            version,
            lease: Lease::Over,
            node: self.light.to_string(),
            reason: Reason { text: "the watcher has stopped".to_owned(), ..Reason::default() },
            looks: Vec::new(),
        };
        if session.commands.try_send(last.into()).is_err() {
            return;
        }
        drop(session.commands);
        let mut owed = 1 + u32::from(in_flight);
        let answered = async {
            while owed > 0
                && let Ok(Some(status)) = session.statuses.message().await
            {
                owed -= u32::from(status.outcome() != Outcome::Changed);
            }
        };
        timeout(PARTING, answered).await.ok();
    }

    fn command(&self, show: &Show) -> ColorCommand {
        let Show { version, node, reason, looks } = show;
        Command {
            epoch: self.epoch,
            version: *version,
            lease: Lease::For(self.lease),
            node: node.clone(),
            reason: reason.clone(),
            looks: looks.clone(),
        }
        .into()
    }

    fn note(&mut self, terms: Terms, why: &str) {
        if self.terms == terms {
            return;
        }
        self.terms = terms;
        let (light, url) = (&self.light, &self.light.url);
        match terms {
            Terms::Untried => {}
            Terms::Obeys => tracing::info!(%light, url, "light shows what it is told"),
            Terms::Fenced => tracing::warn!(%light, url, why, "light obeys a newer watcher"),
            Terms::Refuses => tracing::warn!(%light, url, why, "light refuses what it is told"),
            Terms::Down => tracing::warn!(%light, url, why, "light is out of reach; it goes stale by itself"),
        }
    }
}

/// An open stream.
struct Session {
    pace: Pace,
    commands: mpsc::Sender<ColorCommand>,
    statuses: Streaming<ColorStatus>,
}

impl From<tonic::Status> for Down {
    fn from(status: tonic::Status) -> Self {
        Self::Failed(Box::new(status))
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;

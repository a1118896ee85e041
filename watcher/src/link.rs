//! One session with one light. Keeps the connection; refuses to know Kubernetes, other lights, and any order but the
//! newest.
//!
//! ```text
//!  order (newest) ──▶ pace ──at most one in flight──▶ StreamColors ──▶ lightd
//!  vouch ────────────▶ │ ◀────────────── ColorStatus ◀──────────────────┘
//!                      └──▶ words of how it is
//! ```
//!
//! Whether a command may be vouched for is asked when it is made, and once more where it leaves: whatever stopped this
//! process between, what is old by then isn't said.
//!
//! A light that can't be reached is a state: it is tried again until the order's sender is gone.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{ColorCommand, ColorStatus, LightState};
use podlight_proto::{Command, Lease, Look, Reason};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::backoff::Backoff;
use crate::lights::Light;
use crate::lines::Lines;
use crate::pace::{Mark, Pace};
use crate::seen::Terms;
use crate::vouch::{self, Vouch};

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
    pub(crate) lease: Duration,
    pub(crate) order: watch::Receiver<Order>,
    /// Until when, and by whom, the order may be vouched for. Wakes whoever waits for that, but not where one that holds
    /// is prolonged: whoever tells a light looks again anyway.
    pub(crate) vouch: watch::Receiver<Option<Vouch>>,
    /// Is told what is learned of the light.
    pub(crate) words: mpsc::Sender<(Light, Word)>,
    /// What it shares with all others.
    pub(crate) lines: Lines,
    /// As last logged: a state is logged when it begins, not at each retry. [`Terms::Untried`] to begin with.
    pub(crate) terms: Terms,
}

/// What a session learns of its light.
#[derive(Debug)]
pub(crate) enum Word {
    /// The stream is open. What people want of the light goes by the same connection.
    Open(Channel),
    /// The light says how it is.
    State(Box<LightState>),
    /// We are on these terms, and why.
    Terms(Terms, String),
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

/// To connect, and once more to open the stream. Long enough for a busy host far away; short against a lease.
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
            let holds = |vouch: &Option<Vouch>| vouch::epoch(*vouch, now()).is_some();
            tokio::select! {
                vouch = self.vouch.wait_for(holds) => if vouch.is_err() { return },
                _ = &mut over => return,
            }
            let room = tokio::select! {
                room = self.lines.room() => room,
                _ = &mut over => return,
            };
            let session = tokio::select! {
                opened = self.open(dial()) => opened,
                _ = &mut over => return,
            };
            let down = match session {
                Ok(session) => match self.speak(session, &mut backoff).await {
                    Ok(()) => return,
                    Err(down) => down,
                },
                Err(down) => down,
            };
            drop(room);
            self.note(Terms::Down, crate::chain(&down)).await;
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
        let channel = timeout(OPENING, dial).await.map_err(|_| Down::Silent)?.map_err(Down::Unreachable)?;
        // A host that is gone takes nobody's turn.
        let _turn = self.lines.turn().await;
        let mut client = LightClient::new(channel.clone()).max_decoding_message_size(LARGEST_STATUS);
        let (commands, made) = mpsc::channel(1);
        let mut voice = Voice { pace: Pace::new(self.lease), commands };
        let order = self.order.borrow().clone();
        if let Order::Show(show) = order {
            let now = now();
            let vouch = *self.vouch.borrow();
            self.tell(&show, vouch, now, &mut voice)?;
        }
        let opening = client.stream_colors(leaving(made));
        let statuses = timeout(OPENING, opening).await.map_err(|_| Down::Silent)??.into_inner();
        self.learns(Word::Open(channel)).await;
        Ok(Session { voice, statuses })
    }

    /// Says what is due and hears the answers. Ends well where there is nothing more to say.
    async fn speak(&mut self, mut session: Session, backoff: &mut Backoff) -> Result<(), Down> {
        loop {
            // First the clock: a vouch that had ended by now wakes us when it is prolonged.
            let now = now();
            let vouch = *self.vouch.borrow_and_update();
            let order = self.order.borrow_and_update().clone();
            match order {
                Order::HandBack => {
                    self.hand_back(session).await;
                    return Ok(());
                }
                Order::Show(_) if session.voice.pace.overdue(now) => return Err(Down::Silent),
                Order::Show(show) => self.tell(&show, vouch, now, &mut session.voice)?,
            }
            let next = session.voice.pace.next(vouch, now).map(Instant::from_std);
            tokio::select! {
                status = session.statuses.message() => {
                    let status = status?.ok_or(Down::Closed)?;
                    if self.heard(status, &mut session).await {
                        backoff.reset();
                    }
                }
                changed = self.order.changed() => if changed.is_err() { return Ok(()) },
                changed = self.vouch.changed() => if changed.is_err() { return Ok(()) },
                () = crate::at(next) => {}
            }
        }
    }

    /// Says what is due.
    fn tell(&self, show: &Show, vouch: Option<Vouch>, now: std::time::Instant, voice: &mut Voice) -> Result<(), Down> {
        let Some(mark) = voice.pace.due(show.version, vouch, now) else { return Ok(()) };
        let made = Made { command: self.command(mark, show), until: vouch.map(|vouch| vouch.until) };
        voice.commands.try_send(made).map_err(|_| Down::Closed)?;
        voice.pace.said(mark, now);
        Ok(())
    }

    /// Takes in a status. True where it answers the command in flight.
    async fn heard(&mut self, status: ColorStatus, session: &mut Session) -> bool {
        let outcome = status.outcome();
        if let Some(light) = status.light {
            self.learns(Word::State(Box::new(light))).await;
        }
        let terms = match outcome {
            Outcome::Applied => Terms::Obeys,
            Outcome::Fenced => Terms::Fenced,
            Outcome::Invalid => Terms::Refuses,
            Outcome::Changed | Outcome::Unspecified => return false,
        };
        let answers = session.voice.pace.answered(Mark { epoch: status.epoch, version: status.version });
        if answers {
            self.note(terms, status.message).await;
        }
        answers
    }

    /// Whoever reads this never waits for a light: so this wait is short.
    async fn learns(&self, word: Word) {
        self.words.send((self.light.clone(), word)).await.ok();
    }

    /// The last word. A light that doesn't take it goes stale by its lease; one that obeys another by now refuses it.
    async fn hand_back(&self, Session { voice, mut statuses, .. }: Session) {
        let Some((Mark { epoch, version }, in_flight)) = voice.pace.last() else { return };
        let last = Command {
            epoch,
            version,
            lease: Lease::Over,
            node: self.light.to_string(),
            reason: Reason { text: "the watcher has stopped".to_owned(), ..Reason::default() },
            looks: Vec::new(),
        };
        if voice.commands.try_send(Made { command: last.into(), until: None }).is_err() {
            return;
        }
        drop(voice);
        let mut owed = 1 + u32::from(in_flight);
        let answered = async {
            while owed > 0
                && let Ok(Some(status)) = statuses.message().await
            {
                owed -= u32::from(status.outcome() != Outcome::Changed);
            }
        };
        timeout(PARTING, answered).await.ok();
    }

    fn command(&self, Mark { epoch, version }: Mark, show: &Show) -> ColorCommand {
        let Show { node, reason, looks, .. } = show;
        Command {
            epoch,
            version,
            lease: Lease::For(self.lease),
            node: node.clone(),
            reason: reason.clone(),
            looks: looks.clone(),
        }
        .into()
    }

    async fn note(&mut self, terms: Terms, why: String) {
        if std::mem::replace(&mut self.terms, terms) == terms {
            return;
        }
        let (light, url) = (&self.light, &self.light.url);
        match terms {
            Terms::Untried => {}
            Terms::Obeys => tracing::info!(%light, url, "light shows what it is told"),
            Terms::Fenced => tracing::warn!(%light, url, why, "light obeys a newer watcher"),
            Terms::Refuses => tracing::warn!(%light, url, why, "light refuses what it is told"),
            Terms::Down => tracing::warn!(%light, url, why, "light is out of reach; it goes stale by itself"),
        }
        self.learns(Word::Terms(terms, why)).await;
    }
}

/// An open stream.
struct Session {
    voice: Voice,
    statuses: Streaming<ColorStatus>,
}

/// What we say on it.
struct Voice {
    pace: Pace,
    commands: mpsc::Sender<Made>,
}

/// A command on its way.
struct Made {
    command: ColorCommand,
    /// When it may no longer be said. Nothing for what stays true.
    until: Option<std::time::Instant>,
}

/// What is made, as the connection takes it. One that comes too late ends it: the light didn't get what we think it got.
fn leaving(made: mpsc::Receiver<Made>) -> impl Stream<Item = ColorCommand> {
    let in_time = |Made { command, until }| until.is_none_or(|until| now() < until).then_some(command);
    tokio_stream::StreamExt::map_while(ReceiverStream::new(made), in_time)
}

impl From<tonic::Status> for Down {
    fn from(status: tonic::Status) -> Self {
        Self::Failed(Box::new(status))
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;

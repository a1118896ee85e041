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
//! How a stream is opened, and what is said on it, is in [`opening`]; how that becomes bytes, in [`repeats`].
//!
//! A light that can't be reached is a state: it is tried again until the order's sender is gone.

mod opening;
mod repeats;

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::{ColorStatus, LightState};
use podlight_proto::{Look, Reason};
use podlight_tls::Trust;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::lights::Light;
use crate::lines::Lines;
use crate::pace::Mark;
use crate::seen::Terms;
use crate::vouch::{self, Vouch};
use crate::wait::Wait;
use opening::{Opener, Session, Voice};

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
    pub(crate) reason: Reason,
    pub(crate) looks: Vec<Look>,
    pub(crate) wait: Wait,
}

/// A light's session, and what joins it to the rest.
pub(crate) struct Link {
    pub(crate) light: Arc<Light>,
    pub(crate) lease: Duration,
    pub(crate) order: watch::Receiver<Order>,
    /// Until when, and by whom, the order may be vouched for. Wakes whoever waits for that, but not where one that holds
    /// is prolonged: whoever tells a light looks again anyway.
    pub(crate) vouch: watch::Receiver<Option<Vouch>>,
    /// Is told what is learned of the light.
    pub(crate) words: mpsc::Sender<(Arc<Light>, Word)>,
    /// What it shares with all others.
    pub(crate) lines: Lines,
    /// Whose newest certificates it is dialed with. Nothing without TLS.
    pub(crate) trust: Option<Trust>,
    /// As last logged: a state is logged when it begins, not at each retry. [`Terms::Untried`] to begin with.
    pub(crate) terms: Terms,
}

/// What a session learns of its light.
#[derive(Debug)]
pub(crate) enum Word {
    /// The stream is open. What people want of the light goes by the same connection.
    Open(Box<Connection>),
    /// It is no longer.
    Closed,
    /// The light says how it is.
    State(Box<LightState>),
    /// It is as it said last.
    Same,
    /// A change that waited for so long is acknowledged.
    Took(Duration),
    /// We are on these terms, and why.
    Terms(Terms, String),
}

/// As many as are learned at once.
type Words = [Option<Word>; 3];

const NOTHING: Words = [const { None }; 3];

/// Why a session ended.
#[derive(Debug, Error)]
enum Down {
    #[error("can't connect")]
    Unreachable(#[source] io::Error),
    #[error("no answer")]
    Silent,
    #[error("the stream was closed")]
    Closed,
    #[error("there is no room for a second connection, with the new certificates, beside the first")]
    Crowded,
    #[error("{}: {}", .0.code(), said(.0))]
    Failed(Box<tonic::Status>),
}

/// To connect, and once more to open the stream. Long enough for a busy host far away; short against a lease.
const OPENING: Duration = Duration::from_secs(5);
/// For the last word to a light. Whoever stops the watcher waits for it.
const PARTING: Duration = Duration::from_secs(1);
/// A status is a few kB at most, with a state for each of 192 LEDs. A light that sends more is none.
const LARGEST_STATUS: usize = 64 * 1024;
/// After new certificates each light is connected to anew within this time, and not all at once.
const SPREAD: Duration = Duration::from_secs(5);

impl Link {
    /// Keeps the light told, until it is handed back or the order's sender is gone. `dial` connects to it.
    pub(crate) async fn run<F>(mut self, dial: impl Fn() -> F)
    where
        F: Future<Output = io::Result<Connection>>,
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
            if let Some(trust) = &mut self.trust {
                // What is there already is no news.
                trust.papers();
            }
            // Aside: what it takes to open a stream is large, and a light that is told what is due has no more need of it.
            let session = tokio::select! {
                opened = Box::pin(self.opener().open(&dial)) => opened,
                _ = &mut over => return,
            };
            let down = match session {
                Ok(mut session) => match self.speak(&mut session, &mut backoff, &dial).await {
                    Ok(()) => {
                        if matches!(*self.order.borrow(), Order::HandBack) {
                            Box::pin(hand_back(*session)).await;
                        }
                        return;
                    }
                    Err(down) => {
                        self.learns(Word::Closed).await;
                        down
                    }
                },
                Err(down) => down,
            };
            if let Some(word) = self.note(Terms::Down, crate::chain(&down)) {
                self.learns(word).await;
            }
            tokio::select! {
                () = sleep(backoff.next(fastrand::f64())) => {}
                _ = &mut over => return,
            }
        }
    }

    fn opener(&self) -> Opener {
        let Self { light, lease, order, vouch, lines, .. } = self;
        Opener {
            light: light.to_string(),
            lease: *lease,
            order: order.clone(),
            vouch: vouch.clone(),
            lines: lines.clone(),
        }
    }

    /// Says what is due and hears the answers. Ends well where there is nothing more to say.
    ///
    /// With new certificates another stream is opened, which then takes the place of the one that is: where it can't be
    /// yet, because the light has got its own no sooner, that one goes on.
    async fn speak<F>(
        &mut self,
        session: &mut Box<Session>,
        backoff: &mut Backoff,
        dial: &impl Fn() -> F,
    ) -> Result<(), Down>
    where
        F: Future<Output = io::Result<Connection>>,
    {
        self.learns(session.open()).await;
        let mut renewal = None;
        let mut alarm = pin!(sleep_until(Instant::now()));
        // They wait on while other things happen: a renewal is no reason to ask three times anew.
        let mut ordered = pin!(changed(self.order.clone()));
        let mut vouched = pin!(changed(self.vouch.clone()));
        let mut trusted = pin!(renewed(self.trust.clone()));
        loop {
            // First the clock: a vouch that had ended by now wakes us when it is prolonged.
            let now = now();
            let vouch = *self.vouch.borrow();
            let order = self.order.borrow().clone();
            match order {
                Order::HandBack => return Ok(()),
                Order::Show(_) if session.voice.pace.overdue(now) => return Err(Down::Silent),
                Order::Show(show) => session.voice.tell(&show, vouch, now)?,
            }
            let next = session.voice.pace.next(vouch, now).map(Instant::from_std);
            if let Some(next) = next
                && next != alarm.deadline()
            {
                alarm.as_mut().reset(next);
            }
            let words = tokio::select! {
                status = session.statuses.message() => {
                    self.heard(status?.ok_or(Down::Closed)?, &mut session.voice, backoff)
                }
                order = &mut ordered => {
                    let Some(order) = order else { return Ok(()) };
                    ordered.set(changed(order));
                    NOTHING
                }
                vouch = &mut vouched => {
                    let Some(vouch) = vouch else { return Ok(()) };
                    vouched.set(changed(vouch));
                    NOTHING
                }
                () = &mut alarm, if next.is_some() => NOTHING,
                trust = &mut trusted => {
                    trusted.set(renewed(trust));
                    renewal = Some(Box::pin(self.opener().renew(dial)));
                    NOTHING
                }
                renewed = some(&mut renewal) => {
                    renewal = None;
                    *session = renewed?;
                    [Some(session.open()), None, None]
                }
            };
            for word in words.into_iter().flatten() {
                self.learns(word).await;
            }
        }
    }

    /// Takes in a status: what is learned from it.
    fn heard(&mut self, status: ColorStatus, voice: &mut Voice, backoff: &mut Backoff) -> Words {
        let (now, outcome) = (now(), status.outcome());
        let state = Some(status.light.map_or(Word::Same, |light| Word::State(Box::new(light))));
        let terms = match outcome {
            Outcome::Applied => Terms::Obeys,
            Outcome::Fenced => Terms::Fenced,
            Outcome::Invalid => Terms::Refuses,
            Outcome::Changed | Outcome::Unspecified => return [state, None, None],
        };
        if !voice.pace.answered(Mark { epoch: status.epoch, version: status.version }) {
            return [state, None, None];
        }
        backoff.reset();
        let took = voice.said.as_ref().filter(|_| terms == Terms::Obeys).and_then(|(show, _)| show.wait.ends(now));
        [state, took.map(Word::Took), self.note(terms, status.message)]
    }

    /// Whoever reads this never waits for a light: so this wait is short.
    async fn learns(&self, word: Word) {
        self.words.send((Arc::clone(&self.light), word)).await.ok();
    }

    /// We are on these terms, and why. Nothing where that is no news.
    fn note(&mut self, terms: Terms, why: String) -> Option<Word> {
        if std::mem::replace(&mut self.terms, terms) == terms {
            return None;
        }
        let (light, url) = (&self.light, &self.light.url);
        match terms {
            Terms::Untried => {}
            Terms::Obeys => tracing::info!(%light, url, "light shows what it is told"),
            Terms::Fenced => tracing::warn!(%light, url, why, "light obeys a newer watcher"),
            Terms::Refuses => tracing::warn!(%light, url, why, "light refuses what it is told"),
            Terms::Down => tracing::warn!(%light, url, why, "light is out of reach; it goes stale by itself"),
        }
        Some(Word::Terms(terms, why))
    }
}

/// The last word. A light that doesn't take it goes stale by its lease; one that obeys another by now refuses it.
async fn hand_back(Session { voice, mut statuses, .. }: Session) {
    let Some((mark, in_flight)) = voice.pace.last() else { return };
    if !voice.part(mark) {
        return;
    }
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

/// Waits for what comes next. Nothing where nothing will.
async fn changed<T>(mut receiver: watch::Receiver<T>) -> Option<watch::Receiver<T>> {
    receiver.changed().await.ok().map(|()| receiver)
}

/// Waits for new certificates; without end where there are none.
async fn renewed(mut trust: Option<Trust>) -> Option<Trust> {
    match &mut trust {
        Some(trust) => trust.changed().await,
        None => std::future::pending().await,
    }
    trust
}

/// Waits for `future`; without end where there is none.
async fn some<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

impl From<tonic::Status> for Down {
    fn from(status: tonic::Status) -> Self {
        Self::Failed(Box::new(status))
    }
}

/// What the light or its connection said. By TLS, why we are refused comes only with the first answer.
fn said(status: &tonic::Status) -> String {
    let why = status.source().map(crate::chain).unwrap_or_default();
    if why.is_empty() { status.message().to_owned() } else { format!("{}: {why}", status.message()) }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;

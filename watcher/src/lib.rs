//! The watcher: reads a cluster's pods and nodes, and streams to each light what it shall show.
//!
//! ```text
//!   Kubernetes API
//!        │ two watches
//!        ▼
//!      watch ──Change<Pod>, Change<Node>──▶ board ──newest order──▶ link ──gRPC──▶ lightd
//!        │                                 (ledger,  ◀──its LEDs──── │  one a light
//!        │                                  policy,                  │
//!        └──each word──▶ freshness           lights)                 │
//!                            └──▶ vouch: until when it may be told───┘
//!  the Lease ◀──▶ lease ──Term──────┘
//!              (election)
//! ```
//!
//! A light never lies: what it shows carries a lease, and leases are renewed only while both watches of the API are
//! heard. When they fall silent, or this process is gone, the lights turn stale by themselves. Of several watchers one
//! leads; the others know as much, and tell no light.
//!
//! Pure modules take `now` as an argument and know neither clock nor network; edges don't know each other. [`run`] joins
//! them by channels: `watch` for state, where only the newest counts, and bounded `mpsc` for events. What is public besides
//! [`run`] and its settings is there to be tried out of the process: by `tests/model`, by fuzzers.

mod acks;
mod ask;
pub mod backoff;
mod board;
mod census;
pub mod cli;
mod cluster;
mod column;
mod connection;
mod course;
pub mod criteria;
mod dial;
pub mod election;
mod figures;
pub mod files;
pub mod filter;
#[cfg(test)]
mod fixtures;
mod follow;
pub mod freshness;
mod guests;
mod http;
mod json;
mod leader;
mod lease;
pub mod ledger;
pub mod lights;
mod lines;
mod link;
mod metrics;
mod named;
mod near;
pub mod node;
mod nodes;
mod object;
mod owner;
mod owners;
pub mod pace;
mod place;
pub mod pod;
mod pods;
pub mod policy;
pub mod protobuf;
mod roster;
mod seats;
mod seen;
mod serve;
mod settings;
mod slots;
mod source;
pub mod standing;
pub mod timing;
mod uid;
mod verdict;
pub mod vouch;
mod wait;
mod wall;
mod watch;

pub use settings::{Election, Listen, Misconfigured, Settings};
pub use source::Reloads;

use std::error::Error;
use std::future::Future;
use std::iter::successors;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Api;
use podlight_metrics::Process;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch as state};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use board::Board;
use dial::{Dial, Renewal};
use election::Candidate;
use freshness::{Freshness, Watch};
use http::Reading;
use lease::Poll;
use ledger::Change;
use lines::Lines;
use source::{Current, Source};
use vouch::{Term, Vouch};
use watch::Access;

/// Events of a watch that may wait. A list's pages are larger by far: what waits beyond this waits at the API server.
const EVENTS: usize = 256;
/// For all lights to take their last word, and then for the API to take the Lease back.
const PARTING: Duration = Duration::from_secs(2);

/// A watcher that people can ask, and that watches and tells once it runs.
pub struct Watcher {
    settings: Settings,
    source: Source,
    current: state::Receiver<Current>,
    asked: Option<TcpListener>,
    read: Option<TcpListener>,
    dial: Dial,
    renewal: Renewal,
}

/// Watches and tells until `shutdown`.
///
/// # Errors
/// As [`Watcher::bind`] and [`Watcher::run`].
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    Watcher::bind(settings).await?.run(shutdown).await
}

impl Watcher {
    /// Checks the settings, and listens where they say.
    ///
    /// # Errors
    /// [`Misconfigured`], if the settings can't be right; anything else if nobody can listen there.
    pub async fn bind(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let (source, current) = Source::open(&settings)?;
        let (asked, read) = (settings.listen.bind("--listen").await?, settings.http.bind("--http").await?);
        let (dial, renewal) = Dial::new(settings.tls()?)?;
        Ok(Self { settings, source, current, asked, read, dial, renewal })
    }

    /// Where people can ask. Nothing where they can't.
    pub fn address(&self) -> Option<SocketAddr> {
        self.asked.as_ref()?.local_addr().ok()
    }

    /// Where it can be read over HTTP. Nothing where it can't.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.read.as_ref()?.local_addr().ok()
    }

    /// Watches and tells until `shutdown`, then hands all lights back. An API or a light that can't be reached is no error:
    /// it is tried again.
    ///
    /// # Errors
    /// [`Misconfigured`], if it can't start; anything else if a part of it failed, which none should.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { settings, source, mut current, asked: people, read: readers, dial, mut renewal } = self;
        let silence = settings.api_silence;
        let (heard, mut freshness) = state::channel(Freshness::new(silence, now()));
        let Access { client, inside } = watch::access(&settings, heard.clone()).await?;
        let (pods, mut pod_changes) = mpsc::channel(EVENTS);
        let (nodes, mut node_changes) = mpsc::channel(EVENTS);
        let mut watches = JoinSet::new();
        let follow_pods = || watch::follow(client.clone(), Watch::Pods, silence, heard.clone(), pods.clone());
        let follow_nodes = || watch::follow(client.clone(), Watch::Nodes, silence, heard.clone(), nodes.clone());
        let mut lists = [watches.spawn(follow_pods()), watches.spawn(follow_nodes())];
        watches.spawn(source.follow());
        watches.spawn(watch::probe(client.clone(), silence, heard.clone()));

        let (elected, mut term) = state::channel(None);
        let (known, mut leader) = state::channel(String::new());
        let (resign, resigned) = oneshot::channel::<()>();
        let mut polls = JoinSet::new();
        match settings.election.clone().unwrap_or_else(|| Election::unless_told(inside)) {
            Election::Off => drop(elected.send_replace(Some(Term { epoch: seconds(), until: None }))),
            Election::Lease { namespace, name } => {
                let poll = Poll {
                    api: Api::namespaced(client.clone(), &namespace),
                    namespace,
                    candidate: Candidate::new(name, identity()),
                    term: elected,
                    leader: known,
                };
                polls.spawn(poll.stand(async { drop(resigned.await) }));
            }
        }

        tracing::info!(version = env!("CARGO_PKG_VERSION"), "the Kubernetes API is asked");
        let (vouch, vouched) = state::channel(None);
        let (words, mut heard_words) = mpsc::channel(EVENTS);
        let policy = Arc::clone(&current.borrow_and_update().policy);
        let lines = Lines::new(files::room(), now());
        let mut board = Board::new(policy, settings.lease, Timestamp::now(), vouched, words, lines, dial);
        let (asks, mut asked) = mpsc::channel(EVENTS);
        let desk = board.desk(asks);
        let mut services = JoinSet::new();
        let close = state::Sender::new(());
        let closed = |mut closed: state::Receiver<()>| async move { while closed.changed().await.is_ok() {} };
        if let Some(listener) = people {
            tracing::info!(address = %listener.local_addr()?, "people can ask");
            services.spawn(serve::serve(listener, desk.clone(), closed(close.subscribe())));
        }
        if let Some(listener) = readers {
            tracing::info!(address = %listener.local_addr()?, "HTTP can be read");
            let process = Process::begins();
            let (freshness, term, policy) = (heard.subscribe(), term.clone(), current.clone());
            let reading = Reading { desk, freshness, term, policy, process };
            services.spawn(http::serve(listener, reading, settings.wall(), closed(close.subscribe())));
        }
        let mut pulse = interval(Freshness::pulse(silence));
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let listed = |watch| heard.send_modify(|freshness| freshness.listed(watch, now()));
        let mut fresh = false;
        let mut shutdown = pin!(shutdown);
        loop {
            let mut first_pod = None;
            let mut first_node = None;
            let mut first_word = None;
            let mut question = None;
            let lapses = freshness.borrow_and_update().until().filter(|_| fresh);
            tokio::select! {
                () = &mut shutdown => break,
                Some(change) = pod_changes.recv() => first_pod = Some(change),
                Some(change) = node_changes.recv() => first_node = Some(change),
                Some(word) = heard_words.recv() => first_word = Some(word),
                Some(ask) = asked.recv() => question = Some(ask),
                () = past(board.next_settle()) => board.settle(Timestamp::now()),
                _ = pulse.tick() => drop(heard.send_if_modified(|freshness| {
                    freshness.awake(now());
                    false
                })),
                Ok(()) = freshness.changed() => {}
                Ok(()) = term.changed() => {}
                Ok(()) = current.changed() => {
                    let policy = Arc::clone(&current.borrow_and_update().policy);
                    if board.obey(policy, Timestamp::now()) {
                        // They begin anew once they have ended: nothing that an old list names comes within a new one.
                        lists.iter().for_each(AbortHandle::abort);
                    }
                }
                Ok(()) = leader.changed() => {}
                () = at(lapses.map(Instant::from_std)) => {}
                Some(ended) = watches.join_next_with_id() => match ended {
                    Err(error) if error.is_cancelled() && error.id() == lists[0].id() => {
                        lists[0] = watches.spawn(follow_pods());
                    }
                    Err(error) if error.is_cancelled() && error.id() == lists[1].id() => {
                        lists[1] = watches.spawn(follow_nodes());
                    }
                    Err(error) => return Err(error.into()),
                    Ok(_) => anyhow::bail!("a watch ended"),
                },
                Some(ended) = polls.join_next() => {
                    ended?;
                    anyhow::bail!("the election ended");
                }
                Some(ended) = services.join_next() => {
                    ended??;
                    anyhow::bail!("the service ended");
                }
                error = board.fails() => return Err(error),
                never = &mut renewal => match never {},
            }
            board.takes_in(now());
            // A burst is one change to a light.
            for change in batch(first_pod, &mut pod_changes) {
                if matches!(change, Change::Synced) {
                    listed(Watch::Pods);
                }
                board.pod(change, Timestamp::now());
            }
            for change in batch(first_node, &mut node_changes) {
                if matches!(change, Change::Synced) {
                    listed(Watch::Nodes);
                }
                board.node(change);
            }
            for (light, word) in batch(first_word, &mut heard_words) {
                board.heard(&light, word, now());
            }
            board.publish();
            // Last, so that what is vouched for is what is known.
            let heard_last = freshness.borrow().clone();
            let next = Vouch::new(*term.borrow(), heard_last.until());
            let leads = term.borrow().is_some_and(|term| term.until.is_none_or(|until| now() < until));
            board.stands(heard_last.fresh(now()), leads, &leader.borrow());
            // After that, so that none is answered by what was vouched for before this process was stopped.
            if let Some(ask) = question {
                board.answer(ask, (Timestamp::now(), now()));
            }
            vouch.send_if_modified(|vouch| {
                // Lights by the thousand needn't wake to hear that all is as it was.
                let now = now();
                let turns = vouch::epoch(*vouch, now) != vouch::epoch(next, now);
                *vouch = next;
                turns
            });
            let was_fresh = std::mem::replace(&mut fresh, heard_last.fresh(now()));
            if was_fresh != fresh {
                if fresh {
                    tracing::info!("the Kubernetes API is heard: its state may be told");
                } else {
                    tracing::warn!(?silence, "the Kubernetes API is silent: lights turn stale as their leases lapse");
                }
            }
        }
        tracing::info!("stopping: the lights are handed back");
        board.hand_back(PARTING).await;
        drop((resign, close));
        timeout(PARTING, async { while polls.join_next().await.is_some() {} }).await.ok();
        Ok(())
    }
}

/// What came first, and what else is there by now.
fn batch<T>(first: Option<T>, rest: &mut mpsc::Receiver<T>) -> impl Iterator<Item = T> {
    first.into_iter().chain(std::iter::from_fn(|| rest.try_recv().ok())).take(EVENTS)
}

/// The epoch of a watcher that is alone: grows with each start.
fn seconds() -> u64 {
    Timestamp::now().as_second().try_into().unwrap_or_default()
}

/// What this watcher is called in the Lease.
fn identity() -> String {
    election::identity(&rustix::system::uname().nodename().to_string_lossy(), fastrand::u64(..))
}

/// Waits until `time` is past; without end where there is none.
async fn past(time: Option<Timestamp>) {
    match time {
        Some(time) => sleep(time.duration_since(Timestamp::now()).try_into().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// Waits until `instant`; without end where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// An error with its causes, in one line. Many an error says its cause itself: that isn't said again.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in successors(Some(error), |&error| error.source()).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    text
}

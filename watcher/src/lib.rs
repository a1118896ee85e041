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
//!                            └───────────fresh?──────────────────────┘
//! ```
//!
//! A light never lies: what it shows carries a lease, and leases are renewed only while both watches of the API are
//! heard. When they fall silent, or this process is gone, the lights turn stale by themselves.
//!
//! Pure modules take `now` as an argument and know neither clock nor network; edges don't know each other. [`run`] joins
//! them by channels: `watch` for state, where only the newest counts, and bounded `mpsc` for events.

mod backoff;
mod board;
mod census;
mod column;
pub mod filter;
#[cfg(test)]
mod fixtures;
mod freshness;
pub mod ledger;
pub mod lights;
mod link;
pub mod node;
mod nodes;
mod object;
mod pace;
pub mod pod;
mod pods;
pub mod policy;
mod settings;
mod slots;
pub mod standing;
mod uid;
mod verdict;
mod watch;

pub use settings::{Misconfigured, Settings};

use std::error::Error;
use std::future::Future;
use std::iter::successors;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use kube::Api;
use tokio::sync::{mpsc, watch as state};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use board::Board;
use freshness::{Freshness, Watch};
use ledger::Change;

/// Events of a watch that may wait. A list's pages are larger by far: what waits beyond this waits at the API server.
const EVENTS: usize = 256;
/// For all lights to take their last word.
const PARTING: Duration = Duration::from_secs(2);

/// Watches and tells until `shutdown`, then hands all lights back. An API or a light that can't be reached is no error:
/// it is tried again.
///
/// # Errors
/// [`Misconfigured`], if it can't start; anything else if a part of it failed, which none should.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    settings.check()?;
    let (heard, mut freshness) = state::channel(Freshness::new(settings.api_silence));
    let client = watch::client(&settings, heard.clone()).await?;
    let (pods, mut pod_changes) = mpsc::channel(EVENTS);
    let (nodes, mut node_changes) = mpsc::channel(EVENTS);
    let mut watches = JoinSet::new();
    let silence = settings.api_silence;
    watches.spawn(watch::follow(Api::all(client.clone()), Watch::Pods, silence, freshness.clone(), pods));
    watches.spawn(watch::follow(Api::all(client), Watch::Nodes, silence, freshness.clone(), nodes));

    let (fresh, is_fresh) = state::channel(false);
    let (leds, mut measured) = mpsc::channel(EVENTS);
    let mut board = Board::new(&settings, epoch(), is_fresh, leds);
    let hear = |watch| heard.send_modify(|freshness| freshness.heard(watch, Instant::now().into_std()));
    let mut shutdown = pin!(shutdown);
    loop {
        let mut first_pod = None;
        let mut first_node = None;
        let was_fresh = *fresh.borrow();
        tokio::select! {
            () = &mut shutdown => break,
            Some(change) = pod_changes.recv() => first_pod = Some(change),
            Some(change) = node_changes.recv() => first_node = Some(change),
            Some((light, leds)) = measured.recv() => board.measured(&light, leds),
            () = past(board.next_settle()) => board.settle(Timestamp::now()),
            () = turned(&mut freshness, was_fresh) => {}
            Some(ended) = watches.join_next() => {
                ended?;
                anyhow::bail!("a watch ended");
            }
            error = board.fails() => return Err(error),
        }
        // A burst is one change to a light.
        for change in first_pod.into_iter().chain(std::iter::from_fn(|| pod_changes.try_recv().ok())).take(EVENTS) {
            if matches!(change, Change::Synced) {
                hear(Watch::Pods);
            }
            board.pod(change, Timestamp::now());
        }
        for change in first_node.into_iter().chain(std::iter::from_fn(|| node_changes.try_recv().ok())).take(EVENTS) {
            if matches!(change, Change::Synced) {
                hear(Watch::Nodes);
            }
            board.node(change);
        }
        board.publish();
        // Last, so that what is vouched for is what is known.
        let now_fresh = freshness.borrow().fresh(Instant::now().into_std());
        if fresh.send_if_modified(|fresh| std::mem::replace(fresh, now_fresh) != now_fresh) {
            if now_fresh {
                tracing::info!("the Kubernetes API is heard: lights are told");
            } else {
                tracing::warn!(?silence, "the Kubernetes API is silent: lights turn stale as their leases lapse");
            }
        }
    }
    board.hand_back(PARTING).await;
    Ok(())
}

/// Grows with each start. Two watchers that start in the same second are one too many.
fn epoch() -> u64 {
    Timestamp::now().as_second().try_into().unwrap_or_default()
}

/// Waits until `time` is past; without end where there is none.
async fn past(time: Option<Timestamp>) {
    match time {
        Some(time) => sleep(time.duration_since(Timestamp::now()).try_into().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// Waits until `freshness` is no longer as it was.
async fn turned(freshness: &mut state::Receiver<Freshness>, was_fresh: bool) {
    loop {
        let heard = freshness.borrow_and_update().clone();
        if heard.fresh(Instant::now().into_std()) != was_fresh {
            return;
        }
        match heard.until().filter(|_| was_fresh) {
            Some(until) => sleep_until(until.into()).await,
            None if freshness.changed().await.is_ok() => {}
            None => std::future::pending().await,
        }
    }
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

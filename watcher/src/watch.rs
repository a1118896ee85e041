//! The watches of pods and nodes: one each, however many nodes there are. Keeps the connection to the API; refuses to
//! know what pods mean.
//!
//! ```text
//!  API ──▶ kube's client ──▶ answer ──▶ steps ──▶ Change, in order, to whoever keeps the ledger
//!                └─ every word on a watch ──▶ Freshness ──▶ list anew, after too long a silence
//! ```

mod answer;
mod hearing;
mod steps;

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use kube::Client;
use kube::client::ClientBuilder;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::backoff::Backoff;
use crate::freshness::{Freshness, Watch};
use crate::ledger::Change;
use crate::node::Node;
use crate::place::{Place, place};
use crate::settings::{Misconfigured, Settings};
use crate::{at, chain};
use hearing::Hearing;
use steps::{Listed, Stumble, read, steps};

/// How long a watch may last, in seconds. A server ends it then, and a client reopens it: on a quiet cluster these ends
/// are what is heard, so they must come well within the silence that is allowed. Bookmarks alone come once a minute.
fn timeout(api_silence: Duration) -> u32 {
    let seconds = (api_silence * 2 / 3).as_secs().clamp(1, 20);
    u32::try_from(seconds).unwrap_or(20)
}

/// For a TCP connection, with two repetitions of what got lost. Each try finds out soon whether a dead network is back.
const CONNECTING: Duration = Duration::from_secs(4);

/// For one object out of the store. What takes longer is out of order, and asked for anew.
const ANSWERING: Duration = Duration::from_secs(5);
/// Between two such questions while there is no answer.
const AGAIN: Duration = Duration::from_secs(1);

/// A way to the API.
pub(crate) struct Access {
    pub(crate) client: Client,
    /// The namespace of the pod that this is; nothing outside the cluster.
    pub(crate) inside: Option<String>,
}

/// A way to the API that `settings` speak of. What its watches say, `freshness` is told.
pub(crate) async fn access(settings: &Settings, freshness: watch::Sender<Freshness>) -> Result<Access, Misconfigured> {
    let Place { mut config, inside } = place(settings.kubeconfig.as_deref(), settings.context.as_deref()).await?;
    config.connect_timeout = Some(CONNECTING);
    // A list has no end of its own: a connection that died under one would be waited for without end.
    config.read_timeout = Some(Duration::from_secs(u64::from(timeout(settings.api_silence)) + 6));
    config.reset_reader_on_write = true;
    // It would retry for minutes without a word. `follow` tries again, and says so.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config)
        .map_err(|error| Misconfigured::new(format!("the kubeconfig can't be used: {}", chain(&error))))?;
    Ok(Access { client: builder.with_layer(&Hearing(freshness)).build(), inside })
}

/// Follows all objects of a kind, and sends what changes; ends when nobody takes it. What can't be had now is tried
/// again, for as long as it takes. `freshness` is told when a list begins; that it is complete is for whoever takes it in
/// to say.
pub(crate) async fn follow<K>(
    client: Client,
    watch: Watch,
    api_silence: Duration,
    freshness: watch::Sender<Freshness>,
    changes: mpsc::Sender<Change<K>>,
) where
    K: Listed + Send + 'static,
{
    let begin = || steps(client.clone(), timeout(api_silence)).boxed();
    let mut events = begin();
    // One watcher for a cluster: it needn't wait as long as those that are one of thousands.
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
    let mut trouble: Option<(Trouble, Instant)> = None;
    let (mut heard, mut silence) = (freshness.subscribe(), freshness.subscribe());
    let lists = || freshness.send_modify(|freshness| freshness.lists(watch, Instant::now().into_std()));
    loop {
        // Of a burst, what waits for nothing.
        let arrived = if has_lapsed(&silence, watch) { None } else { events.next().now_or_never() };
        let event = match arrived {
            Some(event) => event,
            None => tokio::select! {
                biased;
                () = lapsed(&mut silence, watch) => {
                    lists();
                    events = begin();
                    continue;
                }
                event = events.next() => event,
                // A watch that goes on where it broke off may have nothing to tell.
                () = heard_since(&mut heard, watch, trouble) => {
                    ends(&mut trouble, watch);
                    backoff.reset();
                    continue;
                }
            },
        };
        let change = match event {
            Some(Ok(change)) => change,
            Some(Err(stumble)) => {
                let new = stumble.failure.trouble;
                if trouble.is_none_or(|(old, _)| old != new) {
                    new.log(watch, &stumble);
                }
                sleep(backoff.next(fastrand::f64())).await;
                trouble = Some((new, Instant::now()));
                continue;
            }
            None => return,
        };
        if matches!(change, Change::Restart) {
            // Before it is asked for, so before it is true.
            lists();
        }
        // That a list begins is no good sign yet.
        if !matches!(change, Change::Restart | Change::Listed(_)) {
            ends(&mut trouble, watch);
            backoff.reset();
        }
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

/// Waits until `watch` is heard again after a trouble that this ends; without end where there is none.
async fn heard_since(freshness: &mut watch::Receiver<Freshness>, watch: Watch, trouble: Option<(Trouble, Instant)>) {
    if let Some((trouble, since)) = trouble
        && trouble != Trouble::Unreadable
        && freshness.wait_for(|freshness| freshness.read(watch) > Some(since.into_std())).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Asks the API, again and again, for what only its store can tell. `freshness` is told of each answer. Ends never.
pub(crate) async fn probe(client: Client, api_silence: Duration, freshness: watch::Sender<Freshness>) {
    let mut fails = false;
    loop {
        let asked = Instant::now();
        let answer = timeout_at(asked + ANSWERING, read::<Node>(&client)).await;
        let why = match &answer {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.why.clone()),
            Err(_) => Some("no answer".to_owned()),
        };
        match (&why, fails) {
            (None, true) => tracing::info!("the Kubernetes API reads its store again"),
            (Some(why), false) => tracing::warn!(why, "the Kubernetes API can't read its store"),
            _ => {}
        }
        fails = why.is_some();
        if fails {
            freshness.send_modify(Freshness::fails);
            sleep(AGAIN).await;
        } else {
            freshness.send_modify(|freshness| freshness.reads(asked.into_std()));
            // Thrice within the silence that is allowed: one answer may get lost, and a second come late.
            sleep_until(asked + api_silence / 3).await;
        }
    }
}

/// Whether `watch` has been silent for so long that what it is about must be listed anew.
fn has_lapsed(freshness: &watch::Receiver<Freshness>, watch: Watch) -> bool {
    freshness.borrow().lapses(watch).is_some_and(|lapses| lapses <= Instant::now().into_std())
}

/// Waits until it has.
async fn lapsed(freshness: &mut watch::Receiver<Freshness>, watch: Watch) {
    while !has_lapsed(freshness, watch) {
        let lapses = freshness.borrow_and_update().lapses(watch).map(Instant::from_std);
        tokio::select! {
            () = at(lapses) => {}
            changed = freshness.changed() => if changed.is_err() { std::future::pending().await },
        }
    }
}

fn ends(trouble: &mut Option<(Trouble, Instant)>, watch: Watch) {
    if trouble.take().is_some() {
        tracing::info!(watch = watch.resource(), "the Kubernetes API can be watched again");
    }
}

/// Why the API can't be watched: logged when it begins, and when it becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It doesn't know who we are.
    Unknown,
    /// It knows us, and we may not.
    Forbidden,
    /// It is out of reach, or out of order.
    Down,
    /// It sent what we can't read.
    Unreadable,
}

impl Trouble {
    fn log(self, watch: Watch, Stumble { verb, failure }: &Stumble) {
        let (watch, why) = (watch.resource(), &failure.why);
        match self {
            Self::Unknown => tracing::error!(watch, why, "the Kubernetes API doesn't accept our credentials"),
            Self::Forbidden => tracing::error!(
                watch,
                why,
                "a right is missing: a ClusterRole must allow to {verb} {watch}, in all namespaces"
            ),
            Self::Down => tracing::warn!(watch, why, "the Kubernetes API can't be watched"),
            Self::Unreadable => tracing::error!(watch, why, "the Kubernetes API sent what can't be read"),
        }
    }
}

#[cfg(test)]
mod tests;

//! The Lease that several watchers share, read and written. Keeps the connection to it; refuses to know who may lead, which
//! the election says.
//!
//! ```text
//!  API ◀──get, create, update── Lease ──each answer──▶ election ──▶ Term, to whoever vouches
//! ```

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::chain;
use crate::election::{Candidate, Step};
use crate::vouch::Term;

/// For an answer: long for a Lease, and short enough to try again before a leader must stop.
const PATIENCE: Duration = Duration::from_secs(4);

/// The Lease, and how its candidate stands.
pub(crate) struct Poll {
    pub(crate) api: Api<Lease>,
    /// Where it is, for people.
    pub(crate) namespace: String,
    pub(crate) candidate: Candidate,
    /// Is told whether, and for how long, this watcher leads.
    pub(crate) term: watch::Sender<Option<Term>>,
    /// Is told who holds the Lease.
    pub(crate) leader: watch::Sender<String>,
}

impl Poll {
    /// Stands for election until `over`, and then releases the Lease where it holds it.
    pub(crate) async fn stand(mut self, over: impl Future<Output = ()>) {
        let mut over = pin!(over);
        let mut log = Log { lease: format!("{}/{}", self.namespace, self.candidate.name()), ..Log::default() };
        loop {
            // A term counts from before it was asked for.
            let asked = instant();
            let answer = match self.candidate.next(asked, Timestamp::now()) {
                Step::Wait(until) => {
                    tokio::select! {
                        () = sleep_until(until.into()) => continue,
                        () = &mut over => break,
                    }
                }
                Step::Look => self.look().await.map(|lease| {
                    self.candidate.saw(lease, instant());
                    log.ends(Verb::Get);
                }),
                Step::Write(lease) => self.write(&lease).await.map(|lease| {
                    self.candidate.wrote(lease, asked, instant());
                    log.ends(Verb::Update);
                }),
            };
            match answer {
                Ok(()) => {}
                // Somebody else was faster, which is what an election is.
                Err(Trouble { kind: Kind::Raced, .. }) => self.candidate.refused(instant()),
                Err(trouble) => {
                    self.candidate.failed(instant());
                    log.begins(trouble, &self.namespace);
                }
            }
            let held = self.candidate.term();
            self.term.send_if_modified(|term| std::mem::replace(term, held) != held);
            let holder = self.candidate.holder().unwrap_or_default();
            self.leader.send_if_modified(|leader| {
                let other = leader != holder;
                if other {
                    holder.clone_into(leader);
                }
                other
            });
            log.leader(&self.candidate);
        }
        let released = self.candidate.resign(instant(), Timestamp::now());
        self.term.send_replace(None);
        if let Some(lease) = released
            && let Err(Trouble { why, .. }) = self.write(&lease).await
        {
            tracing::warn!(
                lease = log.lease,
                why,
                "the Lease can't be released: another watcher must wait for it to lapse"
            );
        }
    }

    async fn look(&self) -> Result<Option<Lease>, Trouble> {
        ask(Verb::Get, self.api.get_opt(self.candidate.name())).await
    }

    /// With the uid that was read: else an update would make a Lease anew that was deleted, as the API's strategy for
    /// Leases allows (`AllowCreateOnUpdate`). So it is a conflict.
    async fn write(&self, lease: &Lease) -> Result<Lease, Trouble> {
        let params = PostParams::default();
        match lease.metadata.resource_version {
            None => ask(Verb::Create, self.api.create(&params, lease)).await,
            Some(_) => ask(Verb::Update, self.api.replace(self.candidate.name(), &params, lease)).await,
        }
    }
}

async fn ask<T>(verb: Verb, request: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
    let error = match timeout(PATIENCE, request).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => return Err(Trouble { kind: Kind::Down, verb, why: "no answer".to_owned() }),
    };
    let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
    let kind = match (code, verb) {
        (409, _) | (404, Verb::Update) => Kind::Raced,
        (401, _) => Kind::Unknown,
        (403, _) => Kind::Forbidden,
        _ => Kind::Down,
    };
    Err(Trouble { kind, verb, why: chain(&error) })
}

/// Why the Lease can't be read or written.
#[derive(Debug)]
struct Trouble {
    kind: Kind,
    verb: Verb,
    why: String,
}

/// What one must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Get,
    Create,
    Update,
}

impl Verb {
    /// As a Role says it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It has changed since it was read.
    Raced,
    /// The API doesn't know who we are.
    Unknown,
    /// It knows us, and we may not.
    Forbidden,
    /// It is out of reach, or out of order.
    Down,
}

/// What was logged last: a state is logged when it begins.
#[derive(Debug, Default)]
struct Log {
    lease: String,
    trouble: Option<(Kind, Verb)>,
    leads: bool,
    leader: Option<String>,
}

impl Log {
    fn begins(&mut self, Trouble { kind, verb, why }: Trouble, namespace: &str) {
        if self.trouble.replace((kind, verb)) == Some((kind, verb)) {
            return;
        }
        let lease = &self.lease;
        match kind {
            Kind::Raced => {}
            Kind::Unknown => tracing::error!(lease, why, "the Kubernetes API doesn't accept our credentials"),
            Kind::Forbidden => tracing::error!(
                lease,
                why,
                "a right is missing: a Role in namespace {namespace} must allow to {} leases; until then this watcher \
                 tells no light anything",
                verb.as_str()
            ),
            Kind::Down => tracing::warn!(lease, why, "the Lease can't be had"),
        }
    }

    /// That it can be read ends no trouble with writing it. That it was written ends all.
    fn ends(&mut self, verb: Verb) {
        if self.trouble.take_if(|(_, troubled)| verb != Verb::Get || *troubled == Verb::Get).is_some() {
            tracing::info!(lease = self.lease, "the Lease can be had again");
        }
    }

    fn leader(&mut self, candidate: &Candidate) {
        let lease = &self.lease;
        let term = candidate.term().filter(|term| term.until.is_none_or(|until| instant() < until));
        let leads = term.is_some();
        match term {
            Some(Term { epoch, .. }) if !self.leads => {
                tracing::info!(lease, epoch, "this watcher leads: it tells the lights");
            }
            None if self.leads => tracing::warn!(lease, "this watcher leads no longer: it tells no light anything"),
            _ => {}
        }
        self.leads = leads;
        let leader = candidate.holder();
        if self.leader.as_deref() != leader {
            self.leader = leader.map(str::to_owned);
            if let Some(leader) = leader.filter(|_| !leads) {
                tracing::info!(lease, leader, "another watcher leads: this one stands by");
            }
        }
    }
}

fn instant() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;

//! Which of several watchers leads: one candidate's view of the Lease that they share. Keeps the Lease as last seen, since
//! when it has been so, and for how long we lead; refuses to know how it is read and written, and anyone else's clock.
//!
//! As in Kubernetes' own leader election, whoever leads renews the Lease, and whoever has seen it unchanged for as long as
//! it says takes it over. The times that it holds are for people: none is compared with a clock. Each write is over the
//! version that was seen, so of several one succeeds.
//!
//! Two never lead at once: whoever leads stops [`DEADLINE`] after it *sent* the last renewal that was taken; whoever
//! follows waits for [`DURATION`] after it *saw* that. A third of difference in how clocks run does no harm. A Lease that
//! isn't there may have been deleted under a leader, who writes it anew: so its absence must last as long. Where it is
//! deleted twice, two may lead for a while: the epoch of the later one is higher.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use crate::vouch::Term;

/// For how long a Lease is held that isn't renewed.
const DURATION: Duration = Duration::from_secs(15);
/// How long after its last renewal was sent a leader stops.
const DEADLINE: Duration = Duration::from_secs(10);
/// A renewal a leader.
const RENEWAL: Duration = Duration::from_secs(5);
/// A look a stand-by. With [`DURATION`], and some time for the API to answer, it leads within 20 s of a leader's death.
const LOOK: Duration = Duration::from_secs(2);
/// Before the next try, where one failed.
const RETRY: Duration = Duration::from_secs(1);

/// One who would lead.
#[derive(Debug)]
pub struct Candidate {
    /// No other's, not even an earlier run's.
    identity: String,
    /// The Lease's name.
    name: String,
    seen: Option<Seen>,
    /// The last write that made us lead, or go on.
    held: Option<Held>,
    /// Nothing is asked before.
    not_before: Option<Instant>,
}

/// The Lease as last seen.
#[derive(Debug)]
struct Seen {
    /// Nothing where there is none.
    lease: Option<Lease>,
    /// Since when it has been so: when it was first seen, which is later than when it was written.
    since: Instant,
    /// When it was last seen. Nothing once there is doubt whether it is still so.
    at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    epoch: u64,
    sent: Instant,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read the Lease.
    Look,
    /// Write this: over the version that it names or, where it names none, as a new one.
    Write(Box<Lease>),
    /// Nothing before then.
    Wait(Instant),
}

impl Candidate {
    /// A candidate for the Lease `name`. Nobody else may ever have the same `identity`.
    pub const fn new(name: String, identity: String) -> Self {
        Self { identity, name, seen: None, held: None, not_before: None }
    }

    /// What to do at `now`. `wall` is what people read in the Lease.
    pub fn next(&self, now: Instant, wall: Timestamp) -> Step {
        if let Some(not_before) = self.not_before.filter(|not_before| now < *not_before) {
            return Step::Wait(not_before);
        }
        let Some((seen, at)) = self.seen.as_ref().and_then(|seen| Some((seen, seen.at?))) else {
            return Step::Look;
        };
        if let Some(Held { sent, .. }) = self.leading(now) {
            let renewal = sent + RENEWAL;
            return if now < renewal { Step::Wait(renewal) } else { Step::Write(self.renewed(wall).into()) };
        }
        let look = at + LOOK;
        if now >= look {
            return Step::Look;
        }
        let free = match seen.lease.as_ref().map(spec) {
            // After a doubt, or a pause: nobody else has held it meanwhile, so this is no transition.
            Some(spec) if self.holds(spec) => return Step::Write(self.renewed(wall).into()),
            Some(spec) if holder(spec).is_none() => now,
            Some(spec) => seen.since + duration(spec),
            None => seen.since + DURATION,
        };
        if now < free { Step::Wait(free.min(look)) } else { Step::Write(self.acquired(wall).into()) }
    }

    /// The Lease was read, and the answer was there at `now`.
    pub fn saw(&mut self, lease: Option<Lease>, now: Instant) {
        self.not_before = None;
        if lease.as_ref().is_some_and(|lease| !self.holds(spec(lease))) {
            self.held = None;
        }
        // Its version may change by anyone's hand, and a label is no sign of life. To be made anew is one.
        let life =
            |lease: &Option<Lease>| lease.as_ref().map(|lease| (lease.metadata.uid.clone(), spec(lease).clone()));
        let same = |seen: &Seen| life(&seen.lease) == life(&lease);
        // Between two looks at nothing there may have been a Lease, the more so the further they are apart.
        let close = |seen: &Seen| lease.is_some() || seen.at.is_some_and(|at| now < at + DEADLINE);
        let since = self.seen.as_ref().filter(|seen| same(seen) && close(seen)).map_or(now, |seen| seen.since);
        self.seen = Some(Seen { lease, since, at: Some(now) });
    }

    /// What was `sent` then is now the Lease, as the API answered at `now`.
    ///
    /// One that was made anew counts once it was renewed, a second later. By then none was made in the same second and
    /// deleted again, for both would have the same epoch.
    pub fn wrote(&mut self, lease: Lease, sent: Instant, now: Instant) {
        let made = self.seen.as_ref().is_some_and(|seen| seen.lease.is_none());
        // If it isn't ours, somebody between the API and us knows better.
        let counts = !made && self.holds(spec(&lease));
        let held = Held { epoch: epoch(&lease), sent };
        self.saw(Some(lease), now);
        if counts {
            self.held = Some(held);
        } else {
            self.not_before = Some(now + RETRY);
        }
    }

    /// Somebody else was faster: the Lease is no longer what was written over.
    pub fn refused(&mut self, now: Instant) {
        self.failed(now);
        if let Some(seen) = &mut self.seen {
            seen.at = None;
        }
    }

    /// Nobody knows whether the last step was taken.
    pub fn failed(&mut self, now: Instant) {
        self.not_before = Some(now + RETRY);
    }

    /// Leads no longer. What to write, so that the next leader needn't wait.
    pub fn resign(&mut self, now: Instant, wall: Timestamp) -> Option<Lease> {
        let leading = self.leading(now).is_some();
        self.held = None;
        let mut lease = self.seen.as_ref().and_then(|seen| seen.lease.clone()).filter(|_| leading)?;
        let released = LeaseSpec {
            holder_identity: Some(String::new()),
            // The shortest that is valid, for whoever does not take a Lease without a holder for free.
            lease_duration_seconds: Some(1),
            renew_time: Some(later(spec(&lease), wall)),
            ..spec(&lease).clone()
        };
        lease.spec = Some(released);
        Some(lease)
    }

    /// The right to tell lights, whether it has run out or not. Nothing once another has it.
    pub fn term(&self) -> Option<Term> {
        self.held.map(|Held { epoch, sent }| Term { epoch, until: Some(sent + DEADLINE) })
    }

    /// The Lease's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who held the Lease when it was last seen.
    pub fn holder(&self) -> Option<&str> {
        self.seen.as_ref()?.lease.as_ref().and_then(|lease| holder(spec(lease)))
    }

    fn leading(&self, now: Instant) -> Option<Held> {
        self.held.filter(|held| now < held.sent + DEADLINE)
    }

    fn holds(&self, spec: &LeaseSpec) -> bool {
        holder(spec) == Some(&self.identity)
    }

    /// The Lease with our term going on: also where it was deleted under us.
    fn renewed(&self, wall: Timestamp) -> Lease {
        self.ours(0, wall)
    }

    /// The Lease with a term of ours beginning.
    fn acquired(&self, wall: Timestamp) -> Lease {
        let mut lease = self.ours(1, wall);
        if let Some(spec) = &mut lease.spec {
            spec.acquire_time = spec.renew_time.clone();
        }
        lease
    }

    /// The Lease as seen, with us as its holder and so many more transitions; or a new one, which begins to count anew.
    fn ours(&self, more: i32, wall: Timestamp) -> Lease {
        let seen = self.seen.as_ref().and_then(|seen| seen.lease.clone());
        let lease_transitions = seen.as_ref().map_or(0, |lease| transitions(spec(lease)).saturating_add(more));
        let mut lease = seen.unwrap_or_default();
        lease.metadata.name = Some(self.name.clone());
        let renew_time = Some(later(spec(&lease), wall));
        let old = lease.spec.take().unwrap_or_default();
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            lease_transitions: Some(lease_transitions),
            acquire_time: old.acquire_time.or_else(|| renew_time.clone()),
            renew_time,
            ..old
        });
        lease
    }
}

/// A Lease without one says nothing.
fn spec(lease: &Lease) -> &LeaseSpec {
    static NOTHING: LeaseSpec = LeaseSpec {
        acquire_time: None,
        holder_identity: None,
        lease_duration_seconds: None,
        lease_transitions: None,
        preferred_holder: None,
        renew_time: None,
        strategy: None,
    };
    lease.spec.as_ref().unwrap_or(&NOTHING)
}

fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

fn duration(spec: &LeaseSpec) -> Duration {
    spec.lease_duration_seconds.and_then(|seconds| seconds.try_into().ok()).map_or(DURATION, Duration::from_secs)
}

fn transitions(spec: &LeaseSpec) -> i32 {
    spec.lease_transitions.unwrap_or_default().max(0)
}

/// When the Lease was made, by the API's clock, in seconds, and one more for each transition: so it grows with those, and, as
/// they are seconds apart, beyond all of them where the Lease is made anew, also by one who never saw the old one. At least 1:
/// what says nothing of an epoch says 0.
fn epoch(lease: &Lease) -> u64 {
    let made = lease.metadata.creation_timestamp.as_ref().map_or(0, |made| made.0.as_second());
    u64::try_from(made).unwrap_or_default() + u64::from(transitions(spec(lease)).unsigned_abs()) + 1
}

/// What a candidate is called: the host where it runs, which is its pod's name, for people, and what no other is called.
pub(crate) fn identity(host: &str, unique: u64) -> String {
    format!("{host}_{unique:016x}")
}

/// The host of a candidate of this identity; nothing where that is none of ours.
pub(crate) fn host(identity: &str) -> &str {
    identity.rsplit_once('_').map_or("", |(host, _)| host)
}

/// `wall` or, where that clock was turned back or stands still, just after the last renewal: else this one would look as if
/// there was none.
fn later(last: &LeaseSpec, wall: Timestamp) -> MicroTime {
    let least = last.renew_time.as_ref().and_then(|last| last.0.checked_add(SignedDuration::from_micros(1)).ok());
    MicroTime(least.map_or(wall, |least| least.max(wall)))
}

#[cfg(test)]
mod tests;

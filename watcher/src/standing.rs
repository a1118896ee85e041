//! What a pod is to a light: one of eight states, in order of severity, and its name.
//!
//! kubectl's STATUS column decides, and more where that column is too kind:
//!
//! | what | kubectl says | here |
//! | --- | --- | --- |
//! | Ready is not True | `Running` | unready |
//! | any container waits for a reason that never heals by itself, or ended badly | the first container's word | failed, by the culprit's name |
//! | a container runs again after a bad end | `Running` | failed by that end's name, until it has run for long enough |
//! | phase Failed, yet every container `Completed` | `Completed` | failed, by the pod's own reason |
//! | phase Failed only by the end that its deletion brought about | `Error` | deleting |
//! | every container of a pod that will not restart has succeeded | `Completed`, `NotReady` | completed, whatever its sidecars do |
//! | phase Unknown | `Unknown` | unready: nobody vouches for it |
//!
//! Keeps nothing, reads no clock. A standing that time alone will change says so in [`Standing::later`].

use std::borrow::Cow;
use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::column::{self, Row};
use crate::object::ConditionKind;
use crate::pod::{ContainerStatus, Phase, Pod, RestartPolicy};

/// The states of a pod, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodState {
    /// There is no pod.
    Absent,
    /// It has done its work.
    Completed,
    /// It runs and is ready.
    Running,
    /// It comes or goes as its owner replaces pods, and that gets on. No pod stands so by itself: what a pod shows as, the
    /// policy's times say.
    Updating,
    /// It runs and is not ready.
    Unready,
    /// It has not begun.
    Pending,
    /// It is on its way out.
    Deleting,
    /// It has failed, or fails again and again.
    Failed,
}

/// What a pod is to a light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Its state.
    pub state: PodState,
    /// Its state's name, as kubectl's STATUS column prints it, or the name of what that column does not show.
    pub word: Cow<'a, str>,
    /// Restarts of its containers, as kubectl counts them.
    pub restarts: u32,
    /// Since when it is so, where the API tells.
    pub since: Option<Timestamp>,
    /// Containers that are ready, sidecars included.
    pub ready: u32,
    /// Containers that should be ready, sidecars included.
    pub of: u32,
    /// What it turns into if nothing more is heard of it.
    pub later: Option<Later<'a>>,
}

/// What a standing turns into with time alone. Restarts and ready containers stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later<'a> {
    /// From when on.
    pub at: Timestamp,
    /// The state then.
    pub state: PodState,
    /// The state's name then.
    pub word: Cow<'a, str>,
    /// Since when it will be so, where the API tells.
    pub since: Option<Timestamp>,
}

/// A container that runs, but not for long enough yet to be trusted after its last end.
struct Doubt<'a> {
    until: Timestamp,
    word: Cow<'a, str>,
    since: Option<Timestamp>,
}

impl PodState {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Absent,
        Self::Completed,
        Self::Running,
        Self::Updating,
        Self::Unready,
        Self::Pending,
        Self::Deleting,
        Self::Failed,
    ];

    /// As a policy calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Completed => "completed",
            Self::Running => "running",
            Self::Updating => "updating",
            Self::Unready => "unready",
            Self::Pending => "pending",
            Self::Deleting => "deleting",
            Self::Failed => "failed",
        }
    }
}

impl Standing<'_> {
    /// The same, on its own.
    pub(crate) fn into_owned(self) -> Standing<'static> {
        let Standing { state, word, restarts, since, ready, of, later } = self;
        let owned = |word: Cow<'_, str>| Cow::Owned(word.into_owned());
        let later = later.map(|Later { at, state, word, since }| Later { at, state, word: owned(word), since });
        Standing { state, word: owned(word), restarts, since, ready, of, later }
    }

    /// What it is at `now` if nothing more is heard of it.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if let Some(Later { state, word, since, .. }) = self.later.take_if(|later| later.at <= now) {
            (self.state, self.word, self.since) = (state, word, since);
        }
    }
}

/// What this pod is to a light at `now`.
pub fn standing(pod: &Pod, now: Timestamp) -> Standing<'_> {
    let row = column::row(pod);
    let Row { ready, of, restarts, .. } = row;
    let own_since = since(pod);
    let asked = pod.deletion_asked();
    let settled = |state, word, since| Standing { state, word, restarts, since, ready, of, later: None };

    match (pod.status.phase, asked) {
        (Phase::Succeeded, _) => return settled(PodState::Completed, row.word, own_since),
        (Phase::Failed, Some(asked)) if ended_by_deletion(pod, asked) => {
            return settled(PodState::Deleting, row.word, Some(asked));
        }
        (Phase::Failed, _) => return settled(PodState::Failed, failed_word(pod, row.word), own_since),
        (Phase::Pending | Phase::Running | Phase::Unknown, Some(asked)) => {
            return settled(PodState::Deleting, row.word, Some(asked));
        }
        (Phase::Pending | Phase::Running | Phase::Unknown, None) => {}
    }
    if is_done(pod) {
        return settled(PodState::Completed, "Completed".into(), own_since);
    }
    if let Some(word) = ailment(pod, &row.word) {
        return settled(PodState::Failed, word, own_since);
    }
    let state = match pod.status.phase {
        Phase::Running if is_ready(pod) => PodState::Running,
        Phase::Running | Phase::Unknown => PodState::Unready,
        Phase::Pending | Phase::Succeeded | Phase::Failed => PodState::Pending,
    };
    match doubt(pod, now) {
        None => settled(state, row.word, own_since),
        Some(doubt) => Standing {
            later: Some(Later { at: doubt.until, state, word: row.word, since: own_since }),
            ..settled(PodState::Failed, doubt.word, doubt.since)
        },
    }
}

/// Waiting for one of these ends only when a person, or another try that may well fail, ends it. The kubelet's names.
fn is_harmful(waiting_reason: &str) -> bool {
    matches!(
        waiting_reason,
        "CrashLoopBackOff"
            | "ImagePullBackOff"
            | "ErrImagePull"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed"
            | "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError"
            | "ContainerCannotRun"
            | "StartError"
    )
}

/// All containers, each with whether it is an init container, in the order in which kubectl names their problems.
fn containers(pod: &Pod) -> impl Iterator<Item = (bool, &ContainerStatus)> {
    let init = pod.status.init_container_statuses.iter().map(|container| (true, container));
    init.chain(pod.status.container_statuses.iter().map(|container| (false, container)))
}

fn named(is_init: bool, word: Cow<'_, str>) -> Cow<'_, str> {
    if is_init { format!("Init:{word}").into() } else { word }
}

/// What ails this pod now: kubectl's word if that is one of its ailments, else the first of them.
fn ailment<'a>(pod: &'a Pod, word: &Cow<'a, str>) -> Option<Cow<'a, str>> {
    let ailment = |(is_init, container): (bool, &'a ContainerStatus)| {
        let waits = container.state.waiting_reason().filter(|reason| is_harmful(reason)).map(Cow::from);
        let ailment = waits.or_else(|| container.state.failure().map(|failure| failure.word()))?;
        Some(named(is_init, ailment))
    };
    let mut ailments = containers(pod).filter_map(ailment).peekable();
    let first = ailments.peek()?.clone();
    Some(if ailments.any(|ailment| ailment == *word) { word.clone() } else { first })
}

/// The doubt that lasts longest, if any is left at `now`.
fn doubt(pod: &Pod, now: Timestamp) -> Option<Doubt<'_>> {
    /// How long a container must run for each of its restarts to be trusted again.
    const PER_RESTART: SignedDuration = SignedDuration::from_mins(1);
    /// The kubelet forgets its back-off after 10 minutes, and so do we.
    const MOST_RESTARTS: u32 = 10;

    let trusted_at = |container: &ContainerStatus| {
        let running = container.state.running.as_ref()?;
        // A node's clock may run ahead of ours.
        let started = running.started_at.unwrap_or(now).min(now);
        let must_run = PER_RESTART.checked_mul(container.restart_count.clamp(1, MOST_RESTARTS).cast_signed())?;
        started.checked_add(must_run).ok().filter(|until| *until > now)
    };
    let doubts = containers(pod).filter_map(|(is_init, container)| {
        let failure = container.last_state.failure()?;
        Some(Doubt { until: trusted_at(container)?, word: named(is_init, failure.word()), since: failure.finished_at })
    });
    doubts.min_by_key(|doubt| Reverse(doubt.until))
}

/// Whether all that this pod will ever do is done and well. Its phase follows once its sidecars have stopped.
fn is_done(pod: &Pod) -> bool {
    let statuses = &pod.status.container_statuses;
    pod.spec.restart_policy != RestartPolicy::Always
        && !statuses.is_empty()
        && statuses.len() >= pod.spec.containers.len()
        && statuses.iter().all(|container| container.state.has_succeeded())
}

/// The Ready condition; where nobody has set it yet, what the containers say.
fn is_ready(pod: &Pod) -> bool {
    match pod.condition(ConditionKind::Ready) {
        Some(_) => pod.holds(ConditionKind::Ready),
        None => pod.status.container_statuses.iter().all(|container| container.ready),
    }
}

/// Whether the pod failed only because it was told to stop: many programs end with 143 then, and that is no alarm.
fn ended_by_deletion(pod: &Pod, asked: Timestamp) -> bool {
    let mut failures = containers(pod).filter_map(|(_, container)| container.state.failure()).peekable();
    pod.status.reason.is_empty()
        && failures.peek().is_some()
        && failures.all(|failure| failure.finished_at.is_some_and(|finished| finished >= asked))
}

/// kubectl's word, unless that is good news.
fn failed_word<'a>(pod: &'a Pod, word: Cow<'a, str>) -> Cow<'a, str> {
    match (word.as_ref(), pod.status.reason.as_str()) {
        ("Completed", "") => pod.status.phase.word().into(),
        ("Completed", reason) => reason.into(),
        _ => word,
    }
}

/// Since when the pod is as it is: when its readiness last changed, or it was scheduled, or made.
fn since(pod: &Pod) -> Option<Timestamp> {
    let changed = |kind| pod.condition(kind).and_then(|condition| condition.last_transition_time);
    changed(ConditionKind::Ready).or_else(|| changed(ConditionKind::PodScheduled)).or(pod.metadata.creation_timestamp)
}

#[cfg(test)]
mod tests;

//! What `kubectl get pods` prints of a pod: its STATUS, READY and RESTARTS columns.
//!
//! By the rules of Kubernetes 1.35 (the API server's `printPod`), whatever the version of the cluster that is watched.
//! Refuses to judge: whether a word is good or bad news, [`standing`](crate::standing) says.

use std::borrow::Cow;

use crate::object::ConditionKind;
use crate::pod::{ContainerStatus, InitContainer, Phase, Pod, RestartPolicy};

/// A pod's row.
pub(crate) struct Row<'a> {
    /// The STATUS column.
    pub(crate) word: Cow<'a, str>,
    /// The left half of the READY column.
    pub(crate) ready: u32,
    /// The right half of the READY column.
    pub(crate) of: u32,
    /// The RESTARTS column.
    pub(crate) restarts: u32,
}

/// How far the init containers are.
struct Init<'a> {
    /// What the first that stops the pod is called; none once all are through.
    stopped: Option<Cow<'a, str>>,
    restarts: u32,
    sidecar_restarts: u32,
    ready_sidecars: u32,
}

/// The row of this pod.
pub(crate) fn row(pod: &Pod) -> Row<'_> {
    let Pod { metadata, spec, status } = pod;
    let sidecar = |container: &&InitContainer| container.restart_policy == Some(RestartPolicy::Always);
    let of = spec.containers.len() + spec.init_containers.iter().filter(sidecar).count();

    let init = init(pod);
    let (mut restarts, mut ready) = (init.restarts, init.ready_sidecars);
    let mut word = own_word(pod);
    let begun = init.stopped.is_none() || pod.holds(ConditionKind::Initialized);
    if let Some(stopped) = init.stopped {
        word = stopped;
    }
    if begun {
        let running = |c: &&ContainerStatus| c.ready && ends_or_waits(c).is_none() && c.state.running.is_some();
        let running = status.container_statuses.iter().filter(running).count();
        restarts =
            status.container_statuses.iter().fold(init.sidecar_restarts, |sum, c| sum.saturating_add(c.restart_count));
        ready += count(running);
        // kubectl walks backwards and overwrites: the first container's problem wins.
        if let Some(first) = status.container_statuses.iter().find_map(ends_or_waits) {
            word = first;
        }
        if word == "Completed" {
            let failure = status.container_statuses.iter().filter(|c| c.state.waiting_reason().is_none());
            let failure = failure.filter_map(|c| c.state.failure()).map(|terminated| terminated.word()).next();
            word = match failure {
                _ if running > 0 && pod.holds(ConditionKind::Ready) => "Running".into(),
                Some(failure) => failure,
                None if running > 0 => "NotReady".into(),
                None => word,
            };
        }
    }

    let finished = matches!(status.phase, Phase::Succeeded | Phase::Failed);
    if metadata.deletion_timestamp.is_some() {
        if status.reason == "NodeLost" {
            word = "Unknown".into();
        } else if !finished {
            word = "Terminating".into();
        }
    }
    Row { word, ready, of: count(of), restarts }
}

/// What the pod is called before its containers have a say.
fn own_word(pod: &Pod) -> Cow<'_, str> {
    const GATED: &str = "SchedulingGated";
    if pod.condition(ConditionKind::PodScheduled).is_some_and(|scheduled| scheduled.reason == GATED) {
        GATED.into()
    } else if pod.status.reason.is_empty() {
        pod.status.phase.word().into()
    } else {
        pod.status.reason.as_str().into()
    }
}

fn init(pod: &Pod) -> Init<'_> {
    let mut init = Init { stopped: None, restarts: 0, sidecar_restarts: 0, ready_sidecars: 0 };
    for (i, container) in pod.status.init_container_statuses.iter().enumerate() {
        let sidecar = pod.is_sidecar(&container.name);
        init.restarts = init.restarts.saturating_add(container.restart_count);
        if sidecar {
            init.sidecar_restarts = init.sidecar_restarts.saturating_add(container.restart_count);
        }
        if container.state.has_succeeded() {
            continue;
        }
        if sidecar && container.started == Some(true) {
            init.ready_sidecars += u32::from(container.ready);
            continue;
        }
        init.stopped = Some(match (&container.state.terminated, container.state.waiting_reason()) {
            (Some(terminated), _) => format!("Init:{}", terminated.word()).into(),
            (None, Some(reason)) if reason != "PodInitializing" => format!("Init:{reason}").into(),
            (None, _) => format!("Init:{i}/{}", pod.spec.init_containers.len()).into(),
        });
        break;
    }
    init
}

/// Why a container waits, or else how it ended.
fn ends_or_waits(container: &ContainerStatus) -> Option<Cow<'_, str>> {
    let ended = || container.state.terminated.as_ref().map(|terminated| terminated.word());
    container.state.waiting_reason().map(Cow::from).or_else(ended)
}

fn count(containers: usize) -> u32 {
    containers.try_into().unwrap_or(u32::MAX)
}

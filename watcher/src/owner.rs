//! Who makes a pod, and how far that work is: what a rolling update looks like in its pods.
//!
//! Pods that a Deployment makes through one ReplicaSet after the other have one owner here. Keeps nothing, reads no clock.

use jiff::Timestamp;

use crate::object::{ConditionKind, Truth};
use crate::pod::Pod;
use crate::standing::PodState;

/// What a pod tells of the work of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Kind, namespace and name.
    pub(crate) owner: String,
    /// When this pod became ready, where it is.
    pub(crate) done: Option<Timestamp>,
    /// Whether what is to be said of this pod is what an update brings about, too.
    pub(crate) excusable: bool,
}

/// What this pod, which is in `state`, tells of its owner's work. Nothing where its owner does not replace pods one by
/// one, or where it tells nothing.
pub(crate) fn work(pod: &Pod, state: PodState, now: Timestamp, since: impl Fn(Timestamp) -> bool) -> Option<Work> {
    let done = became_ready(pod).map(|done| done.min(now)).filter(|done| since(*done));
    let excusable = match state {
        PodState::Deleting => true,
        // Nothing that the owner could do helps a pod for which there is no node.
        PodState::Pending => {
            pod.condition(ConditionKind::PodScheduled).is_none_or(|scheduled| scheduled.status == Truth::True)
        }
        PodState::Unready => is_starting(pod),
        PodState::Absent | PodState::Completed | PodState::Running | PodState::Updating | PodState::Failed => false,
    };
    let tells = excusable || done.is_some();
    tells.then(|| owner(pod)).flatten().map(|owner| Work { owner, done, excusable })
}

fn owner(pod: &Pod) -> Option<String> {
    const TEMPLATE_HASH: &str = "pod-template-hash";

    let owner = pod.metadata.controller.as_ref()?;
    let name = match owner.kind.as_str() {
        // A Deployment names its ReplicaSets after itself and the hash of the template, with which it labels the pods.
        "ReplicaSet" => {
            let hash = pod.metadata.labels.of(TEMPLATE_HASH);
            let stem = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
            stem.unwrap_or(&owner.name)
        }
        "StatefulSet" | "DaemonSet" => &owner.name,
        _ => return None,
    };
    Some(format!("{}/{}/{name}", owner.kind, pod.namespace()))
}

fn became_ready(pod: &Pod) -> Option<Timestamp> {
    let ready = pod.condition(ConditionKind::Ready)?;
    if pod.metadata.deletion_timestamp.is_some() || ready.status != Truth::True {
        return None;
    }
    ready.last_transition_time
}

/// Whether this pod, which runs and is not ready, has not been ready yet.
fn is_starting(pod: &Pod) -> bool {
    let Some(unready) = pod.condition(ConditionKind::Ready).and_then(|ready| ready.last_transition_time) else {
        return false;
    };
    pod.status.container_statuses.iter().all(|container| {
        let started = container.state.running.as_ref().and_then(|running| running.started_at);
        container.restart_count == 0 && started.is_none_or(|started| unready <= started)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, at, container, pod};

    fn told(pod: &Pod, state: PodState) -> Option<(String, Option<Timestamp>, bool)> {
        let work = work(pod, state, NOW, |done| done > at(-60))?;
        Some((work.owner, work.done, work.excusable))
    }

    #[test]
    fn replica_sets_of_a_deployment_are_one_owner() {
        let of = |hash: &str| pod("a").within("shop").owned_by("ReplicaSet", &format!("cart-{hash}")).terminating();
        let owner = Some(("ReplicaSet/shop/cart".to_owned(), None, true));
        for hash in ["7f8d", "abcd"] {
            assert_eq!(told(&of(hash).labelled("pod-template-hash", hash), PodState::Deleting), owner);
        }
        let own = Some(("ReplicaSet/shop/cart-7f8d".to_owned(), None, true));
        assert_eq!(told(&of("7f8d"), PodState::Deleting), own);
        assert_eq!(told(&of("7f8d").labelled("pod-template-hash", "8d"), PodState::Deleting), own);
    }

    #[test]
    fn only_owners_that_replace_pods_one_by_one_count() {
        for (kind, counts) in
            [("StatefulSet", true), ("DaemonSet", true), ("Job", false), ("Node", false), ("CronTab", false)]
        {
            assert_eq!(
                told(&pod("a").owned_by(kind, "x").terminating(), PodState::Deleting).is_some(),
                counts,
                "{kind}"
            );
        }
        assert_eq!(told(&pod("a").terminating(), PodState::Deleting), None);
    }

    #[test]
    fn a_pod_that_became_ready_of_late_tells_so() {
        let owned = || pod("a").owned_by("DaemonSet", "x");
        let done = |pod: Pod| told(&pod, PodState::Running).and_then(|(_, done, _)| done);
        assert_eq!(done(owned().conditioned_since(-59)), Some(at(-59)));
        assert_eq!(done(owned().conditioned_since(5)), Some(NOW), "a clock that runs ahead");
        assert_eq!(done(owned().conditioned_since(-60)), None);
        assert_eq!(done(owned().conditioned_since(-5).terminating()), None);
    }

    #[test]
    fn what_an_update_brings_about_is_excusable_and_nothing_else() {
        use PodState::{Completed, Deleting, Failed, Pending, Running, Unready};
        let owned = |pod: Pod| pod.owned_by("StatefulSet", "x");
        let unscheduled =
            owned(pod("a").pending()).conditioned(ConditionKind::PodScheduled, Truth::False, "Unschedulable", -5);
        let starting = owned(pod("a").unready()).conditioned_since(-3600);
        let restarted =
            owned(pod("a").of([container("main").restarted(1)])).ready(Truth::False).conditioned_since(-3600);
        for (what, pod, state, want) in [
            ("deleting", owned(pod("a").terminating()), Deleting, true),
            ("pending", owned(pod("a").pending()), Pending, true),
            ("without a node", unscheduled, Pending, false),
            ("starting", starting, Unready, true),
            ("unready after it was ready", owned(pod("a").unready()), Unready, false),
            ("unready after a restart", restarted, Unready, false),
            ("failed", owned(pod("a").crash_looping()), Failed, false),
            ("running", owned(pod("a")), Running, false),
            ("completed", owned(pod("a").completed()), Completed, false),
        ] {
            assert_eq!(told(&pod, state).is_some_and(|(_, _, excusable)| excusable), want, "{what}");
        }
    }
}

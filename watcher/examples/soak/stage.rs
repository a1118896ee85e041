//! Edge: makes the world's deeds happen in the simulated cluster.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use podlight_sim::{Cluster, NodeBuilder, PodBuilder};
use serde_json::{Value, json};

use crate::world::{Deed, Doing, Node, Pod};

/// Takes over what happened.
pub(crate) fn play(cluster: &Cluster, deed: &Deed, now: Instant) {
    match deed {
        Deed::Pod(pod) => cluster.apply_pod(build_pod(pod, now)),
        Deed::PodGone { namespace, name, .. } => drop(cluster.delete_pod(namespace, name)),
        Deed::Node(node) => cluster.apply_node(build_node(node)),
        Deed::NodeGone(name) => drop(cluster.delete_node(name)),
    }
}

fn build_pod(Pod { namespace, name, uid, node, doing, touched }: &Pod, now: Instant) -> Value {
    let pod = PodBuilder::new(namespace, name).uid(&format!("00000000-0000-4000-9000-{uid:012x}")).on(node);
    let pod = pod.annotation("soak/touched", &touched.to_string());
    match *doing {
        Doing::Completed => pod.completed(),
        Doing::Running => pod.running(),
        Doing::Starting => pod.running().ready(false),
        Doing::Creating => pod.pending(),
        Doing::Terminating => pod.running().terminating(),
        Doing::CrashLooping { restarts } => pod.crash_looping(restarts),
        Doing::OomKilled { restarts } => pod.oom_killed(restarts),
        Doing::CantPull => pod.image_pull_back_off(),
        Doing::Evicted => pod.evicted(),
        Doing::Restarted { restarts, trusted } => return restarted(pod, restarts, trusted, now),
    }
    .into()
}

/// A container is trusted again when it has run for a minute for each of its restarts, ten at most. This one has run
/// for most of that.
fn restarted(pod: PodBuilder, restarts: u32, trusted: Instant, now: Instant) -> Value {
    let left = trusted.saturating_duration_since(now);
    let must_run = i64::from(restarts.clamp(1, 10)).minutes();
    let started = Timestamp::now() + SignedDuration::try_from(left).unwrap_or_default() - must_run;
    let mut pod = Value::from(pod.restarted(restarts));
    pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = json!(started.to_string());
    pod
}

fn build_node(Node { name, ready, cordoned, .. }: &Node) -> NodeBuilder {
    let node = NodeBuilder::new(name);
    let node = if *ready { node } else { node.lost() };
    if *cordoned { node.cordoned() } else { node }
}

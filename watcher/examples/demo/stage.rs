//! Edge: makes the story's actions happen in the simulated cluster.

use podlight_sim::{Cluster, NodeBuilder, PodBuilder};

use crate::story::{Action, Node, Pod, PodState};

/// Takes over what happened. What is only said changes nothing.
pub(crate) fn play(cluster: &Cluster, action: &Action) {
    match action {
        Action::Pod(pod) => cluster.apply_pod(build_pod(pod)),
        Action::Gone { namespace, name } => {
            cluster.delete_pod(namespace, name);
        }
        Action::Node(node) => cluster.apply_node(build_node(node)),
        Action::Silence(silent) => cluster.hang(*silent),
        Action::Say(_) => {}
    }
}

fn build_pod(Pod { id, app, name, node, state, terminating }: &Pod) -> PodBuilder {
    let pod = PodBuilder::new(app.namespace, name).uid(&format!("00000000-0000-4000-9000-{id:012x}"));
    let pod = pod.label("app", app.name);
    let pod = node.iter().fold(pod, |pod, node| pod.on(node));
    let pod = match *state {
        PodState::Pending | PodState::Creating => pod.pending(),
        PodState::Starting => pod.running().ready(false),
        PodState::Ready => pod.running(),
        PodState::Restarted { restarts, oom: true } => pod.oom_killed(restarts).restarted(restarts),
        PodState::Restarted { restarts, oom: false } => pod.restarted(restarts),
        PodState::CrashLoop(restarts) => pod.crash_looping(restarts),
        PodState::OomKilled(restarts) => pod.oom_killed(restarts),
        PodState::ImagePull => pod.image_pull_back_off(),
        PodState::Completed => pod.completed(),
    };
    if *terminating { pod.terminating() } else { pod }
}

fn build_node(Node { name, ready, cordoned, .. }: &Node) -> NodeBuilder {
    let node = NodeBuilder::new(name);
    // Nobody hears of a dead node: it doesn't say itself that it isn't ready.
    let node = if *ready { node } else { node.lost() };
    if *cordoned { node.cordoned() } else { node }
}

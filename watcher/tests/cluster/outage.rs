//! An API that can't be heard, and a watcher that is gone: the light says that it doesn't know, then the truth.

use crate::cluster::Cluster;
use crate::kubelet::{Node, Pod, phase, plan, ready, running, waiting};
use crate::light::{GREEN, Light, RED};
use crate::server::Server;
use crate::stage::staged;
use crate::watcher::Watcher;
use crate::wire::{Line, Wire};

/// So that nobody waits long for the light to doubt.
const SHORT: [&str; 2] = ["--api-silence=2s", "--lease=2s"];

async fn running_pod(cluster: &Cluster, name: &str, node: &Node) -> Pod {
    let pod = plan(name, cluster).on(node).create(cluster).await;
    pod.is(ready()).await;
    pod
}

async fn crash(pod: &Pod) {
    pod.is(phase("Running").containers([waiting("CrashLoopBackOff"), running()])).await;
}

fn a_line_turns_and_turns_back(line: Line) {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let wire = Wire::lay(cluster).await;
        let _watcher = Watcher::start_over(&wire, cluster, &[SHORT[0], SHORT[1], &light.of(&node.name)]).await;
        let pod = running_pod(cluster, "cart", &node).await;
        light.until_shows(GREEN, "1 pod running").await;
        wire.turn(line);
        light.until_stale().await;
        let count = light.count();
        crash(&pod).await;
        wire.turn(Line::Open);
        light.until_shows(RED, &format!("{} CrashLoopBackOff", pod.full_name)).await;
        assert!(!light.was_green_since(count), "what was no longer so was told again");
        pod.is(ready()).await;
        light.until_shows(GREEN, "1 pod running").await;
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn an_api_that_falls_silent_turns_the_light_stale_until_it_is_heard() {
    a_line_turns_and_turns_back(Line::Dead);
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn an_api_that_is_out_of_reach_turns_the_light_stale_until_it_is_back() {
    a_line_turns_and_turns_back(Line::Cut);
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn an_api_server_that_is_killed_turns_the_light_stale_until_it_runs_again() {
    staged(async |cluster| {
        let Some(mut server) = Server::known() else { return };
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &[SHORT[0], SHORT[1], &light.of(&node.name)]).await;
        let pod = running_pod(cluster, "cart", &node).await;
        light.until_shows(GREEN, "1 pod running").await;
        server.kill();
        light.until_stale().await;
        server.start(cluster).await;
        light.until_shows(GREEN, "1 pod running").await;
        crash(&pod).await;
        light.until_shows(RED, &format!("{} CrashLoopBackOff", pod.full_name)).await;
    });
}

/// An API server that was restarted doesn't know what happened before: the watcher has to list again.
#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_pod_that_went_while_nobody_watched_is_forgotten() {
    staged(async |cluster| {
        let Some(mut server) = Server::known() else { return };
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let wire = Wire::lay(cluster).await;
        let _watcher = Watcher::start_over(&wire, cluster, &[SHORT[0], SHORT[1], &light.of(&node.name)]).await;
        let (goes, _stays) = (running_pod(cluster, "goes", &node).await, running_pod(cluster, "stays", &node).await);
        light.until_shows(GREEN, "2 pods running").await;
        crash(&goes).await;
        light.until_shows(RED, &format!("{} CrashLoopBackOff", goes.full_name)).await;
        wire.turn(Line::Cut);
        goes.end().await;
        server.kill();
        server.start(cluster).await;
        light.until_stale().await;
        wire.turn(Line::Open);
        light.until_shows(GREEN, "1 pod running").await;
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_watcher_that_is_gone_leaves_no_green_behind() {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let watcher = Watcher::start(cluster, &[SHORT[0], SHORT[1], &light.of(&node.name)]).await;
        let _pod = running_pod(cluster, "cart", &node).await;
        light.until_shows(GREEN, "1 pod running").await;
        // Killed.
        drop(watcher);
        light.until_stale().await;
        // A lease that nobody lives to see lapse: the next one hands the light back.
        let watcher = Watcher::start(cluster, &["--lease=10m", &light.of(&node.name)]).await;
        light.until_shows(GREEN, "1 pod running").await;
        assert!(watcher.terminate().await.success());
        light.until_stale().await;
    });
}

//! What the light calls a pod, beside what the API server itself prints of it.

use crate::kubelet::{Node, Status, ended, killed, phase, plan, running, waiting};
use crate::light::{BLUE, Light, RED, YELLOW};
use crate::stage::staged;
use crate::watcher::Watcher;

/// As kubectl prints it, with the color that it has here.
type Case = (&'static str, [u8; 3], Status);

fn starting() -> Vec<Case> {
    let began = || phase("Pending").before(ended(0, "Completed"));
    let waits = |first: &str, second: &str| began().containers([waiting(first), waiting(second)]);
    vec![
        ("Pending", YELLOW, phase("Pending")),
        ("Init:0/1", YELLOW, phase("Pending").before(running())),
        ("Init:0/1", YELLOW, phase("Pending").before(waiting("PodInitializing"))),
        ("Init:Error", RED, phase("Pending").before(ended(1, "Error"))),
        ("Init:ExitCode:2", RED, phase("Pending").before(ended(2, ""))),
        ("Init:Signal:9", RED, phase("Pending").before(killed(9))),
        ("Init:CrashLoopBackOff", RED, phase("Pending").before(waiting("CrashLoopBackOff"))),
        ("PodInitializing", YELLOW, waits("PodInitializing", "PodInitializing")),
        ("ContainerCreating", YELLOW, waits("ContainerCreating", "ContainerCreating")),
        ("SomethingNew", YELLOW, waits("SomethingNew", "ContainerCreating")),
        ("ImagePullBackOff", RED, waits("ImagePullBackOff", "ContainerCreating")),
        ("ErrImagePull", RED, waits("ErrImagePull", "CreateContainerConfigError")),
        ("InvalidImageName", RED, waits("InvalidImageName", "ErrImageNeverPull")),
    ]
}

fn begun() -> Vec<Case> {
    let runs = || phase("Running").before(ended(0, "Completed"));
    let crashes =
        |times| runs().containers([waiting("CrashLoopBackOff"), running()]).restarted(times, ended(1, "Error"));
    vec![
        ("Running", YELLOW, runs().containers([running(), running()])),
        ("CrashLoopBackOff", RED, crashes(12)),
        ("Error", RED, runs().containers([ended(1, "Error"), running()]).restarted(2, ended(1, "Error"))),
        ("OOMKilled", RED, runs().containers([ended(137, "OOMKilled"), running()])),
        ("ExitCode:3", RED, runs().containers([ended(3, ""), running()])),
        ("Signal:9", RED, runs().containers([killed(9), running()])),
        ("RunContainerError", RED, runs().containers([waiting("RunContainerError"), ended(1, "Error")])),
        ("CrashLoopBackOff", RED, runs().containers([running(), waiting("CrashLoopBackOff")])),
        ("Error", RED, phase("Failed").containers([ended(1, "Error"), ended(0, "Completed")])),
        ("Evicted", RED, phase("Failed").because("Evicted")),
        ("Unknown", YELLOW, phase("Unknown")),
    ]
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_pod_is_called_what_kubectl_calls_it() {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &[&light.of(&node.name)]).await;
        for (i, (word, color, status)) in starting().into_iter().chain(begun()).enumerate() {
            let pod = plan(&format!("case-{i}"), cluster).on(&node).create(cluster).await;
            pod.is(status).await;
            let shown = async |color, word: &str| {
                let printed = cluster.printed(&pod.path).await;
                assert_eq!(printed("Status"), word, "the API server prints it differently");
                // Newer ones add "(3m ago)".
                let restarts = printed("Restarts").split(' ').next().and_then(|count| count.parse().ok());
                light
                    .until_shows_for(color, &format!("{} {word}", pod.full_name), |reason| {
                        (reason.pod.as_str(), reason.state.as_str(), Some(reason.restarts))
                            == (pod.full_name.as_str(), word, restarts)
                    })
                    .await;
            };
            shown(color, word).await;
            if color == YELLOW {
                pod.delete().await;
                shown(BLUE, "Terminating").await;
            }
            pod.end().await;
        }
    });
}

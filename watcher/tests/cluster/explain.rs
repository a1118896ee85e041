//! What ExplainNode calls pods of all shapes, beside what kubectl prints of them.

use std::collections::{BTreeMap, HashMap};

use podlight_proto::v1::cluster_client::ClusterClient;
use podlight_proto::v1::{self, Verdict};
use tonic::transport::Endpoint;

use crate::kubelet::{Node, Status, ended, killed, phase, plan, running, running_since_now, waiting};
use crate::stage::{say, staged, until};
use crate::watcher::Watcher;

/// Why a light says it otherwise than kubectl does.
const CULPRIT: &str = "the culprit's name, where kubectl names the first container";
const AGAIN: &str = "a container that runs again after a bad end is in doubt for a while";
const DONE: &str = "all that it was to do is done, whatever its phase";

/// Pods in all the states that the containers of one with two can be in, and some that have their own.
fn shapes() -> Vec<(String, Status)> {
    let mut shapes = Vec::new();
    let mut add = |name: String, status| shapes.push((name, status));
    let runs = || phase("Running").before(ended(0, "Completed"));
    let ends = || {
        [
            ("done", ended(0, "Completed")),
            ("error", ended(1, "Error")),
            ("no-reason", ended(2, "")),
            ("oom", ended(137, "OOMKilled")),
            ("signal", killed(9)),
        ]
    };
    let waits = [
        "ContainerCreating",
        "PodInitializing",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
        "SomethingNew",
    ];
    // Running.
    for (second, other) in
        [("runs", running()), ("done", ended(0, "Completed")), ("loops", waiting("CrashLoopBackOff"))]
    {
        add(format!("runs-runs-{second}"), runs().containers([running(), other.clone()]));
        for (first, state) in ends() {
            add(format!("runs-{first}-{second}"), runs().containers([state, other.clone()]));
        }
        for reason in waits.into_iter().skip(2) {
            add(format!("runs-{reason}-{second}"), runs().containers([waiting(reason), other.clone()]));
        }
    }
    add("runs-well".to_owned(), runs().containers([running(), running()]).ready());
    add("runs-again".to_owned(), runs().containers([running_since_now(), running()]).restarted(3, ended(1, "Error")));
    add(
        "loops".to_owned(),
        runs().containers([waiting("CrashLoopBackOff"), running()]).restarted(12, ended(1, "Error")),
    );
    // Pending.
    add("waits-for-a-node".to_owned(), phase("Pending"));
    for reason in waits {
        let began = phase("Pending").before(ended(0, "Completed"));
        add(format!("starts-{reason}"), began.containers([waiting(reason), waiting("ContainerCreating")]));
        add(format!("init-{reason}"), phase("Pending").before(waiting(reason)));
    }
    add("init-runs".to_owned(), phase("Pending").before(running()));
    for (end, state) in ends().into_iter().skip(1) {
        add(format!("init-{end}"), phase("Pending").before(state));
    }
    // Over.
    for (first, state) in ends() {
        let over = if first == "done" { "Succeeded" } else { "Failed" };
        let before = phase(over).before(ended(0, "Completed"));
        add(format!("over-{first}"), before.containers([state, ended(0, "Completed")]));
    }
    add("evicted".to_owned(), phase("Failed").because("Evicted"));
    add("shut-down".to_owned(), phase("Failed").because("Terminated"));
    add("unknown".to_owned(), phase("Unknown"));
    shapes
}

/// Why kubectl and a light may differ, where they do.
fn excuse(kubectl: &str, pod: Option<&v1::Pod>) -> Option<&'static str> {
    match pod {
        // What is well or done isn't named.
        None => matches!(kubectl, "Running" | "Completed").then_some("").or((kubectl == "NotReady").then_some(DONE)),
        Some(pod) if pod.state == kubectl => Some(""),
        Some(pod) if pod.verdict() != Verdict::Failed => None,
        Some(_) if kubectl == "Running" => Some(AGAIN),
        Some(_) => {
            matches!(kubectl, "ContainerCreating" | "PodInitializing" | "SomethingNew" | "Completed" | "NotReady")
                .then_some(CULPRIT)
        }
    }
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn pods_of_all_shapes_are_called_what_kubectl_calls_them() {
    staged(async |cluster| {
        let node = Node::join(cluster).await;
        let watcher = Watcher::start(cluster, &[]).await;
        let shapes = shapes();
        assert!(shapes.len() >= 60, "{} shapes", shapes.len());
        for (i, (_, status)) in shapes.into_iter().enumerate() {
            let pod = plan(&name(i), cluster).on(&node).create(cluster).await;
            pod.is(status).await;
            // One of them is on its way out, whatever it was before.
            if i % 20 == 1 {
                pod.delete().await;
            }
        }
        let printed = cluster.statuses().await;
        let url = watcher.url().await;
        let mut people = ClusterClient::new(Endpoint::from_shared(url).unwrap().connect_lazy());
        let answer = until("the watcher has heard of all", async || {
            let request = v1::ExplainNodeRequest { node: node.name.clone(), pods: Some(1000) };
            let answer = people.explain_node(request).await.map_err(|status| status.to_string())?.into_inner();
            let count: u32 = answer.node.iter().flat_map(|node| &node.pods).map(|pods| pods.count).sum();
            if count as usize == printed.len() { Ok(answer) } else { Err(format!("{count} pods")) }
        })
        .await;
        let named: HashMap<_, _> = answer.worst.iter().map(|pod| (pod.name.as_str(), pod)).collect();
        compare(&printed, &named, &self::shapes());
    });
}

fn name(shape: usize) -> String {
    format!("shape-{shape}")
}

fn compare(printed: &BTreeMap<String, String>, named: &HashMap<&str, &v1::Pod>, shapes: &[(String, Status)]) {
    let mut lies = Vec::new();
    say(&format!("\n{:<40} {:<32} {}\n", "pod", "kubectl", "ExplainNode"));
    for (i, (shape, _)) in shapes.iter().enumerate() {
        let pod = name(i);
        // One that was deleted when all was over is gone at once.
        let Some(kubectl) = printed.get(&pod) else { continue };
        let ours = named.get(pod.as_str()).copied();
        let word = ours.map_or("–", |pod| pod.state.as_str());
        let why = excuse(kubectl, ours);
        say(&format!("{shape:<40} {kubectl:<32} {word:<32} {}\n", why.unwrap_or("WRONG")));
        if why.is_none() {
            lies.push(shape.clone());
        }
    }
    assert!(lies.is_empty(), "{lies:?}");
}

//! The stock way: kube's reflector of k8s-openapi's pods, with the defaults of both. On a runtime of one thread, which costs
//! it less CPU than the usual one.

use std::collections::HashMap;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Api, Client, Config};

/// Says `ready NODES BAD` when the list is complete and each node's pods are looked at, and `done` after so many events.
pub(crate) fn run(url: &str, events: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        let (reader, writer) = reflector::store::<Pod>();
        let pods =
            watcher(Api::all(client), watcher::Config::default()).default_backoff().reflect(writer).applied_objects();
        let follow = tokio::spawn(async move {
            let mut pods = std::pin::pin!(pods);
            let (mut count, mut bad) = (0, 0_u64);
            while let Some(pod) = pods.next().await {
                // What was listed comes first, as if it had been applied.
                let Ok(pod) = pod else { continue };
                bad += u64::from(worst(&pod) > 0);
                count += 1;
                if count == events {
                    println!("done {bad}");
                }
            }
        });
        reader.wait_until_ready().await.unwrap();
        let mut nodes = HashMap::<String, u8>::new();
        for pod in reader.state() {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
            let verdict = nodes.entry(node).or_default();
            *verdict = (*verdict).max(worst(&pod));
        }
        nodes.remove("");
        println!("ready {} {}", nodes.len(), nodes.values().filter(|verdict| **verdict > 0).count());
        follow.await.unwrap();
    });
}

/// 2 for what has failed, 1 for what isn't ready, 0 for what is well.
fn worst(pod: &Pod) -> u8 {
    let Some(status) = &pod.status else { return 1 };
    let waits = |reason: &str| reason.ends_with("BackOff") || reason.starts_with("Err");
    let containers = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    let fails =
        containers.filter_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.as_deref()).any(waits);
    let ready =
        status.conditions.iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    match status.phase.as_deref() {
        Some("Succeeded") => 0,
        Some("Failed") => 2,
        _ if fails => 2,
        _ if !ready || pod.metadata.deletion_timestamp.is_some() => 1,
        _ => 0,
    }
}

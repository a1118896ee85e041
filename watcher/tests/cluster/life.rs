//! Pods from their first day to their last.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod as PodObject};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::{from_value, json};

use crate::kubelet::{Node, Pod, container_to_be, ended, phase, plan, ready, running, running_since_now, waiting};
use crate::light::{BLUE, DARK, GREEN, Light, RED, YELLOW};
use crate::stage::{staged, until};
use crate::watcher::Watcher;

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_pod_is_shown_from_its_first_day_to_its_last() {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &[&light.of(&format!("node/{}", node.name))]).await;
        light.until_shows(DARK, "no pods").await;

        let pod = plan("cart", cluster).on(&node).create(cluster).await;
        let name = pod.full_name.as_str();
        light.until_shows(YELLOW, &format!("{name} Pending")).await;
        pod.is(phase("Pending").before(running())).await;
        light.until_shows(YELLOW, &format!("{name} Init:0/1")).await;
        let creating =
            || phase("Pending").before(ended(0, "Completed")).containers([0, 1].map(|_| waiting("ContainerCreating")));
        pod.is(creating()).await;
        light.until_shows(YELLOW, &format!("{name} ContainerCreating")).await;
        pod.is(phase("Running").before(ended(0, "Completed")).containers([running(), running()])).await;
        light.until_shows(YELLOW, &format!("{name} Running (0/2 ready)")).await;
        pod.is(ready()).await;
        light.until_shows(GREEN, "1 pod running").await;

        let crash = || phase("Running").before(ended(0, "Completed"));
        pod.is(crash().containers([ended(1, "Error"), running()])).await;
        light.until_shows(RED, &format!("{name} Error")).await;
        let oom = || ended(137, "OOMKilled");
        pod.is(crash().containers([waiting("CrashLoopBackOff"), running()]).restarted(3, oom())).await;
        light.until_shows(RED, &format!("{name} CrashLoopBackOff ×3")).await;
        pod.is(crash().containers([running_since_now(), running()]).restarted(4, oom()).ready()).await;
        light.until_shows(RED, &format!("{name} OOMKilled ×4")).await;
        pod.is(ready().restarted(4, oom())).await;
        light.until_shows(GREEN, "1 pod running").await;

        let other = plan("till", cluster).on(&node).create(cluster).await;
        light.until_shows(YELLOW, &format!("{} Pending", other.full_name)).await;
        other.is(phase("Pending").before(waiting("ImagePullBackOff"))).await;
        light.until_shows(RED, &format!("{} Init:ImagePullBackOff", other.full_name)).await;
        other.delete().await;
        light.until_shows(BLUE, &format!("{} Terminating", other.full_name)).await;
        other.end().await;
        light.until_shows(GREEN, "1 pod running").await;

        pod.delete().await;
        light.until_shows(BLUE, &format!("{name} Terminating ×4")).await;
        pod.end().await;
        light.until_shows(DARK, "no pods").await;
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_pod_shows_on_the_node_that_takes_it() {
    staged(async |cluster| {
        let (light, desk) = (Light::start().await, Light::start().await);
        let node = Node::join(cluster).await;
        let lights = [light.of(&node.name), desk.of(&format!("namespace/{}", cluster.name))];
        let _watcher = Watcher::start(cluster, &lights.each_ref().map(String::as_str)).await;
        let pod = plan("cart", cluster).create(cluster).await;
        desk.until_shows(YELLOW, &format!("{} Pending", pod.full_name)).await;
        light.until_shows(DARK, "no pods").await;
        pod.bind(&node).await;
        light.until_shows(YELLOW, &format!("{} Pending", pod.full_name)).await;
        pod.is(ready()).await;
        light.until_shows(GREEN, "1 pod running").await;
        desk.until_shows(GREEN, "1 pod running").await;
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_job_that_is_done_is_dark_and_one_that_failed_is_red() {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &[&light.of(&node.name)]).await;
        let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), &cluster.name);
        for (name, fails) in [("report", false), ("import", true)] {
            let job = json!({
                "metadata": {"name": name},
                "spec": {"backoffLimit": 0, "template": {"spec": {
                    "restartPolicy": "Never",
                    "nodeName": node.name,
                    "automountServiceAccountToken": false,
                    "containers": [container_to_be("first"), container_to_be("second")],
                }}},
            });
            jobs.create(&PostParams::default(), &from_value(job).unwrap()).await.unwrap();
            let pods: Api<PodObject> = Api::namespaced(cluster.client.clone(), &cluster.name);
            let of_job = ListParams::default().labels(&format!("job-name={name}"));
            let pod = until("the job's pod", async || {
                let listed = pods.list(&of_job).await.map_err(|error| error.to_string())?;
                listed.items.into_iter().find_map(|pod| pod.metadata.name).ok_or_else(|| "no pod".to_owned())
            })
            .await;
            let pod = Pod::named(cluster, &cluster.name, &pod);
            light.until_shows(YELLOW, &format!("{} Pending", pod.full_name)).await;
            pod.is(phase("Running").containers([running(), running()]).ready()).await;
            light.until_shows(GREEN, "1 pod running").await;
            if fails {
                pod.is(phase("Failed").containers([ended(0, "Completed"), ended(2, "Error")])).await;
                light.until_shows(RED, &format!("{} Error", pod.full_name)).await;
            } else {
                pod.is(phase("Succeeded").containers([ended(0, "Completed"), ended(0, "Completed")])).await;
                light.until_shows(DARK, "1 pod completed").await;
            }
        }
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn pods_go_with_their_namespace() {
    staged(async |cluster| {
        let (light, desk) = (Light::start().await, Light::start().await);
        let node = Node::join(cluster).await;
        let namespace = format!("{}-shop", cluster.name);
        let lights = [light.of(&node.name), desk.of(&format!("namespace/{namespace}"))];
        let _watcher = Watcher::start(cluster, &lights.each_ref().map(String::as_str)).await;
        cluster.namespace(&namespace).await;
        let first = plan("cart", cluster).within(&namespace).on(&node).create(cluster).await;
        let second = plan("till", cluster).within(&namespace).on(&node).create(cluster).await;
        let stays = plan("cart", cluster).on(&node).create(cluster).await;
        for pod in [&first, &second, &stays] {
            pod.is(ready()).await;
        }
        light.until_shows(GREEN, "3 pods running").await;
        desk.until_shows(GREEN, "2 pods running").await;

        let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
        namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
        let leaves = |pod: &Pod| format!("{} Terminating", pod.full_name);
        for light in [&light, &desk] {
            let either = |text: &str| text == leaves(&first) || text == leaves(&second);
            light.until_shows_for(BLUE, "Terminating", |reason| either(&reason.text)).await;
        }
        // Both are on their way out once the one is that was asked last.
        first.end().await;
        light.until_shows(BLUE, &leaves(&second)).await;
        second.end().await;
        light.until_shows(GREEN, "1 pod running").await;
        desk.until_shows(DARK, "no pods").await;
        until("the namespace is gone", async || match namespaces.get_opt(&namespace).await {
            Ok(None) => Ok(()),
            seen => Err(format!("{seen:?}")),
        })
        .await;
    });
}

//! Lights that run as pods.

use crate::kubelet::{Node, Plan, plan, ready};
use crate::light::{GREEN, Light};
use crate::stage::staged;
use crate::watcher::Watcher;

fn lightd(plan: Plan) -> Plan {
    let plan = plan.within("podlight");
    plan.labelled("app.kubernetes.io/name", "podlight").labelled("app.kubernetes.io/component", "lightd")
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_lightd_that_runs_as_a_pod_is_found_and_let_go() {
    staged(async |cluster| {
        let (light, next) = (Light::start().await, Light::start().await);
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &["--lease=2s"]).await;
        cluster.namespace("podlight").await;
        let pod = lightd(plan(&cluster.name, cluster)).on(&node).listening("grpc", light.port).create(cluster).await;
        pod.is(ready().at("127.0.0.1")).await;
        light.until_shows(GREEN, "1 pod running").await;
        pod.delete().await;
        light.until_stale().await;
        pod.end().await;
        // Its successor, under the same name.
        let pod = lightd(plan(&cluster.name, cluster)).on(&node).listening("grpc", next.port).create(cluster).await;
        pod.is(ready().at("127.0.0.1")).await;
        next.until_shows(GREEN, "1 pod running").await;
        pod.end().await;
        next.until_stale().await;
    });
}

//! Nodes that fail.

use crate::kubelet::{Node, plan, ready};
use crate::light::{DARK, GREEN, Light, RED};
use crate::stage::{staged, until};
use crate::watcher::Watcher;

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_node_that_is_not_ready_blinks_whatever_its_pods_claim() {
    staged(async |cluster| {
        let light = Light::start().await;
        let node = Node::join(cluster).await;
        let _watcher = Watcher::start(cluster, &[&light.of(&node.name)]).await;
        let pod = plan("cart", cluster).on(&node).create(cluster).await;
        pod.is(ready()).await;
        light.until_shows(GREEN, "1 pod running").await;
        for (status, message, why) in [
            ("False", "PLEG is not healthy.", "PLEG is not healthy"),
            ("Unknown", "", "kubelet stopped posting node status"),
        ] {
            let count = light.count();
            node.is_ready(status, message).await;
            light.until_shows_in_turn(count, &[RED, DARK, RED]).await;
            light.until_shows(RED, &format!("node {} NotReady: {why}", node.name)).await;
            node.is_ready("True", "").await;
            // The node controller may have declared the pod unready meanwhile; its kubelet knows better.
            until("the kubelet is believed", async || {
                pod.is(ready()).await;
                light.shows(GREEN, |reason| reason.text == "1 pod running").await
            })
            .await;
        }
        let name = node.name.clone();
        node.leave().await;
        let unlisted = format!("node {name} Unknown: it is not in the list of nodes");
        until("the light doesn't know the node", async || {
            let reason = light.state().await.reason;
            if reason == unlisted { Ok(()) } else { Err(reason) }
        })
        .await;
    });
}

//! The Cluster service: what people ask of a watcher, and what becomes of it at the lights.

use std::time::Duration;

use podlight_proto::v1::cluster_client::ClusterClient;
use podlight_proto::v1::node_light::Condition;
use podlight_proto::v1::{self, Layer, Verdict};
use podlight_sim::{NodeBuilder, PodBuilder};
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::rig::{Api, GREEN, Light, PATIENCE, RED, Running};
use crate::{LONG, cart, node};

type Cluster = ClusterClient<Channel>;

/// A crash-looping pod on n1, which has a light; n2 has none.
async fn two_nodes() -> (Api, Light, Running, Cluster) {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_node(NodeBuilder::new("n2"));
    api.cluster.apply_pod(cart().crash_looping(12));
    let (watcher, cluster) = api.asked(&LONG).await;
    light.shows(&[RED; 2]).await;
    (api, light, watcher, cluster)
}

/// All nodes, once they are as wanted.
async fn until(cluster: &mut Cluster, is: impl Fn(&[v1::Node]) -> bool) -> Vec<v1::Node> {
    let mut last = None;
    let wanted = async {
        loop {
            let answer = cluster.list_nodes(v1::ListNodesRequest {}).await.map(|list| list.into_inner().nodes);
            match answer {
                Ok(nodes) if is(&nodes) => return nodes,
                answer => last = Some(answer),
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    match timeout(PATIENCE, wanted).await {
        Ok(nodes) => nodes,
        Err(_) => panic!("never as wanted, but {last:#?}"),
    }
}

fn condition(node: &v1::Node) -> Condition {
    node.light.as_ref().unwrap().condition()
}

fn identify(node: &str) -> v1::IdentifyNodeRequest {
    v1::IdentifyNodeRequest { node: node.to_owned(), owner: "ana".to_owned(), ..Default::default() }
}

fn acknowledge(node: &str) -> v1::AcknowledgeNodeRequest {
    v1::AcknowledgeNodeRequest { node: node.to_owned(), owner: "ana".to_owned(), ..Default::default() }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, words: &[&str]) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), code, "{status}");
    for word in words {
        assert!(status.message().contains(word), "{status}");
    }
}

#[tokio::test]
async fn all_nodes_are_listed_worst_first_with_their_lights() {
    let (_api, _light, watcher, mut cluster) = two_nodes().await;
    let nodes = until(&mut cluster, |nodes| nodes.first().is_some_and(|n| condition(n) == Condition::Shows)).await;
    let [first, second] = &nodes[..] else { panic!("{nodes:?}") };
    assert_eq!((first.name.as_str(), first.verdict()), ("n1", Verdict::Failed));
    assert!(first.reason.as_ref().unwrap().text.contains("shop/cart CrashLoopBackOff ×12"), "{first:?}");
    // The lightd's own pod runs there, too.
    let counts: Vec<_> = first.pods.iter().map(|pods| (pods.state(), pods.count)).collect();
    assert_eq!(counts, [(Verdict::Running, 1), (Verdict::Failed, 1)]);
    assert_eq!(first.looks[0].rgb, 0x32_00_00);
    let light = first.light.as_ref().unwrap().state.as_ref().unwrap();
    assert_eq!((light.layer(), light.leds[0].color.as_str()), (Layer::Watcher, RED));
    assert_eq!((second.name.as_str(), second.verdict(), condition(second)), ("n2", Verdict::Empty, Condition::None));
    watcher.stop().await;
}

#[tokio::test]
async fn a_node_is_explained_by_its_worst_pods() {
    let (api, _light, watcher, mut cluster) = two_nodes().await;
    api.cluster.apply_pod(PodBuilder::new("shop", "db").on("n1").pending());
    let ask = |pods| v1::ExplainNodeRequest { node: "n1".to_owned(), pods };
    until(&mut cluster, |nodes| nodes[0].pods.len() == 3).await;
    let answer = cluster.explain_node(ask(None)).await.unwrap().into_inner();
    let pods: Vec<_> = answer.worst.iter().map(|pod| (pod.name.as_str(), pod.state.as_str(), pod.restarts)).collect();
    assert_eq!(pods, [("cart", "CrashLoopBackOff", 12), ("db", "ContainerCreating", 0)]);
    assert_eq!(answer.worst[0].verdict(), Verdict::Failed);
    assert_eq!(answer.rule, "pod-failed");
    assert!(answer.vouching.unwrap().leads);
    let ready = answer.conditions.iter().find(|condition| condition.r#type == "Ready").unwrap();
    assert_eq!(ready.status, "True");
    assert_eq!(cluster.explain_node(ask(Some(1))).await.unwrap().into_inner().worst.len(), 1);
    refused(cluster.explain_node(ask(Some(0))).await, Code::InvalidArgument, &["pods: 0", "1 to 1000"]);
    watcher.stop().await;
}

#[tokio::test]
async fn what_a_person_wants_reaches_the_light_of_the_node() {
    let (api, mut light, watcher, mut cluster) = two_nodes().await;
    let mut other = Light::start("virtual:nano").await;
    api.find(&other, "n2");
    other.shows(&[GREEN; 2]).await;
    until(&mut cluster, |nodes| nodes.iter().all(|n| condition(n) == Condition::Shows)).await;

    let color = v1::SetColorRequest { color: "blue".to_owned(), owner: "ana".to_owned(), ..Default::default() };
    let set = |color| v1::SetNodeColorRequest { node: "n1".to_owned(), color };
    let state = cluster.set_node_color(set(Some(color))).await.unwrap().into_inner();
    assert_eq!((state.layer(), state.owner.as_str(), state.leds[0].color.as_str()), (Layer::Manual, "ana", "#0000ff"));
    light.until("set", |state| state.layer() == Layer::Manual).await;
    until(&mut cluster, |nodes| condition(&nodes[0]) == Condition::Held).await;
    refused(cluster.set_node_color(set(None)).await, Code::InvalidArgument, &["color.color"]);

    let dim = v1::IdentifyNodeRequest { others_dim: true, ..identify("n1") };
    let answer = cluster.identify_node(dim).await.unwrap().into_inner();
    assert_eq!((answer.light.unwrap().layer(), answer.dimmed, answer.not_dimmed), (Layer::Identify, 1, 0));
    let dimmed = other.until("dimmed", |state| state.layer() == Layer::Manual).await;
    assert_eq!((dimmed.leds[0].color.as_str(), dimmed.owner.as_str()), ("#010101", "ana"));

    let release = v1::ReleaseNodeRequest { node: "n1".to_owned(), others: true };
    assert_eq!(cluster.release_node(release).await.unwrap().into_inner().layer(), Layer::Watcher);
    other.shows(&[GREEN; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn what_cant_be_is_refused_with_what_would_be_right() {
    let (api, light, watcher, mut cluster) = two_nodes().await;
    until(&mut cluster, |nodes| nodes.len() == 2).await;
    refused(cluster.identify_node(identify("n11")).await, Code::NotFound, &["\"n11\"", "as n1 or n2"]);
    refused(cluster.identify_node(identify("n2")).await, Code::FailedPrecondition, &["node n2 has no light"]);
    refused(cluster.acknowledge_node(acknowledge("n2")).await, Code::FailedPrecondition, &["nothing is wrong"]);
    let long = v1::AcknowledgeNodeRequest {
        hold: Some(prost_types::Duration { seconds: i64::MAX, nanos: 0 }),
        ..acknowledge("n1")
    };
    refused(cluster.acknowledge_node(long).await, Code::InvalidArgument, &["hold", "30 days"]);

    light.stop().await;
    let nodes = until(&mut cluster, |nodes| condition(&nodes[0]) == Condition::OutOfReach).await;
    assert!(!nodes[0].light.as_ref().unwrap().problem.is_empty(), "{nodes:?}");
    refused(cluster.identify_node(identify("n1")).await, Code::Unavailable, &["n1 is out of reach"]);
    drop(api);
    watcher.stop().await;
}

#[tokio::test]
async fn an_acknowledged_failure_is_shown_calmly_until_it_changes() {
    let (api, mut light, watcher, mut cluster) = two_nodes().await;
    let calm = ["#0d0000"; 2];
    let node = cluster.acknowledge_node(acknowledge("n1")).await.unwrap().into_inner();
    assert_eq!(node.acknowledgement.unwrap().owner, "ana");
    let state = light.shows(&calm).await;
    assert!(state.reason.ends_with("(seen to by ana)"), "{}", state.reason);

    // Once more the same.
    api.cluster.apply_pod(cart().crash_looping(13));
    light.until("the same", |state| state.reason.contains("×13") && state.leds[0].color == calm[0]).await;
    // Another one.
    api.cluster.apply_pod(PodBuilder::new("shop", "db").on("n1").crash_looping(1));
    light.shows(&[RED; 2]).await;

    cluster.acknowledge_node(acknowledge("n1")).await.unwrap();
    light.shows(&calm).await;
    let revoke = v1::AcknowledgeNodeRequest { revoke: true, ..acknowledge("n1") };
    cluster.acknowledge_node(revoke).await.unwrap();
    light.shows(&[RED; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn whoever_follows_is_told_all_and_then_what_changes() {
    let (api, _light, watcher, mut cluster) = two_nodes().await;
    let mut changes = cluster.watch_nodes(v1::WatchNodesRequest {}).await.unwrap().into_inner();
    let first = next(&mut changes).await;
    assert!(first.whole);
    assert_eq!(first.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1", "n2"]);

    api.cluster.apply_pod(cart().running());
    let is = |change: &v1::WatchNodesResponse| change.nodes.iter().any(|n| n.verdict() == Verdict::Running);
    let change = follow(&mut changes, is).await;
    assert!(!change.whole && change.nodes.iter().all(|node| node.name == "n1"), "{change:?}");

    api.cluster.delete_node("n2");
    follow(&mut changes, |change| change.gone == ["n2"]).await;
    api.cluster.hang(true);
    watcher.stop().await;
    follow_to_the_end(changes).await;
}

#[tokio::test]
async fn a_watcher_that_stands_by_knows_the_cluster_and_no_light() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let flags = [&LONG[..], &["--election", "podlight/watcher"]].concat();
    let leads = api.watcher(&flags);
    light.shows(&[RED; 2]).await;
    let (stands_by, mut cluster) = api.asked(&flags).await;
    let nodes = until(&mut cluster, |nodes| nodes.len() == 1).await;
    assert_eq!((nodes[0].verdict(), condition(&nodes[0])), (Verdict::Failed, Condition::Unknown));
    let holder = api.cluster.lease("podlight", "watcher").unwrap()["spec"]["holderIdentity"].to_string();
    let holder = holder.trim_matches('"').to_owned();
    let knows = async {
        while cluster.list_nodes(v1::ListNodesRequest {}).await.unwrap().into_inner().vouching.unwrap().leader != holder
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, knows).await.unwrap();
    refused(cluster.identify_node(identify("n1")).await, Code::FailedPrecondition, &["another watcher leads", &holder]);
    refused(cluster.acknowledge_node(acknowledge("n1")).await, Code::FailedPrecondition, &["another watcher leads"]);
    stands_by.stop().await;
    leads.stop().await;
}

#[tokio::test]
async fn a_watcher_that_stands_by_passes_on_what_only_the_leader_can_answer() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let flags = [&LONG[..], &["--election", "podlight/watcher"]].concat();
    // On all hosts of a cluster watchers listen on the same port.
    let (leads, url) = api.served_at("127.0.0.2:0", &flags).await;
    light.shows(&[RED; 2]).await;
    let port = url.rsplit_once(':').unwrap().1;
    let (stands_by, url) = api.served_at(&format!("127.0.0.3:{port}"), &flags).await;
    let mut cluster = ClusterClient::new(Endpoint::from_shared(url).unwrap().connect_lazy());
    until(&mut cluster, |nodes| nodes.len() == 1 && condition(&nodes[0]) == Condition::Unknown).await;

    let holder = api.cluster.lease("podlight", "watcher").unwrap()["spec"]["holderIdentity"].to_string();
    let pod = holder.trim_matches('"').rsplit_once('_').unwrap().0.to_owned();
    api.cluster.apply_pod(PodBuilder::watcher(&pod, "127.0.0.2"));
    until(&mut cluster, |nodes| condition(&nodes[0]) == Condition::Shows).await;
    cluster.identify_node(identify("n1")).await.unwrap();
    light.until("found", |state| state.layer() == Layer::Identify).await;

    leads.kill().await;
    until(&mut cluster, |nodes| matches!(condition(&nodes[0]), Condition::Unknown | Condition::Held)).await;
    stands_by.stop().await;
}

async fn next(changes: &mut Streaming<v1::WatchNodesResponse>) -> v1::WatchNodesResponse {
    timeout(PATIENCE, changes.message()).await.unwrap().unwrap().unwrap()
}

async fn follow(
    changes: &mut Streaming<v1::WatchNodesResponse>,
    is: impl Fn(&v1::WatchNodesResponse) -> bool,
) -> v1::WatchNodesResponse {
    loop {
        let change = next(changes).await;
        if is(&change) {
            return change;
        }
    }
}

async fn follow_to_the_end(mut changes: Streaming<v1::WatchNodesResponse>) {
    let end = async { while let Ok(Some(_)) = changes.message().await {} };
    timeout(PATIENCE, end).await.unwrap();
}

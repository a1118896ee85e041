//! Every command of docs/nodes.md, run in its order as it stands there, against a real watcher of a simulated cluster and two
//! real lightds with virtual Nanos. Only the address is put in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../lightd/tests/cookbook/recipes.rs"]
mod recipes;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clap::Parser as _;
use podlight_proto::v1;
use podlight_proto::v1::cluster_client::ClusterClient;
use podlight_proto::v1::node_light::Condition;
use podlight_sim::{Cluster, NodeBuilder, PodBuilder};
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/nodes.md");
const ADDRESS: &str = "127.0.0.1:50052";
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lightd on this node.
async fn light(cluster: &Cluster, node: &str) {
    let settings =
        lightd::Settings::parse_from(["lightd", "--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"]);
    let lightd = lightd::Lightd::bind(settings).await.unwrap();
    let (ip, port) = (lightd.address().ip().to_string(), lightd.address().port());
    cluster.apply_pod(PodBuilder::lightd(node, &ip, port));
    tokio::spawn(lightd.run(std::future::pending()));
}

/// The cluster that the document tells of, and where its watcher listens.
async fn scene() -> SocketAddr {
    let cluster = Cluster::new();
    for node in ["pi-1", "pi-2", "pi-3"] {
        cluster.apply_node(NodeBuilder::new(node));
    }
    for node in ["pi-1", "pi-2"] {
        light(&cluster, node).await;
    }
    cluster.apply_pod(PodBuilder::new("shop", "cart-7f").on("pi-1").crash_looping(12));
    cluster.apply_pod(PodBuilder::new("shop", "web-0").on("pi-2").running());
    let server = cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let kubeconfig = server.kubeconfig().unwrap();
    let flags = ["watcher", "--listen", "127.0.0.1:0", "--http", "off", "--lease", "10m", "--kubeconfig"];
    let flags = flags.into_iter().chain([kubeconfig.path().to_str().unwrap()]);
    let settings = watcher::Settings::parse_from(flags);
    let watcher = watcher::Watcher::bind(settings).await.unwrap();
    let address = watcher.address().unwrap();
    tokio::spawn(async move {
        let _all = (kubeconfig, server);
        watcher.run(std::future::pending()).await
    });
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut people = ClusterClient::new(endpoint.connect_lazy());
    let shown = async {
        loop {
            let list = people.list_nodes(v1::ListNodesRequest {}).await.map(|list| list.into_inner().nodes);
            let shows = |node: &v1::Node| node.light.as_ref().is_some_and(|l| l.condition() == Condition::Shows);
            if list.is_ok_and(|nodes| nodes.iter().filter(|node| shows(node)).count() == 2) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, shown).await.unwrap();
    address
}

fn run(command: &str, address: SocketAddr) -> String {
    let address = address.to_string();
    let folder = Path::new(env!("CARGO_BIN_EXE_watcher")).parent().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the commands need a PATH")]
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {}\n}} 2>&1", command.replace(ADDRESS, &address))])
        .envs([("PATH", path.as_str()), ("PODLIGHT_SERVER", &format!("http://{address}"))])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).replace(&address, ADDRESS)
}

#[tokio::test]
#[ignore = "needs grpcurl; .ci/run has it"]
async fn each_command_does_what_the_docs_say() {
    let address = scene().await;
    let document = std::fs::read_to_string(DOCS).unwrap();
    let failures = tokio::task::spawn_blocking(move || recipes::failures(&document, |command| run(command, address)));
    let failures = failures.await.unwrap();
    assert!(failures.is_empty(), "\n{failures}");
}

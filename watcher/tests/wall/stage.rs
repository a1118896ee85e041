//! What the page is about: a simulated cluster and a real light in this process, and a watcher in one of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use clap::Parser as _;
use podlight_bed::Process;
use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use podlight_sim::{Cluster, NodeBuilder, PodBuilder, Server};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tonic::Streaming;
use tonic::transport::Endpoint;

use crate::browser::PATIENCE;

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) light: Light,
    pub(crate) watcher: Process,
    wall: SocketAddr,
    flags: Vec<String>,
    kubeconfig: NamedTempFile,
    _server: Server,
}

/// What a light says of itself.
pub(crate) struct Light {
    states: Streaming<v1::LightState>,
}

pub(crate) fn cart() -> PodBuilder {
    PodBuilder::new("shop", "cart").uid("cart").on("n1")
}

impl Stage {
    /// n1, which has a light, and n2, which has none.
    pub(crate) async fn begin(flags: &[&str]) -> Self {
        let cluster = Cluster::new();
        ["n1", "n2"].into_iter().for_each(|node| cluster.apply_node(NodeBuilder::new(node)));
        let light = Light::begin(&cluster).await;
        let server = cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let kubeconfig = server.kubeconfig().unwrap();
        // Free, and known before the watcher is, so that another can take its place.
        let wall = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let flags = flags.iter().map(ToString::to_string).collect::<Vec<_>>();
        let watcher = start(wall, &flags, &kubeconfig);
        let stage = Self { cluster, light, watcher, wall, flags, kubeconfig, _server: server };
        stage.listens().await;
        stage
    }

    /// The wall, and what follows.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("http://{}/{rest}", self.wall)
    }

    /// Another, in its place.
    pub(crate) async fn restart(&mut self) {
        self.watcher = start(self.wall, &self.flags, &self.kubeconfig);
        self.listens().await;
    }

    async fn listens(&self) {
        let listens = async {
            while TcpStream::connect(self.wall).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, listens).await.unwrap();
    }
}

impl Light {
    async fn begin(cluster: &Cluster) -> Self {
        let flags = ["--listen", "127.0.0.1:0", "--http", "off", "--stick", "virtual:nano"];
        let settings = lightd::Settings::parse_from(["lightd"].into_iter().chain(flags));
        let lightd = lightd::Lightd::bind(settings).await.unwrap();
        let address = lightd.address();
        tokio::spawn(lightd.run(std::future::pending()));
        cluster.apply_pod(PodBuilder::lightd("n1", "127.0.0.1", address.port()));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        let states = LightClient::new(channel).watch_state(v1::WatchStateRequest {}).await.unwrap().into_inner();
        Self { states }
    }

    /// Waits until it says of itself what is wanted.
    pub(crate) async fn until(&mut self, is: impl Fn(&v1::LightState) -> bool) {
        let wanted = async { while !is(&self.states.message().await.unwrap().unwrap()) {} };
        timeout(PATIENCE, wanted).await.unwrap();
    }
}

fn start(wall: SocketAddr, flags: &[String], kubeconfig: &NamedTempFile) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command.args(["--http", &wall.to_string(), "--listen", "off", "--kubeconfig"]).arg(kubeconfig.path()).args(flags);
    Process::start(&mut command)
}

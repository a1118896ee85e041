//! A simulated cluster, real lightds with virtual sticks, and the real watcher, in one process.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser as _;
use podlight_proto::v1;
use podlight_proto::v1::cluster_client::ClusterClient;
use podlight_proto::v1::light_client::LightClient;
use podlight_sim::{Cluster, PodBuilder, Server};
use tempfile::NamedTempFile;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const GREEN: &str = "#001900";
pub(crate) const YELLOW: &str = "#323200";
pub(crate) const RED: &str = "#320000";
pub(crate) const BLACK: &str = "#000000";

/// A cluster that is served, and how to find it.
pub(crate) struct Api {
    pub(crate) cluster: Cluster,
    pub(crate) server: Server,
    kubeconfig: NamedTempFile,
}

/// Whatever runs until it is told to stop.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// A lightd, and what it says of itself.
pub(crate) struct Light {
    pub(crate) address: SocketAddr,
    /// Where it can be read over HTTP.
    pub(crate) http: SocketAddr,
    states: Streaming<v1::LightState>,
    lightd: Running,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let cluster = Cluster::new();
        let server = cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let kubeconfig = server.kubeconfig().unwrap();
        Self { cluster, server, kubeconfig }
    }

    /// A watcher of this cluster, with these flags.
    pub(crate) fn watcher(&self, flags: &[&str]) -> Running {
        let settings = self.settings(flags, "off");
        Running::new(|stopped| watcher::run(settings, stopped))
    }

    /// A watcher of this cluster, with these flags, and whom people ask.
    pub(crate) async fn asked(&self, flags: &[&str]) -> (Running, ClusterClient<Channel>) {
        let (watcher, url) = self.served(flags).await;
        (watcher, ClusterClient::new(Endpoint::from_shared(url).unwrap().connect_lazy()))
    }

    /// A watcher of this cluster, with these flags, and where people can ask it.
    pub(crate) async fn served(&self, flags: &[&str]) -> (Running, String) {
        self.served_at("127.0.0.1:0", flags).await
    }

    /// The same, at this address.
    pub(crate) async fn served_at(&self, address: &str, flags: &[&str]) -> (Running, String) {
        let watcher = watcher::Watcher::bind(self.settings(flags, address)).await.unwrap();
        let url = format!("http://{}", watcher.address().unwrap());
        (Running::new(|stopped| watcher.run(stopped)), url)
    }

    /// A watcher of this cluster, with these flags, and where it can be read over HTTP.
    pub(crate) async fn read(&self, flags: &[&str]) -> (Running, SocketAddr) {
        let mut settings = self.settings(flags, "off");
        settings.http = "127.0.0.1:0".parse().unwrap();
        let watcher = watcher::Watcher::bind(settings).await.unwrap();
        let address = watcher.http_address().unwrap();
        (Running::new(|stopped| watcher.run(stopped)), address)
    }

    fn settings(&self, flags: &[&str], listen: &str) -> watcher::Settings {
        let kubeconfig = self.kubeconfig.path().to_str().unwrap();
        let args = [&["watcher", "--kubeconfig", kubeconfig, "--listen", listen, "--http", "off"], flags].concat();
        watcher::Settings::parse_from(args)
    }

    /// A watcher of this cluster, with these flags, and where its wall is.
    pub(crate) async fn shown(&self, flags: &[&str]) -> (Running, SocketAddr) {
        self.shown_at(([127, 0, 0, 1], 0).into(), flags).await
    }

    /// The same, at this address.
    pub(crate) async fn shown_at(&self, address: SocketAddr, flags: &[&str]) -> (Running, SocketAddr) {
        let http = watcher::Listen::At(address);
        let settings = watcher::Settings { http, ..self.settings(flags, "off") };
        let watcher = watcher::Watcher::bind(settings).await.unwrap();
        let wall = watcher.http_address().unwrap();
        (Running::new(|stopped| watcher.run(stopped)), wall)
    }

    /// Makes the cluster know of a light on a node.
    pub(crate) fn find(&self, light: &Light, node: &str) {
        let ip = light.address.ip().to_string();
        self.cluster.apply_pod(PodBuilder::lightd(node, &ip, light.address.port()));
    }
}

impl Running {
    fn new<F>(run: impl FnOnce(Box<dyn Future<Output = ()> + Send + Unpin>) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(run(Box::new(Box::pin(async { drop(stopped.await) }))));
        Self { stop, task }
    }

    /// Stops it, in good order.
    pub(crate) async fn stop(self) {
        self.stop.send(()).ok();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    /// Ends it as a crash would: no last word to anyone.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl Light {
    /// A lightd with this stick.
    pub(crate) async fn start(stick: &str) -> Self {
        Self::told(&["--stick", stick]).await
    }

    /// A lightd with this stick, that listens there.
    pub(crate) async fn start_at(listen: SocketAddr, stick: &str) -> Self {
        Self::served(listen, &["--stick", stick]).await
    }

    /// A lightd with these flags. Where it speaks TLS, it needs an address for this host besides.
    pub(crate) async fn told(flags: &[&str]) -> Self {
        Self::served(SocketAddr::from(([127, 0, 0, 1], 0)), flags).await
    }

    async fn served(listen: SocketAddr, flags: &[&str]) -> Self {
        let listen = listen.to_string();
        let flags = [&["lightd", "--listen", &listen, "--http", "127.0.0.1:0"], flags].concat();
        let settings = lightd::Settings::parse_from(flags);
        let lightd = lightd::Lightd::bind(settings).await.unwrap();
        let address = lightd.address();
        let (plain, http) = (lightd.local().unwrap_or(address), lightd.http_address().unwrap());
        let lightd = Running::new(|stopped| lightd.run(stopped));
        let channel = Endpoint::from_shared(format!("http://{plain}")).unwrap().connect().await.unwrap();
        let states = LightClient::new(channel).watch_state(v1::WatchStateRequest {}).await.unwrap().into_inner();
        Self { address, http, states, lightd }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until it says of itself what is wanted.
    pub(crate) async fn until(&mut self, what: &str, is: impl Fn(&v1::LightState) -> bool) -> v1::LightState {
        let mut last = None;
        let wanted = async {
            loop {
                let state = self.states.message().await.unwrap().unwrap();
                if is(&state) {
                    return state;
                }
                last = Some(state);
            }
        };
        match timeout(PATIENCE, wanted).await {
            Ok(state) => state,
            Err(_) => panic!("never {what}, but {last:#?}"),
        }
    }

    /// Waits until its LEDs have these colors, by the watcher's word.
    pub(crate) async fn shows(&mut self, colors: &[&str]) -> v1::LightState {
        let is = |state: &v1::LightState| {
            state.layer() == v1::Layer::Watcher
                && state.leds.iter().map(|led| led.color.as_str()).eq(colors.iter().copied())
        };
        self.until(&format!("{colors:?}"), is).await
    }

    /// Waits until it says that it doesn't know.
    pub(crate) async fn is_stale(&mut self) {
        self.until("stale", |state| state.layer() == v1::Layer::Stale).await;
    }

    /// Whether it stays as it is for this long, or goes on saying so.
    pub(crate) async fn keeps(&mut self, time: Duration, is: impl Fn(&v1::LightState) -> bool) -> bool {
        let other = async { while is(&self.states.message().await.unwrap().unwrap()) {} };
        timeout(time, other).await.is_err()
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        drop(self.states);
        self.lightd.stop().await;
    }
}

//! Lights by the thousand, all at one address: each is known by the node that it is told of.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use podlight_proto::v1;
use podlight_proto::v1::color_status::Outcome;
use podlight_sim::{Answers, Play, PlayedLight};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Status, Streaming};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What each node's light was told last, by node.
pub(crate) type Told = HashMap<String, v1::ColorCommand>;

/// Lights that answer what they are told; but those of nodes whose names begin with [`STALLED`](Self::STALLED) take their
/// stream and then neither read nor answer.
pub(crate) struct Lights {
    pub(crate) address: SocketAddr,
    told: Arc<watch::Sender<Told>>,
    /// They end when it is dropped.
    there: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lights {
    pub(crate) const STALLED: &str = "stalled-";

    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let told = Arc::new(watch::Sender::new(Told::new()));
        let mut lights = Self { address: listener.local_addr().unwrap(), told, there: None, thread: None };
        lights.serve(listener);
        lights
    }

    /// Breaks all connections at once, and forgets what was told.
    pub(crate) fn vanish(&mut self) {
        self.there = None;
        self.thread.take().unwrap().join().unwrap();
        self.told.send_modify(Told::clear);
    }

    /// All of them are there again.
    pub(crate) fn come_back(&mut self) {
        self.serve(std::net::TcpListener::bind(self.address).unwrap());
    }

    /// In a thread and a runtime of their own: no connection outlives these.
    fn serve(&mut self, listener: std::net::TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let (there, gone) = oneshot::channel();
        let told = Arc::clone(&self.told);
        self.there = Some(there);
        self.thread = Some(thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let incoming = TcpIncoming::from(TcpListener::from_std(listener).unwrap());
                let lights = Server::builder().add_service(PlayedLight::service(Fake { told }));
                tokio::select! {
                    served = lights.serve_with_incoming(incoming) => served.unwrap(),
                    _ = gone => {}
                }
            });
        }));
    }

    /// Whether the light of this node was told anything.
    pub(crate) fn told(&self, node: &str) -> bool {
        self.told.borrow().contains_key(node)
    }

    /// Waits until what was told is as it should be.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Told) -> bool) {
        let done = timeout(PATIENCE, self.told.subscribe().wait_for(|told| is(told))).await.is_ok();
        assert!(done, "never {what}; {} lights were told", self.told.borrow().len());
    }
}

struct Fake {
    told: Arc<watch::Sender<Told>>,
}

/// Takes up a command and answers it, unless it is one's who doesn't.
async fn hear(
    mut commands: Streaming<v1::ColorCommand>,
    told: Arc<watch::Sender<Told>>,
) -> Option<(Result<v1::ColorStatus, Status>, (Streaming<v1::ColorCommand>, Arc<watch::Sender<Told>>))> {
    let command = commands.message().await.ok()??;
    let (epoch, version, stalls) = (command.epoch, command.version, command.node.starts_with(Lights::STALLED));
    told.send_modify(|told| drop(told.insert(command.node.clone(), command)));
    if stalls {
        std::future::pending::<()>().await;
    }
    let light = Some(v1::LightState { led_count: 2, ..v1::LightState::default() });
    let status = v1::ColorStatus { outcome: Outcome::Applied.into(), epoch, version, message: String::new(), light };
    Some((Ok(status), (commands, told)))
}

impl Play for Fake {
    fn answers(&self, commands: Streaming<v1::ColorCommand>) -> Answers {
        let heard = (commands, Arc::clone(&self.told));
        stream::unfold(heard, |(commands, told)| hear(commands, told)).boxed()
    }
}

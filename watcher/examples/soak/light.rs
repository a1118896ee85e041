//! Edge: a light of the soak: a real lightd with a virtual stick, the link by which the watcher reaches it, and a client
//! that asks it directly. Refuses to know what it should show.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use lightd::{Frame, Lightd, Settings};
use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use podlight_sim::PodBuilder;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::daemon::{Daemon, Stopped};
use crate::pipe::Pipe;

const MODELS: [&str; 6] = ["nano", "square", "nano", "strip", "flex", "blinkstick"];
/// For a light to say what it shows.
const ANSWER: Duration = Duration::from_secs(2);

/// A light, whether its lightd runs or not.
pub(crate) struct Light {
    pub(crate) node: &'static str,
    pub(crate) pipe: Pipe,
    /// Where its lightd listens, whenever it runs.
    address: SocketAddr,
    stick: String,
    /// How often it was started.
    lives: Cell<u64>,
    life: RefCell<Option<Life>>,
    /// What its LEDs show, also when lightd has left them.
    frames: RefCell<watch::Receiver<Frame>>,
}

struct Life {
    daemon: Daemon,
    client: LightClient<Channel>,
}

impl Light {
    /// Starts the light of the node of this index.
    pub(crate) async fn start(index: usize, node: &'static str) -> anyhow::Result<Self> {
        let stick = format!("virtual:{}", MODELS[index % MODELS.len()]);
        // Addresses of their own: nothing else on this host then takes a port while its lightd is down.
        let host = u8::try_from(index).map_or(Ipv4Addr::LOCALHOST, |index| Ipv4Addr::new(127, 0, 1, index + 1));
        let (life, address, frames) = begin(SocketAddr::from((host, 0)), &stick).await?;
        let pipe = Pipe::lay(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), address).await?;
        let (life, frames) = (RefCell::new(Some(life)), RefCell::new(frames));
        Ok(Self { node, pipe, address, stick, lives: Cell::new(1), life, frames })
    }

    /// Its pod, to be found by.
    pub(crate) fn pod(&self) -> PodBuilder {
        PodBuilder::lightd(self.node, &self.pipe.address.ip().to_string(), self.pipe.address.port())
    }

    /// Which life of its this is; nothing while its lightd doesn't run.
    pub(crate) fn life(&self) -> Option<u64> {
        self.life.borrow().is_some().then(|| self.lives.get())
    }

    /// What it says of itself. Nothing where it doesn't answer.
    pub(crate) async fn ask(&self) -> Option<v1::LightState> {
        let mut client = self.life.borrow().as_ref()?.client.clone();
        let answer = timeout(ANSWER, client.get_state(v1::GetStateRequest {})).await;
        answer.ok()?.ok().map(tonic::Response::into_inner)
    }

    /// What it says of itself from now on, at each change. Nothing where it can't be heard.
    pub(crate) async fn listen(&self) -> Option<Streaming<v1::LightState>> {
        let mut client = self.life.borrow().as_ref()?.client.clone();
        let states = timeout(ANSWER, client.watch_state(v1::WatchStateRequest {})).await;
        states.ok()?.ok().map(tonic::Response::into_inner)
    }

    /// What its LEDs show.
    pub(crate) fn frame(&self) -> Frame {
        self.frames.borrow().borrow().clone()
    }

    /// Ends its lightd in good order, or as a crash would.
    pub(crate) async fn end(&self, killed: bool) -> anyhow::Result<()> {
        let life = self.life.take();
        match life {
            Some(Life { daemon, .. }) if killed => daemon.kill().await,
            Some(Life { daemon, .. }) => daemon.stop().await,
            None => Ok(()),
        }
    }

    /// Starts its lightd again, on the same port.
    pub(crate) async fn begin(&self) -> anyhow::Result<()> {
        let (life, _, frames) = begin(self.address, &self.stick).await?;
        self.lives.set(self.lives.get() + 1);
        self.frames.replace(frames);
        self.life.replace(Some(life));
        Ok(())
    }
}

async fn begin(listen: SocketAddr, stick: &str) -> anyhow::Result<(Life, SocketAddr, watch::Receiver<Frame>)> {
    let listen = listen.to_string();
    let settings = Settings::try_parse_from(["lightd", "--listen", &listen, "--http", "off", "--stick", stick])?;
    let (ready, begun) = oneshot::channel();
    let daemon = Daemon::start("lightd", |stopped: Stopped| async move {
        let lightd = Lightd::bind(settings).await?;
        // Whoever started it waits for this.
        let _ = ready.send((lightd.address(), lightd.frames()));
        lightd.run(async { drop(stopped.await) }).await
    })?;
    let Ok((address, mut frames)) = begun.await else {
        daemon.stop().await?;
        anyhow::bail!("lightd ended at once");
    };
    let client = LightClient::new(Endpoint::from_shared(format!("http://{address}"))?.connect_lazy());
    Ok((Life { daemon, client }, address, frames.pop().context("a virtual stick has frames")?))
}

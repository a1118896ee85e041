//! Edge: the lights of the demo: a real lightd for each node, with a virtual stick, and what it says of itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use lightd::{Frame, Lightd, Settings};
use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use tokio::sync::watch;
use tokio::time::sleep;
use tonic::transport::Endpoint;

use crate::crew::Crew;

/// The first light's port, and the following ones', where they are free.
const FIRST_PORT: u16 = 50061;
const MODELS: [&str; 6] = ["nano", "square", "nano", "strip", "flex", "blinkstick"];

/// A lightd that runs.
pub(crate) struct Light {
    pub(crate) node: String,
    pub(crate) address: SocketAddr,
    /// What its LEDs show right now.
    pub(crate) frame: watch::Receiver<Frame>,
    /// What it says of itself, by its own WatchState.
    pub(crate) state: watch::Receiver<v1::LightState>,
}

/// Starts the light of the node of this index, among `crew`.
pub(crate) async fn light(index: usize, node: String, crew: &mut Crew) -> anyhow::Result<Light> {
    let model = MODELS[index % MODELS.len()];
    let preferred = u16::try_from(index).ok().and_then(|index| FIRST_PORT.checked_add(index)).unwrap_or_default();
    let lightd = match bind(preferred, model).await {
        Ok(lightd) => lightd,
        Err(_) => bind(0, model).await?,
    };
    let address = lightd.address();
    let frame = lightd.frames().pop().context("a virtual stick has frames")?;
    let (states, state) = watch::channel(v1::LightState::default());
    crew.start(lightd.run(crew.stopped()));
    crew.start(follow(address, states, crew.stopped()));
    Ok(Light { node, address, frame, state })
}

async fn bind(port: u16, model: &str) -> anyhow::Result<Lightd> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
    let stick = format!("virtual:{model}");
    let settings = Settings::try_parse_from(["lightd", "--listen", &listen, "--http", "off", "--stick", &stick])?;
    Lightd::bind(settings).await
}

/// Hears what the light says of itself, as anyone could, until it stops.
async fn follow(
    address: SocketAddr,
    states: watch::Sender<v1::LightState>,
    stopped: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let hear = async {
        loop {
            // A stream that breaks is begun again: the first state it sends is the present one.
            if let Ok(channel) = endpoint.connect().await
                && let Ok(stream) = LightClient::new(channel).watch_state(v1::WatchStateRequest {}).await
            {
                let mut stream = stream.into_inner();
                while let Ok(Some(state)) = stream.message().await {
                    states.send_replace(state);
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = hear => {}
        () = stopped => {}
    }
    Ok(())
}

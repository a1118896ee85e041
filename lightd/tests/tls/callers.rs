//! Those who speak to a light: by TLS, without it, and by TLS without a certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use podlight_proto::v1;
use podlight_proto::v1::light_client::LightClient;
use podlight_tls::{Own, Trust};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};

use crate::daemon::Daemon;
use crate::papers::Papers;

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who speaks to a light, on a connection of its own each time.
#[derive(Clone)]
pub(crate) struct Caller {
    address: SocketAddr,
    /// None: plain.
    trust: Option<Trust>,
    own: Own,
}

/// A connection that lasts.
pub(crate) struct Connected(LightClient<Channel>);

impl Caller {
    pub(crate) fn new(light: &Daemon, papers: &Papers) -> Self {
        let (trust, _) = Trust::read(papers.caller_files()).unwrap();
        Self { address: light.address, trust: Some(trust), own: Own::Host }
    }

    pub(crate) fn plain(light: &Daemon) -> Self {
        Self::plain_at(light.address)
    }

    pub(crate) fn plain_at(address: SocketAddr) -> Self {
        Self { address, trust: None, own: Own::Host }
    }

    /// The light is one that was found on this node.
    pub(crate) fn asked_by_node(self, node: &str) -> Self {
        Self { own: Own::Node(node.to_owned()), ..self }
    }

    pub(crate) async fn connect(&self) -> Connected {
        self.try_connect().await.unwrap()
    }

    async fn try_connect(&self) -> Result<Connected, String> {
        let scheme = if self.trust.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.address)).unwrap();
        let channel = match self.trust.clone() {
            Some(mut trust) => podlight_tls::dial(endpoint, trust.papers(), self.own.clone()).await,
            None => endpoint.connect().await,
        };
        Ok(Connected(LightClient::new(channel.map_err(|error| chain(&error))?)))
    }

    /// Sets the light, and tells what it shows then, or all that is told of why it doesn't.
    pub(crate) async fn set(&self, color: &str) -> Result<String, String> {
        self.try_connect().await?.set(color).await
    }

    /// What it shows.
    pub(crate) async fn shows(&self) -> Result<String, String> {
        let Connected(mut client) = self.try_connect().await?;
        let state = client.get_state(v1::GetStateRequest {}).await.map_err(|status| chain(&status))?;
        Ok(state.into_inner().leds[0].color.clone())
    }
}

impl Connected {
    pub(crate) async fn set(&self, color: &str) -> Result<String, String> {
        let request = v1::SetColorRequest { color: color.to_owned(), ..v1::SetColorRequest::default() };
        let mut client = self.0.clone();
        let state = timeout(PATIENCE, client.set_color(request)).await.unwrap().map_err(|status| chain(&status))?;
        Ok(state.into_inner().leds[0].color.clone())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What is told to whoever has the right CA and no certificate.
pub(crate) async fn bare(light: &Daemon, papers: &Papers) -> String {
    let mut roots = RootCertStore::empty();
    let [_, _, ca] = papers.caller();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(podlight_tls::EVERY_LIGHT).unwrap();
    let stream = TcpStream::connect(light.address).await.unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.read_u8().await.unwrap_err().to_string()
}

//! Edge: how lights are reached, plainly or by TLS. Refuses to know what they are told.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use podlight_tls::{Files, Own, Trust};
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::ledger::Scope;
use crate::lights::Light;
use crate::settings::Misconfigured;

/// Reaches lights, with the newest certificates where there are any.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    trust: Option<Trust>,
}

/// Keeps certificates up to date while it is polled.
pub(crate) type Renewal = Pin<Box<dyn Future<Output = Infallible> + Send>>;

impl Dial {
    /// By TLS where there are files for it.
    ///
    /// # Errors
    /// They can't be read, or what they hold is bad.
    pub(crate) fn new(files: Option<Files>) -> Result<(Self, Renewal), Misconfigured> {
        let Some(files) = files else { return Ok((Self::plain(), Box::pin(std::future::pending()))) };
        let (trust, renewal) = Trust::read(files).map_err(|bad| Misconfigured::new(bad.to_string()))?;
        tracing::info!("mutual TLS with lights, by a certificate {}", renewal.papers());
        Ok((Self { trust: Some(trust) }, Box::pin(renewal.run())))
    }

    /// Without TLS.
    pub(crate) const fn plain() -> Self {
        Self { trust: None }
    }

    /// Whether lights that were found are reached by TLS.
    pub(crate) const fn is_secure(&self) -> bool {
        self.trust.is_some()
    }

    /// What lights are shown.
    pub(crate) fn trust(&self) -> Option<Trust> {
        self.trust.clone()
    }

    /// Connects to `light`. One that was given is known by its URL, one that was found by its node.
    ///
    /// # Errors
    /// Nobody is there, or somebody who isn't believed.
    pub(crate) async fn dial(self, light: Arc<Light>, is_given: bool) -> io::Result<Connection> {
        let uri: Uri = light.url.parse().map_err(io::Error::other)?;
        match self.trust.filter(|_| light.is_secure()) {
            None => {
                // Addresses of IPv6 stand in brackets.
                let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
                let stream = TcpStream::connect((host, uri.port_u16().unwrap_or_default())).await?;
                // Latency is all that it is about; a connection that has ended already is found out soon.
                let _ = stream.set_nodelay(true);
                Connection::new(stream, uri).await
            }
            Some(mut trust) => {
                let own = match &light.scope {
                    Scope::Node(node) if !is_given => Own::Node(node.clone()),
                    Scope::Node(_) | Scope::Namespace(_) | Scope::Cluster => Own::Host,
                };
                Connection::new(podlight_tls::connect(&uri, &trust.papers(), own).await?, uri).await
            }
        }
    }
}

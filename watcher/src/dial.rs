//! Edge: how lights are reached, plainly or by TLS. Refuses to know what they are told.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use podlight_tls::{Files, Own, Trust};
use tonic::transport::{Channel, Endpoint, Error};

use crate::ledger::Scope;
use crate::lights::Light;
use crate::settings::Misconfigured;

/// HTTP/2's smallest default: enough for statuses, and it bounds what a light can make us hold.
const WINDOW: u32 = 65_535;

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
    pub(crate) async fn dial(self, light: Light, is_given: bool) -> Result<Channel, Error> {
        let endpoint = endpoint(&light.url)?;
        match self.trust.filter(|_| light.is_secure()) {
            None => endpoint.connect().await,
            Some(mut trust) => {
                let own = match light.scope {
                    Scope::Node(node) if !is_given => Own::Node(node),
                    Scope::Node(_) | Scope::Namespace(_) | Scope::Cluster => Own::Host,
                };
                podlight_tls::dial(endpoint, trust.papers(), own).await
            }
        }
    }
}

/// A dead peer is noticed by pings, even when there is nothing to say.
pub(crate) fn endpoint(url: &str) -> Result<Endpoint, Error> {
    Ok(Endpoint::from_shared(url.to_owned())?
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW))
}

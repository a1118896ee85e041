//! Edge: how lights are reached, plainly or by TLS. Refuses to know what they are told.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use podlight_tls::{Files, Own, Trust};
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl};
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::ledger::Scope;
use crate::lights::Light;
use crate::settings::Misconfigured;

/// A host that says nothing for so long is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(20);
/// And once more after this, where it doesn't answer.
const AGAIN: Duration = Duration::from_secs(5);
/// So many times in all.
const TIMES: u32 = 3;

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
        let stream = podlight_tls::reach(&uri).await?;
        look_after(&stream);
        match self.trust.filter(|_| light.is_secure()) {
            None => Connection::new(stream, uri).await,
            Some(mut trust) => {
                let own = match &light.scope {
                    Scope::Node(node) if !is_given => Own::Node(node.clone()),
                    Scope::Node(_) | Scope::Namespace(_) | Scope::Cluster => Own::Host,
                };
                Connection::new(podlight_tls::secure(stream, &uri, &trust.papers(), own).await?, uri).await
            }
        }
    }
}

/// Lets the kernel find out that a host is gone while there is nothing to say to it. To ask thousands ourselves would cost.
fn look_after(stream: &TcpStream) {
    // Where it can't, a lease that nobody acknowledges says the same, later.
    let _ = set_socket_keepalive(stream, true)
        .and_then(|()| set_tcp_keepidle(stream, SILENCE))
        .and_then(|()| set_tcp_keepintvl(stream, AGAIN))
        .and_then(|()| set_tcp_keepcnt(stream, TIMES));
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::{socket_keepalive, tcp_keepcnt, tcp_keepidle, tcp_keepintvl};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_asks_whether_a_silent_host_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!socket_keepalive(&stream).unwrap());
        look_after(&stream);
        assert!(socket_keepalive(&stream).unwrap());
        assert_eq!((tcp_keepidle(&stream), tcp_keepintvl(&stream)), (Ok(SILENCE), Ok(AGAIN)));
        assert_eq!(tcp_keepcnt(&stream), Ok(TIMES));
    }
}

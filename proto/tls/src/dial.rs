//! Edge: opens a connection to a light. Refuses to know what is said on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::transport::{Channel, Endpoint, Error};
use tower::service_fn;

use crate::papers::Papers;
use crate::words::{Side, explained};

/// What a light is called, besides [`crate::EVERY_LIGHT`].
#[derive(Clone, Debug)]
pub enum Own {
    /// The host of its URL.
    Host,
    /// The node that it is on.
    Node(String),
}

/// Connects to the light at `endpoint`, an `https` URL with a port, as [`reach`] and [`secure`] do.
///
/// # Errors
/// Nobody is there, or somebody who isn't believed. Whether the light believes whoever dials shows only in what is said.
pub async fn dial(endpoint: Endpoint, papers: Arc<Papers>, own: Own) -> Result<Channel, Error> {
    let connect = move |uri: Uri| {
        let (papers, own) = (Arc::clone(&papers), own.clone());
        async move { secure(reach(&uri).await?, &uri, &papers, own).await.map(TokioIo::new) }
    };
    endpoint.connect_with_connector(service_fn(connect)).await
}

/// Connects to host and port of `uri`, without a word.
///
/// # Errors
/// It has none, or nobody is there.
pub async fn reach(uri: &Uri) -> io::Result<TcpStream> {
    let port = uri.port_u16().ok_or_else(|| invalid(uri, "no port"))?;
    let stream = TcpStream::connect((host(uri)?, port)).await?;
    // Latency is all that it is about; a connection that has ended already is found out soon.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Shakes hands by `stream` with the light at `uri`, whose certificate has to be good for its `own` name.
///
/// # Errors
/// As those of [`dial`].
pub async fn secure(stream: TcpStream, uri: &Uri, papers: &Papers, own: Own) -> io::Result<Secured> {
    let own = match own {
        Own::Host => host(uri)?.to_owned(),
        Own::Node(node) => node,
    };
    let name =
        ServerName::try_from(own.clone()).map_err(|_| invalid(uri, &format!("{own} can't be in a certificate")))?;
    let tls = TlsConnector::from(Arc::clone(&papers.client)).connect(name, stream).await;
    tls.map(Secured).map_err(|error| explained(Side::Caller, error))
}

/// Addresses of IPv6 stand in brackets there.
fn host(uri: &Uri) -> io::Result<&str> {
    Ok(uri.host().ok_or_else(|| invalid(uri, "no host"))?.trim_matches(['[', ']']))
}

fn invalid(uri: &Uri, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{uri}: {what}"))
}

/// A connection that says in our words what is wrong with it: a light refuses whoever dialed only after that was done.
#[derive(Debug)]
pub struct Secured(TlsStream<TcpStream>);

impl Secured {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut TlsStream<TcpStream>> {
        Pin::new(&mut self.get_mut().0)
    }
}

fn said<T>(poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
    poll.map_err(|error| explained(Side::Caller, error))
}

impl AsyncRead for Secured {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        said(self.stream().poll_read(context, buffer))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        said(self.stream().poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        said(self.stream().poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        said(self.stream().poll_shutdown(context))
    }
}

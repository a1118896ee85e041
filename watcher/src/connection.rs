//! Edge: HTTP/2 on a connection to a light, as little of it as a light needs. Refuses to know how it was connected, and
//! what is said on it.
//!
//! It is what tonic's `Channel` keeps below: without a queue before it, and without a task that would connect again, which
//! is for a [`Link`](crate::link::Link) to do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use podlight_proto::v1::light_client::LightClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Status;
use tonic::body::Body;
use tonic::client::Grpc;
use tower::Service;

/// HTTP/2's smallest default: enough for statuses, and it bounds what a light can make us hold.
const WINDOW: u32 = 65_535;

/// A connection to a light, until the last clone of it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    requests: SendRequest<Body>,
    /// Scheme, host and port.
    origin: Uri,
}

impl Connection {
    /// Speaks HTTP/2 by `stream` to whoever is at `origin`.
    ///
    /// # Errors
    /// The stream has ended.
    pub(crate) async fn new(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        origin: Uri,
    ) -> io::Result<Self> {
        let mut http = Builder::new(TokioExecutor::new());
        http.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (requests, connection) = http.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Why it ends is told to whoever asked for something.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self { requests, origin })
    }

    /// What streams are opened by.
    pub(crate) fn grpc(&self) -> Grpc<Self> {
        Grpc::with_origin(self.clone(), self.origin.clone())
    }

    /// Whom the light is asked by.
    pub(crate) fn light(&self) -> LightClient<Self> {
        LightClient::with_origin(self.clone(), self.origin.clone())
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    /// UNAVAILABLE, and why.
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    /// At once: one that has ended says so, and why, to whoever asks by it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.requests.send_request(request);
        Box::pin(async { answer.await.map_err(|error| Status::unavailable(crate::chain(&error))) })
    }
}

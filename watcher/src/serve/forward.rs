//! Passes on calls to the watcher that leads. Where it can't be reached, this one answers as well as it can.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Layer, Service, ServiceExt as _};

use crate::leader::Leader;

/// What is passed on: the rest is about this watcher itself.
const SERVICE: &str = "/podlight.v1.Cluster/";

/// Passes on to the leader, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Forward(pub(super) Leader);

/// What is passed on, and what isn't.
#[derive(Clone, Debug)]
pub(super) struct Forwarded<S> {
    leader: Leader,
    /// To the leader that was asked last.
    line: Arc<Mutex<Option<(SocketAddr, Channel)>>>,
    inner: S,
}

impl<S> Layer<S> for Forward {
    type Service = Forwarded<S>;

    fn layer(&self, inner: S) -> Forwarded<S> {
        Forwarded { leader: self.0.clone(), line: Arc::default(), inner }
    }
}

impl<S> Forwarded<S> {
    /// A way to the leader, if there is one to ask for this.
    async fn way(&self, leader: Option<SocketAddr>) -> Option<Channel> {
        let address = leader?;
        let line = || self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, channel)) = line().as_ref().filter(|(known, _)| *known == address) {
            return Some(channel.clone());
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}")).ok()?;
        let channel = endpoint.connect_timeout(Leader::CONNECTING).tcp_nodelay(true).connect().await.ok()?;
        *line() = Some((address, channel.clone()));
        Some(channel)
    }
}

impl<S> Service<Request<Body>> for Forwarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that is ready goes; its copy waits.
        let copy = self.clone();
        let mut this = std::mem::replace(self, copy);
        let leader = this.leader.of(request.headers()).filter(|_| request.uri().path().starts_with(SERVICE));
        Box::pin(async move {
            let Some(leader) = this.way(leader).await else { return this.inner.call(request).await };
            Leader::mark(request.headers_mut());
            let passed_on = leader.oneshot(request).await;
            passed_on.or_else(|error| {
                // Whoever asks again finds another way.
                *this.line.lock().unwrap_or_else(PoisonError::into_inner) = None;
                let why = crate::chain(&error);
                Ok(Status::unavailable(format!("the watcher that leads is out of reach: {why}")).into_http())
            })
        })
    }
}

//! A watcher that stands by passes on what people ask to the one that leads: only that one knows the lights. Where it can't be
//! reached, this one answers as well as it can.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Layer, Service, ServiceExt as _};

/// On what was passed on: it isn't passed on again, whoever leads by then.
const PASSED_ON: &str = "podlight-passed-on";
/// For the leader to be reached, which is in the same cluster.
const CONNECTING: Duration = Duration::from_secs(2);
/// What is passed on: the rest is about this watcher itself.
const SERVICE: &str = "/podlight.v1.Cluster/";

/// Passes on to the watcher at `leader`, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    pub(super) leader: watch::Receiver<Option<IpAddr>>,
    /// On which all watchers listen.
    pub(super) port: u16,
}

/// What is passed on, and what isn't.
#[derive(Clone, Debug)]
pub(super) struct Forwarded<S> {
    forward: Forward,
    /// To the leader that was asked last.
    line: Arc<Mutex<Option<(IpAddr, Channel)>>>,
    inner: S,
}

impl<S> Layer<S> for Forward {
    type Service = Forwarded<S>;

    fn layer(&self, inner: S) -> Forwarded<S> {
        Forwarded { forward: self.clone(), line: Arc::default(), inner }
    }
}

impl<S> Forwarded<S> {
    /// The leader to ask for this, if there is one.
    fn leader(&self, request: &Request<Body>) -> Option<IpAddr> {
        let ours = !request.uri().path().starts_with(SERVICE) || request.headers().contains_key(PASSED_ON);
        if ours { None } else { *self.forward.leader.borrow() }
    }

    /// A way to the leader, if there is one.
    async fn way(&self, leader: Option<IpAddr>) -> Option<Channel> {
        let address = leader?;
        let line = || self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, channel)) = line().as_ref().filter(|(known, _)| *known == address) {
            return Some(channel.clone());
        }
        let url = format!("http://{}", SocketAddr::new(address, self.forward.port));
        let endpoint = Endpoint::from_shared(url).ok()?.connect_timeout(CONNECTING).tcp_nodelay(true);
        let channel = endpoint.connect().await.ok()?;
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
        let leader = this.leader(&request);
        Box::pin(async move {
            let Some(leader) = this.way(leader).await else { return this.inner.call(request).await };
            request.headers_mut().insert(PASSED_ON, HeaderValue::from_static("1"));
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

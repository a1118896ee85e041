//! Edge: asks the API for pods and nodes in [`protobuf`](crate::protobuf), where most of an object can be skipped without a look
//! at it, and hands kube's client what is used of them, in JSON. What comes in JSON all the same passes as it is. Keeps nothing of its own.
//!
//! Kubernetes' own components speak so, and every API server does. Half as much travels, and no server has to encode each
//! change in JSON for podlight alone.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body::{Body, Frame};
use prost::bytes::Bytes;
use tower::{Layer, Service};

use crate::protobuf::Reading;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const EITHER: HeaderValue = HeaderValue::from_static("application/vnd.kubernetes.protobuf,application/json");
/// What it is known how to read.
const PATHS: [&str; 2] = ["/api/v1/pods", "/api/v1/nodes"];

/// Asks for less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lean;

impl<S> Layer<S> for Lean {
    type Service = Asking<S>;

    fn layer(&self, inner: S) -> Asking<S> {
        Asking { inner }
    }
}

/// A client's service that is asked for less.
#[derive(Clone, Debug)]
pub(super) struct Asking<S> {
    inner: S,
}

impl<S, A, B: 'static> Service<Request<A>> for Asking<S>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send + 'static>,
{
    type Response = Response<Told<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        if request.method() == Method::GET && PATHS.iter().any(|path| request.uri().path().ends_with(path)) {
            request.headers_mut().insert(ACCEPT, EITHER);
        }
        self.inner.call(request).map_ok(told).boxed()
    }
}

/// The response, to be read where that is needed.
fn told<B>(response: Response<B>) -> Response<Told<B>> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let parameters = kind.and_then(|kind| kind.strip_prefix(PROTOBUF));
    let reading = parameters.map(|parameters| Reading::new(parameters.contains("stream=watch")));
    response.map(|body| Told { body, reading })
}

/// A response's body.
pub(super) struct Told<B> {
    body: B,
    /// Nothing where there is nothing to read: it is JSON, or over.
    reading: Option<Reading>,
}

impl<B> Body for Told<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            let frame = ready!(Pin::new(&mut this.body).poll_frame(context)).transpose().map_err(Into::into)?;
            let Some(reading) = &mut this.reading else { return Poll::Ready(frame.map(Ok)) };
            let told = match frame.map(Frame::into_data) {
                Some(Ok(piece)) => reading.take(&piece),
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => {
                    let told = reading.end();
                    this.reading = None;
                    if told.as_ref().is_ok_and(Vec::is_empty) {
                        return Poll::Ready(None);
                    }
                    told
                }
            };
            match told {
                Ok(told) if told.is_empty() => {}
                Ok(told) => return Poll::Ready(Some(Ok(Frame::data(told.into())))),
                Err(error) => return Poll::Ready(Some(Err(unreadable(error)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_none() && self.body.is_end_stream()
    }
}

fn unreadable(error: io::Error) -> Box<dyn Error + Send + Sync> {
    format!("the protobuf that the API sent can't be read: {error}").into()
}

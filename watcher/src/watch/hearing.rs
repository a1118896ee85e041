//! Hears what a stream of objects hides: that a watch is alive, though it brings no object. Keeps nothing; refuses to look
//! into objects.
//!
//! What counts is each piece of a watch's response, bookmarks among them, and its orderly end, which says that nothing
//! more happened. An error event counts for nothing. Nor does a list, until it is complete: half a list vouches for
//! nothing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::freshness::{Freshness, Watch};

/// Tells [`Freshness`] of every word on a watch.
#[derive(Clone)]
pub(super) struct Hearing(pub(super) watch::Sender<Freshness>);

impl<S> Layer<S> for Hearing {
    type Service = Listening<S>;

    fn layer(&self, inner: S) -> Listening<S> {
        Listening { inner, freshness: self.0.clone() }
    }
}

/// A client's service that is listened to.
#[derive(Clone)]
pub(super) struct Listening<S> {
    inner: S,
    freshness: watch::Sender<Freshness>,
}

impl<S, A, B> Service<Request<A>> for Listening<S>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send + 'static>,
{
    type Response = Response<Heard<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let watch = watched(request.uri());
        let freshness = self.freshness.clone();
        let tell = move |response: Response<B>| {
            let watch = watch.filter(|_| response.status().is_success());
            response.map(|body| Heard { body, teller: watch.map(|watch| (watch, freshness)) })
        };
        self.inner.call(request).map_ok(tell).boxed()
    }
}

/// Which watch a request opens, if any.
fn watched(uri: &http::Uri) -> Option<Watch> {
    let watches = uri.query()?.split('&').any(|pair| pair == "watch=true");
    let resource = uri.path().rsplit('/').next()?;
    [Watch::Pods, Watch::Nodes].into_iter().find(|watch| watches && watch.resource() == resource)
}

/// A response's body, and whom to tell of what it brings. Nobody, once it has brought an error.
pub(super) struct Heard<B> {
    body: B,
    teller: Option<(Watch, watch::Sender<Freshness>)>,
}

impl<B: Body<Data: AsRef<[u8]>> + Unpin> Body for Heard<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let heard = self.get_mut();
        let frame = ready!(Pin::new(&mut heard.body).poll_frame(context));
        let sound = match &frame {
            Some(Ok(frame)) => !frame.data_ref().is_some_and(|data| is_error(data.as_ref())),
            Some(Err(_)) => false,
            None => true,
        };
        if !sound {
            heard.teller = None;
        }
        if let Some((watch, freshness)) = &heard.teller {
            freshness.send_modify(|freshness| freshness.heard(*watch, Instant::now().into_std()));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a piece is an error event, in JSON or, behind its length, in protobuf.
fn is_error(piece: &[u8]) -> bool {
    let protobuf = piece.get(4..).is_some_and(|event| event.starts_with(b"\x0a\x05ERROR"));
    protobuf || piece.starts_with(br#"{"type":"ERROR""#)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    const PODS: &str = "/api/v1/pods?&watch=true&timeoutSeconds=20&allowWatchBookmarks=true";

    const NEVER: [usize; 0] = [];

    /// A body of these pieces: nothing where the connection breaks.
    struct Pieces(VecDeque<Option<&'static [u8]>>);

    impl Body for Pieces {
        type Data = &'static [u8];
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
            Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data).ok_or("broken")))
        }
    }

    /// After how many pieces, the end among them, something was heard on the pods' watch.
    async fn heard(uri: &str, status: u16, pieces: &[Option<&'static [u8]>]) -> Vec<usize> {
        let (freshness, mut told) = watch::channel(Freshness::new(Duration::from_secs(30), Instant::now().into_std()));
        let pieces = VecDeque::from(pieces.to_vec());
        let count = pieces.len() + 1;
        let mut pieces = Some(pieces);
        let server = tower::service_fn(move |_: Request<()>| {
            let body = Pieces(pieces.take().unwrap());
            async move { Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap()) }
        });
        let request = Request::get(uri).body(()).unwrap();
        let mut body = Hearing(freshness).layer(server).oneshot(request).await.unwrap().into_body();
        let mut heard = Vec::new();
        for i in 0..count {
            let end = !matches!(body.frame().await, Some(Ok(_)));
            if told.has_changed().unwrap_or(false) {
                assert!(told.borrow_and_update().read(Watch::Pods).is_some());
                heard.push(i);
            }
            if end {
                break;
            }
        }
        heard
    }

    #[tokio::test]
    async fn bookmarks_and_the_orderly_end_of_a_watch_are_heard() {
        let bookmark = Some(&br#"{"type":"BOOKMARK","object":{}}"#[..]);
        assert_eq!(heard(PODS, 200, &[bookmark, bookmark]).await, [0, 1, 2]);
        assert_eq!(heard(PODS, 200, &[]).await, [0]);
    }

    #[tokio::test]
    async fn a_broken_connection_is_not_heard() {
        let added = Some(&br#"{"type":"ADDED","object":{}}"#[..]);
        assert_eq!(heard(PODS, 200, &[added, None]).await, [0]);
    }

    #[tokio::test]
    async fn an_error_event_is_not_heard_nor_what_follows_it() {
        let gone = Some(&br#"{"type":"ERROR","object":{"code":410}}"#[..]);
        assert_eq!(heard(PODS, 200, &[gone]).await, NEVER);
    }

    #[tokio::test]
    async fn neither_refusals_nor_lists_nor_other_watches_are_heard() {
        let piece = Some(&b"{}"[..]);
        for (uri, status) in [
            (PODS, 403),
            (PODS, 500),
            ("/api/v1/pods?&limit=500", 200),
            ("/api/v1/namespaces?&watch=true", 200),
            ("/api/v1/namespaces/shop/pods/cart/log?&watch=true", 200),
        ] {
            assert_eq!(heard(uri, status, &[piece]).await, NEVER, "{status} {uri}");
        }
    }
}

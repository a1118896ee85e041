//! A watcher that stands by passes on what its page asks to the one that leads: only that one knows the lights. Where it can't be
//! reached, this one answers as well as it can. Refuses to know what is asked.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{PATIENCE, refuse};

/// On what was passed on: it isn't passed on again, whoever leads by then.
const PASSED_ON: &str = "podlight-passed-on";
/// For the leader to be reached, which is in the same cluster.
const CONNECTING: Duration = Duration::from_secs(2);

/// Passes on to the watcher at `leader`, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    pub(super) leader: watch::Receiver<Option<IpAddr>>,
    /// On which all watchers are read.
    pub(super) port: u16,
}

impl Forward {
    /// What the leader answers, or this watcher.
    pub(super) async fn pass(self, mut request: Request, next: Next) -> Response {
        let leader = *self.leader.borrow();
        let Some(leader) = leader.filter(|_| !request.headers().contains_key(PASSED_ON)) else {
            return next.run(request).await;
        };
        let Ok(Some(mut leader)) = timeout(CONNECTING, reach(leader, self.port)).await else {
            return next.run(request).await;
        };
        request.headers_mut().insert(PASSED_ON, HeaderValue::from_static("1"));
        // Its own patience, and a word's way there and back.
        match timeout(PATIENCE + CONNECTING, leader.send_request(request)).await {
            Ok(Ok(answer)) => answer.map(Body::new),
            Ok(Err(_)) | Err(_) => refuse(StatusCode::BAD_GATEWAY, "the watcher that leads is out of reach"),
        }
    }
}

async fn reach(leader: IpAddr, port: u16) -> Option<SendRequest<Body>> {
    let stream = TcpStream::connect((leader, port)).await.ok()?;
    stream.set_nodelay(true).ok();
    let (leader, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with the answer, or with whoever waits for it.
    tokio::spawn(connection);
    Some(leader)
}

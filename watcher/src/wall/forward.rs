//! Passes on what the page asks to the watcher that leads. Where it can't be reached, this one answers as well as it can. Refuses
//! to know what is asked.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PATIENCE, refuse};
use crate::leader::Leader;

/// What the leader answers, or else this watcher.
pub(super) async fn pass(leader: Leader, mut request: Request, next: Next) -> Response {
    let Some(address) = leader.of(request.headers()) else { return next.run(request).await };
    let Ok(Some(mut leader)) = timeout(Leader::CONNECTING, reach(address)).await else {
        return next.run(request).await;
    };
    Leader::mark(request.headers_mut());
    // Its own patience, and a word's way there and back.
    match timeout(PATIENCE + Leader::CONNECTING, leader.send_request(request)).await {
        Ok(Ok(answer)) => answer.map(Body::new),
        Ok(Err(_)) | Err(_) => refuse(StatusCode::BAD_GATEWAY, "the watcher that leads is out of reach"),
    }
}

async fn reach(leader: SocketAddr) -> Option<SendRequest<Body>> {
    let stream = TcpStream::connect(leader).await.ok()?;
    stream.set_nodelay(true).ok();
    let (leader, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with the answer, or with whoever waits for it.
    tokio::spawn(connection);
    Some(leader)
}

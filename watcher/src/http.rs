//! Edge: what is served over HTTP, to read: probes for Kubernetes. Refuses to change anything.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::ask::{Desk, Refusal};

/// For the board to answer: it never waits for anything but its own work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves on `listener` until `shutdown`.
pub(crate) async fn serve(
    listener: TcpListener,
    desk: Desk,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let routes = Router::new().route("/livez", get(live)).route("/readyz", get(ready)).with_state(desk);
    Ok(axum::serve(listener, routes).with_graceful_shutdown(shutdown).await?)
}

/// The loops turn: the board answers, whatever it says.
async fn live(State(desk): State<Desk>) -> (StatusCode, String) {
    match timeout(PATIENCE, desk.is_listed()).await {
        Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the board doesn't answer\n".to_owned()),
    }
}

/// The first lists are complete.
async fn ready(State(desk): State<Desk>) -> (StatusCode, String) {
    match timeout(PATIENCE, desk.is_listed()).await.unwrap_or(Err(Refusal::Stops)) {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(refusal) => (StatusCode::SERVICE_UNAVAILABLE, format!("{refusal}\n")),
    }
}

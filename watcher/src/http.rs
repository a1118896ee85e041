//! Edge: what is served over HTTP: metrics, probes for Kubernetes, and the [`wall`].

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use podlight_metrics::{CONTENT_TYPE, Process};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::ask::{Desk, Refusal};
use crate::freshness::Freshness;
use crate::guests::Guests;
use crate::metrics;
use crate::source::Current;
use crate::vouch::Term;
use crate::wall::{self, Wall};

/// For the board to answer: it never waits for anything but its own work.
const PATIENCE: Duration = Duration::from_secs(5);

/// What there is to read.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) desk: Desk,
    pub(crate) freshness: watch::Receiver<Freshness>,
    pub(crate) term: watch::Receiver<Option<Term>>,
    pub(crate) policy: watch::Receiver<Current>,
    pub(crate) process: Process,
}

/// Serves on `listener` until `shutdown`.
pub(crate) async fn serve(
    listener: TcpListener,
    reading: Reading,
    wall: Wall,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let wall = wall::routes(wall, &reading.desk, listener.local_addr()?.port());
    let asked = Router::new().route("/livez", get(live)).route("/readyz", get(ready)).merge(wall);
    let asked = asked.with_state(reading.desk.clone());
    let routes = Router::new().route("/metrics", get(measured)).with_state(reading).merge(asked);
    Ok(axum::serve(Guests::new(listener), routes).with_graceful_shutdown(shutdown).await?)
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

/// All metrics, as they are now.
async fn measured(State(reading): State<Reading>) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    let Reading { desk, freshness, term, policy, process } = reading;
    let figures = timeout(PATIENCE, desk.figures()).await.unwrap_or(Err(Refusal::Stops));
    let figures = figures.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let now = Instant::now().into_std();
    let mut page = metrics::page(&figures, &freshness.borrow(), *term.borrow(), &policy.borrow().reloads, now);
    process.write(&mut page);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], page.into_text()))
}

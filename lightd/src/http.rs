//! Edge: what is served over HTTP, to read: metrics, and probes for Kubernetes. Refuses to change anything.
//!
//! Whoever reaches the port may ask, so each connection asks once and soon, and when there are too many, the oldest makes
//! room.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use podlight_metrics::{CONTENT_TYPE, Process};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::counts::Counts;
use crate::keeper::Keeper;
use crate::metrics;

/// Connections at a time: a Prometheus or two, and the kubelet's probes.
const MOST_CONNECTIONS: usize = 16;
/// For a request to come, and its answer to go.
const PATIENCE: Duration = Duration::from_secs(5);
/// The smallest that hyper takes; requests are far below.
const LARGEST_REQUEST: usize = 8 * 1024;
/// Before the next try where nobody can be let in, for want of files or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// What there is to read.
pub(crate) struct Reading {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) process: Process,
}

/// Serves on `listener` for ever; nowhere, where there is none.
pub(crate) async fn serve(listener: Option<TcpListener>, reading: Arc<Reading>) -> Infallible {
    let Some(listener) = listener else { return std::future::pending().await };
    let mut connections = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        oldest.retain(|connection| !connection.is_finished());
        if oldest.len() >= MOST_CONNECTIONS
            && let Some(oldest) = oldest.pop_front()
        {
            oldest.abort();
        }
        oldest.push_back(connections.spawn(converse(stream, Arc::clone(&reading))));
    }
}

async fn converse(stream: TcpStream, reading: Arc<Reading>) {
    let answer = service_fn(|request| std::future::ready(Ok::<_, Infallible>(reading.answer(&request))));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LARGEST_REQUEST)
        .serve_connection(TokioIo::new(stream), answer);
    // Whoever hears no answer asks again.
    let _ = timeout(PATIENCE, connection).await;
}

impl Reading {
    fn answer<B>(&self, request: &Request<B>) -> Response<String> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "there is nothing but to GET\n".to_owned());
        }
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/livez" => probe(metrics::ails(&self.counts, now())),
            "/readyz" => probe(metrics::unready(&self.counts, now())),
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n".to_owned()),
        }
    }

    fn metrics(&self) -> Response<String> {
        let ((), light) = self.keeper.tell(|_, _| ());
        let mut page = metrics::page(&light, &self.counts);
        self.process.write(&mut page);
        let mut response = Response::new(page.into_text());
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
        response
    }
}

fn probe(fails: Option<String>) -> Response<String> {
    match fails {
        None => text(StatusCode::OK, "ok\n".to_owned()),
        Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

fn text(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

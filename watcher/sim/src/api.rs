//! Answers one request: a list, a watch, or why not.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, sleep};

use crate::query::{Query, Refusal};
use crate::store::{Expired, Position};
use crate::{Cluster, State, lease, protobuf};

/// How long a watch lasts that doesn't say.
const LONGEST_WATCH: Duration = Duration::from_secs(1800);
/// As real servers: a bookmark each minute, and shortly before the watch ends.
const BOOKMARKS: Duration = Duration::from_secs(60);
const LAST_BOOKMARK: Duration = Duration::from_secs(2);

pub(crate) type Answer = Response<Either<Full<Bytes>, Lines>>;

/// A body that is sent as it comes; an error breaks it off.
pub(crate) struct Lines(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|bytes| bytes.map(Frame::data)))
    }
}

pub(crate) async fn answer<B: Body>(cluster: Cluster, request: Request<B>) -> Result<Answer, Infallible> {
    let mut state = cluster.0.subscribe();
    // The sender lives in `cluster`, so this waits for nothing but the switch.
    let _ = state.wait_for(|state| !state.hang).await;
    if state.borrow().refuse {
        return Ok(status(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "refused, as it was told to"));
    }
    if let Some(path) = lease::Path::parse(request.uri().path()) {
        return Ok(lease(&cluster, path, request).await);
    }
    if request.method() != Method::GET {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "this server is only read from"));
    }
    let path = request.uri().path();
    let encoding = Encoding::accepted(request.headers());
    Ok(match path {
        "/version" => json(StatusCode::OK, version().to_string()),
        "/livez" | "/readyz" | "/healthz" => json(StatusCode::OK, json!("ok").to_string()),
        _ => match Query::parse(path, request.uri().query().unwrap_or_default()) {
            Ok(query) if query.watch => watch(state, query, encoding),
            Ok(query) => list(&state.borrow(), query, encoding),
            Err(Refusal::NotFound) => {
                status(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
            }
            Err(Refusal::Bad(why)) => status(StatusCode::BAD_REQUEST, "BadRequest", &why),
        },
    })
}

async fn lease<B: Body>(cluster: &Cluster, path: lease::Path, request: Request<B>) -> Answer {
    let method = request.method().clone();
    let Ok(body) = request.into_body().collect().await.map(|body| body.to_bytes()) else {
        return status(StatusCode::BAD_REQUEST, "BadRequest", "the body broke off");
    };
    let mut answer = None;
    cluster.0.send_modify(|state| answer = Some(state.leases.answer(&method, path, &body)));
    match answer.expect("send_modify has called what it was given") {
        Ok((code, lease)) => json(code, lease.to_string()),
        Err((code, reason, message)) => status(code, reason, &message),
    }
}

/// How objects are said. Whatever else is asked for, errors are said in JSON: clients take both.
#[derive(Clone, Copy)]
enum Encoding {
    Json,
    Protobuf,
}

impl Encoding {
    /// What a client would like best. What it names first is that.
    fn accepted(headers: &HeaderMap) -> Self {
        let accepts = headers.get(ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
        if accepts.starts_with(protobuf::MEDIA_TYPE) { Self::Protobuf } else { Self::Json }
    }

    fn event(self, what: &str, kind: &str, object: &Value) -> Vec<u8> {
        match self {
            Self::Json => {
                let mut object = object.clone();
                (object["apiVersion"], object["kind"]) = (json!("v1"), json!(kind));
                format!("{}\n", json!({ "type": what, "object": object })).into_bytes()
            }
            Self::Protobuf => protobuf::event(what, kind, object),
        }
    }
}

fn list(state: &State, Query { kind, selection, limit, from, .. }: Query, encoding: Encoding) -> Answer {
    let page = match state.store.page(kind, &selection, limit, from) {
        Ok(page) => page,
        Err(Expired) => return status(StatusCode::GONE, "Expired", "The provided continue parameter is too old"),
    };
    let mut metadata = json!({ "resourceVersion": page.version.to_string() });
    if let Some(last) = page.more_after {
        metadata["continue"] = json!(Position::token(page.version, &last));
    }
    let list = format!("{}List", kind.name());
    match encoding {
        Encoding::Json => {
            let items: Vec<String> = page.items.iter().map(|item| item.to_string()).collect();
            let items = items.join(",");
            let list = format!(r#"{{"kind":"{list}","apiVersion":"v1","metadata":{metadata},"items":[{items}]}}"#);
            json(StatusCode::OK, list)
        }
        Encoding::Protobuf => {
            let elements: Vec<u8> = page.items.iter().flat_map(|item| protobuf::element(kind.name(), item)).collect();
            let list = protobuf::object(&list, &json!({ "metadata": metadata }), &elements);
            let mut response = Response::new(Either::Left(Full::from(list)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(protobuf::MEDIA_TYPE));
            response
        }
    }
}

fn watch(state: watch::Receiver<State>, query: Query, encoding: Encoding) -> Answer {
    let version = state.borrow().store.version();
    if query.version > version {
        let why = format!("Too large resource version: {}, current: {version}", query.version);
        return status(StatusCode::GATEWAY_TIMEOUT, "Timeout", &why);
    }
    // One chunk in flight: a watch that isn't read stays behind in the history, and costs nothing.
    let (lines, body) = mpsc::channel(1);
    tokio::spawn(follow(state, query, encoding, lines));
    let mut response = Response::new(Either::Right(Lines(body)));
    let media_type = match encoding {
        Encoding::Json => JSON,
        Encoding::Protobuf => HeaderValue::from_static(protobuf::MEDIA_TYPE_OF_WATCHES),
    };
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Sends what a watch asked for until its time is over, its reader gone, or its version no longer kept.
async fn follow(
    mut state: watch::Receiver<State>,
    query: Query,
    encoding: Encoding,
    lines: mpsc::Sender<io::Result<Bytes>>,
) {
    let timeout = if query.timeout == 0 { LONGEST_WATCH } else { Duration::from_secs(query.timeout) };
    let period = timeout.saturating_sub(LAST_BOOKMARK).clamp(Duration::from_secs(1), BOOKMARKS);
    let mut bookmarks = interval_at(Instant::now() + period, period);
    let over = sleep(timeout);
    tokio::pin!(over);
    let (drops, mut asked) = {
        let state = state.borrow();
        (state.drops, state.bookmarks)
    };
    let mut seen = query.version;
    let mut bookmark_due = false;
    loop {
        if state.wait_for(|state| !state.hang).await.is_err() {
            return;
        }
        let (chunk, end) = {
            let state = state.borrow_and_update();
            if state.drops != drops {
                (Err(io::ErrorKind::ConnectionReset.into()), true)
            } else {
                bookmark_due |= state.bookmarks != asked;
                asked = state.bookmarks;
                let bookmark = query.bookmarks && std::mem::take(&mut bookmark_due);
                match news(&state, &query, seen, bookmark) {
                    Ok(news) => {
                        seen = state.store.version();
                        let said =
                            |(what, object): (&str, Arc<Value>)| encoding.event(what, query.kind.name(), &object);
                        (Ok(news.into_iter().flat_map(said).collect()), false)
                    }
                    Err(Expired) => (Ok(encoding.event("ERROR", "Status", &gone(seen)).into()), true),
                }
            }
        };
        let silent = chunk.as_ref().is_ok_and(Bytes::is_empty);
        if (!silent && lines.send(chunk).await.is_err()) || end {
            return;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            _ = bookmarks.tick() => bookmark_due = true,
            () = &mut over => {
                // A silent server ends nothing either.
                let _ = state.wait_for(|state| !state.hang).await;
                return;
            }
            () = lines.closed() => return,
        }
    }
}

/// What a watch that has seen `seen` is sent next: what became of which object.
fn news(
    state: &State,
    Query { kind, selection, .. }: &Query,
    seen: u64,
    bookmark: bool,
) -> Result<Vec<(&'static str, Arc<Value>)>, Expired> {
    let mut news = if seen == 0 {
        let page = state.store.page(*kind, selection, usize::MAX, None)?;
        page.items.into_iter().map(|object| ("ADDED", object)).collect()
    } else {
        state.store.events(*kind, selection, seen)?
    };
    if bookmark {
        let version = state.store.version().to_string();
        news.push(("BOOKMARK", Arc::new(json!({ "metadata": { "resourceVersion": version } }))));
    }
    Ok(news)
}

fn gone(seen: u64) -> Value {
    failure(StatusCode::GONE, "Expired", &format!("too old resource version: {seen}"))
}

fn status(code: StatusCode, reason: &str, message: &str) -> Answer {
    json(code, failure(code, reason, message).to_string())
}

fn failure(code: StatusCode, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code.as_u16() })
}

fn version() -> Value {
    json!({ "major": "1", "minor": "35", "gitVersion": "v1.35.0+podlight-sim", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64" })
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn json(code: StatusCode, body: String) -> Answer {
    let mut response = Response::new(Either::Left(Full::from(body)));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

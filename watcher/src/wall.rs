//! Edge: the wall: all nodes and their lights on one page, for whoever opens it in a browser. The page asks by HTTP what others
//! ask by gRPC, in the JSON of the contract. Refuses to know the cluster, and to change anything unless told that people may.
//!
//! ```text
//!  browser ──▶ guard ──▶ the page and its assets
//!                 │
//!                 └──▶ forward ──▶ /nodes: server-sent events, so many viewers ──▶ Follower ──▶ desk
//!                         │   ├──▶ /nodes/NAME ──────────────────────────────────▶ Cluster service
//!                         │   └──▶ POST /nodes/NAME/identify, …/acknowledge ─────▶ Cluster service
//!                         └──▶ the watcher that leads, while this one stands by
//! ```

mod acts;
mod assets;
mod forward;
mod guard;
mod viewers;

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use podlight_proto::v1::{self, cluster_server::Cluster as _};
use prost::{Message, Name};
use serde_json::json as object;
use tokio::time::timeout;
use tonic::{Code, Request, Status};

use crate::ask::Desk;
use crate::cluster::Service;
use crate::json::json;
use crate::leader::Leader;
use guard::Guard;
use viewers::Viewers;

/// Pods that a tile's detail names.
const PODS: u32 = 25;
/// For a request to come whole, and to be answered. A light may take some seconds of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the wall is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wall {
    /// People may identify and acknowledge.
    pub(crate) actions: bool,
    /// Names that it is reached by, besides those that only a private network has.
    pub(crate) hosts: Vec<String>,
}

/// What the wall is made of, for a router that has this desk. All watchers of a cluster are read on the same `port`.
pub(crate) fn routes(wall: Wall, desk: &Desk, port: u16) -> Router<Desk> {
    let viewers = Viewers::new(wall.actions);
    let guard = Guard::new(wall.hosts);
    let follow = move |State(desk): State<Desk>| async move { viewers.follow(desk) };
    let leader = Leader::new(desk.leader.clone(), port);
    let mut nodes = Router::new().route("/nodes", get(follow)).route("/nodes/{name}", get(explain));
    if wall.actions {
        nodes = nodes
            .route("/nodes/{name}/identify", post(acts::identify))
            .route("/nodes/{name}/acknowledge", post(acts::acknowledge));
    }
    let nodes = nodes.layer(from_fn(move |request, next| forward::pass(leader.clone(), request, next)));
    assets::routes().merge(nodes).layer(from_fn(move |request, next| guard.clone().admit(request, next)))
}

async fn explain(State(desk): State<Desk>, Path(node): Path<String>) -> Response {
    let ask = Request::new(v1::ExplainNodeRequest { node, pods: Some(PODS) });
    answer(Service::new(desk).explain_node(ask)).await
}

/// What the service answers, as JSON.
async fn answer<T: Message + Name>(answer: impl Future<Output = Result<tonic::Response<T>, Status>>) -> Response {
    let answer = timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(Status::unavailable("it takes too long")));
    let said = answer.and_then(|said| json(said.get_ref(), false).map_err(|error| Status::internal(error.to_string())));
    match said {
        Ok(said) => ([(header::CONTENT_TYPE, "application/json")], said).into_response(),
        Err(status) => refuse(http_code(status.code()), status.message()),
    }
}

fn refuse(code: StatusCode, why: &str) -> Response {
    (code, [(header::CONTENT_TYPE, "application/json")], object!({ "error": why }).to_string()).into_response()
}

/// As google.rpc.Code says, but that what can't be done with a node as it is, is a conflict.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else goes wrong is the watcher's fault")]
fn http_code(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

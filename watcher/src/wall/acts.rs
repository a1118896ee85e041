//! What people may do from the page, where they may at all: each as the contract has it, with the node from the address. Refuses
//! what isn't JSON, so that no form of another site can send it.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use podlight_proto::v1::{self, cluster_server::Cluster as _};
use prost::{Message, Name};
use tokio::time::timeout;

use super::{PATIENCE, answer, refuse};
use crate::ask::Desk;
use crate::cluster::Service;
use crate::json::parse;

/// The largest request is far below.
const LARGEST: usize = 4 * 1024;

pub(super) async fn identify(State(desk): State<Desk>, Path(node): Path<String>, request: Request) -> Response {
    match read::<v1::IdentifyNodeRequest>(request).await {
        Ok(wish) => {
            let wish = tonic::Request::new(v1::IdentifyNodeRequest { node, ..wish });
            answer(Service::new(desk).identify_node(wish)).await
        }
        Err(refusal) => refusal.response(),
    }
}

pub(super) async fn acknowledge(State(desk): State<Desk>, Path(node): Path<String>, request: Request) -> Response {
    match read::<v1::AcknowledgeNodeRequest>(request).await {
        Ok(wish) => {
            let wish = tonic::Request::new(v1::AcknowledgeNodeRequest { node, ..wish });
            answer(Service::new(desk).acknowledge_node(wish)).await
        }
        Err(refusal) => refusal.response(),
    }
}

/// Why a request isn't read.
enum Unread {
    NoJson,
    Late,
    Large,
    Wrong(String),
}

impl Unread {
    fn response(self) -> Response {
        match self {
            Self::NoJson => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"),
            Self::Late => refuse(StatusCode::REQUEST_TIMEOUT, "the request doesn't come"),
            Self::Large => refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 4 KiB"),
            Self::Wrong(why) => refuse(StatusCode::BAD_REQUEST, &why),
        }
    }
}

async fn read<T: Message + Name + Default>(request: Request<Body>) -> Result<T, Unread> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Unread::NoJson);
    }
    let body = timeout(PATIENCE, to_bytes(request.into_body(), LARGEST)).await.map_err(|_| Unread::Late)?;
    parse(&body.map_err(|_| Unread::Large)?).map_err(|error| Unread::Wrong(error.to_string()))
}

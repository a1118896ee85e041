//! A browser's half of HTTP, as far as tests need it.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::{HeaderMap, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rig::PATIENCE;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Server-sent events, as they come.
#[derive(Debug)]
pub(crate) struct Events {
    body: Incoming,
    text: String,
}

/// Asks for `path`.
pub(crate) async fn read(server: SocketAddr, path: &str) -> Answer {
    ask(server, "GET", path, &[], "").await
}

/// Asks, with these headers besides the host, or with another host.
pub(crate) async fn ask(server: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answered = async {
        let response = send(server, method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(text).unwrap() }
    };
    timeout(PATIENCE, answered).await.unwrap()
}

/// Follows what `path` has to tell. The answer's status, where it doesn't.
pub(crate) async fn follow(server: SocketAddr, path: &str) -> Result<Events, StatusCode> {
    let response = timeout(PATIENCE, send(server, "GET", path, &[], "")).await.unwrap();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if response.status() == StatusCode::OK && kind == Some("text/event-stream") {
        Ok(Events { body: response.into_body(), text: String::new() })
    } else {
        Err(response.status())
    }
}

impl Events {
    /// The next event and its data; nothing once there are no more.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let told = (field("event:").unwrap_or("message").to_owned(), field("data:").unwrap_or("").to_owned());
                self.text = rest.to_owned();
                return Some(told);
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.unwrap()?.ok()?;
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// The data of the next event of this name that has this in it.
    pub(crate) async fn until(&mut self, name: &str, part: &str) -> String {
        loop {
            let (event, data) = self.next().await.unwrap();
            if event == name && data.contains(part) {
                return data;
            }
        }
    }
}

async fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> hyper::Response<Incoming> {
    let stream = TokioIo::new(TcpStream::connect(server).await.unwrap());
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = hyper::Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, server.to_string());
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    sender.send_request(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await.unwrap()
}

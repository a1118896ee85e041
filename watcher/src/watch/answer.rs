//! An answer of the API, object by object as they arrive: in protobuf, or in JSON from whoever doesn't speak that. Keeps what isn't
//! whole yet; refuses to know what to ask next.

use std::collections::VecDeque;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::core::{ObjectList, Status, WatchEvent};
use prost::bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Trouble;
use crate::chain;
use crate::protobuf::{Object, Reading, Said};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// So much of what has arrived is read at a time, in bytes: of that, what isn't whole yet is copied, and stays.
const PIECE: usize = 16 << 10;
const EITHER: HeaderValue = HeaderValue::from_static("application/vnd.kubernetes.protobuf,application/json");

/// Why there is no answer, or not all of it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    /// As HTTP has it, where the API refuses.
    pub(super) code: u16,
    pub(super) why: String,
}

/// An answer that is being read.
pub(super) struct Answer<K> {
    body: Body,
    /// Has arrived, and is still to be read.
    arrived: Bytes,
    ends: bool,
    encoding: Encoding<K>,
}

enum Encoding<K> {
    Protobuf(Reading<K>),
    /// A line for each event.
    Lines(Vec<u8>),
    /// A list, which is one piece.
    List(Vec<u8>),
    /// Of that, what is still to be told.
    Listed(VecDeque<Said<K>>),
}

impl Failure {
    pub(super) fn refused(status: &Status) -> Self {
        let trouble = match status.code {
            401 => Trouble::Unknown,
            403 => Trouble::Forbidden,
            _ => Trouble::Down,
        };
        Self { trouble, code: status.code, why: format!("{} ({})", status.message, status.code) }
    }

    pub(super) fn unreadable(why: impl ToString) -> Self {
        Self { trouble: Trouble::Unreadable, code: 0, why: why.to_string() }
    }

    fn down(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { trouble: Trouble::Down, code: 0, why: chain(error) }
    }
}

impl<K: Object + DeserializeOwned + Clone> Answer<K> {
    /// What the API answers to this.
    pub(super) async fn to(client: &Client, request: Request<Vec<u8>>) -> Result<Self, Failure> {
        let watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let mut request = request.map(Body::from);
        request.headers_mut().insert(ACCEPT, EITHER);
        let response = client.send(request).await.map_err(|error| Failure::down(&error))?;
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_protobuf = kind.is_some_and(|kind| kind.starts_with(PROTOBUF));
        let watch = watch && status.is_success();
        let encoding = match is_protobuf {
            true => Encoding::Protobuf(Reading::new(watch)),
            false if watch => Encoding::Lines(Vec::new()),
            false => Encoding::List(Vec::new()),
        };
        let answer = Self { body: response.into_body(), arrived: Bytes::new(), ends: false, encoding };
        if status.is_success() { Ok(answer) } else { Err(answer.refusal(status).await) }
    }

    /// What is said next; nothing once all is.
    pub(super) async fn next(&mut self) -> Result<Option<Said<K>>, Failure> {
        loop {
            if let Some(said) = self.said()? {
                return Ok(Some(said));
            }
            if self.ends {
                return Ok(None);
            }
            if !self.arrived.is_empty() {
                let piece = self.arrived.split_to(self.arrived.len().min(PIECE));
                match &mut self.encoding {
                    Encoding::Protobuf(reading) => reading.take(&piece),
                    Encoding::Lines(rest) | Encoding::List(rest) => rest.extend_from_slice(&piece),
                    Encoding::Listed(_) => {}
                }
                continue;
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.arrived = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(Failure::down(&error)),
                None => {
                    self.ends = true;
                    match &mut self.encoding {
                        Encoding::Protobuf(reading) => return reading.end().map_err(Failure::unreadable),
                        Encoding::List(json) => {
                            let list = serde_json::from_slice::<ObjectList<K>>(json).map_err(Failure::unreadable)?;
                            let (version, rest) = (list.metadata.resource_version, list.metadata.continue_);
                            let ends =
                                Said::ListEnds { version: version.unwrap_or_default(), rest: rest.unwrap_or_default() };
                            let said = list.items.into_iter().map(Said::Item).chain([ends]);
                            self.encoding = Encoding::Listed(said.collect());
                        }
                        // What isn't a whole line is no event.
                        Encoding::Lines(_) | Encoding::Listed(_) => {}
                    }
                }
            }
        }
    }

    /// What is said next of what has arrived.
    pub(super) fn said(&mut self) -> Result<Option<Said<K>>, Failure> {
        match &mut self.encoding {
            Encoding::Protobuf(reading) => reading.said().map_err(Failure::unreadable),
            Encoding::Lines(rest) => {
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
                let event = serde_json::from_slice::<WatchEvent<K>>(&rest[..end]);
                rest.drain(..=end);
                event.map(|event| Some(Said::Event(event))).map_err(Failure::unreadable)
            }
            Encoding::List(_) => Ok(None),
            Encoding::Listed(said) => Ok(said.pop_front()),
        }
    }

    /// Why the API refuses, as well as it says.
    async fn refusal(mut self, code: StatusCode) -> Failure {
        let said = match &mut self.encoding {
            Encoding::Protobuf(_) => match self.next().await {
                Ok(Some(Said::Refused(status))) => Some(*status),
                _ => None,
            },
            Encoding::Lines(_) | Encoding::List(_) | Encoding::Listed(_) => {
                let body = self.body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                serde_json::from_slice::<Status>(&body).ok()
            }
        };
        let unsaid = || Status { message: code.canonical_reason().unwrap_or_default().to_owned(), ..Status::default() };
        Failure::refused(&Status { code: code.as_u16(), ..said.unwrap_or_else(unsaid) })
    }
}

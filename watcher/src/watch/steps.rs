//! All objects of a kind, by list and watch, step by step; each is read as it arrives, and of a list one at a time. Keeps how far it is; refuses to know for how long to wait before it tries again.

use std::error::Error;
use std::time::Duration;

use futures::stream::{self, Stream};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use serde::de::DeserializeOwned;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::Trouble;
use super::answer::{Answer, Failure};
use crate::ledger::Change;
use crate::node::Node;
use crate::object::Meta;
use crate::pod::Pod;
use crate::protobuf::{Object, Said};

/// Objects that one answer lists.
const PAGE: u32 = 500;

/// By so much a watch may end later than it was asked to.
const LATE: Duration = Duration::from_secs(5);

/// One step, or why there is none; the next goes on from there as well as it can.
pub(super) type Step<K> = Result<Change<K>, Stumble>;

/// A step that failed.
#[derive(Clone, Debug)]
pub(super) struct Stumble {
    /// The right that it took.
    pub(super) verb: &'static str,
    pub(super) failure: Failure,
}

struct Steps<K> {
    client: Client,
    /// How long a watch may last, in seconds.
    timeout: u32,
    at: At<K>,
}

/// What comes next.
enum At<K> {
    /// To begin.
    Start,
    /// A page, from where the one before it ended.
    Page(String),
    Listing(Answer<K>),
    /// To watch from this version on.
    Listed(String),
    Watching(String, Answer<K>),
}

/// What can be listed and watched.
pub(crate) trait Listed: Object + DeserializeOwned + Clone {
    /// Where all of them are.
    const PATH: &str;

    fn meta(&mut self) -> &mut Meta;
}

impl Listed for Pod {
    const PATH: &str = "/api/v1/pods";

    fn meta(&mut self) -> &mut Meta {
        &mut self.metadata
    }
}

impl Listed for Node {
    const PATH: &str = "/api/v1/nodes";

    fn meta(&mut self) -> &mut Meta {
        &mut self.metadata
    }
}

/// All objects of a kind. Whoever stops in the middle of a step goes on in it.
pub(super) fn steps<K: Listed>(client: Client, timeout: u32) -> impl Stream<Item = Step<K>> {
    stream::unfold(Steps { client, timeout, at: At::Start }, |mut steps| async {
        let step = steps.next().await;
        Some((step, steps))
    })
}

impl<K: Listed> Steps<K> {
    async fn next(&mut self) -> Step<K> {
        let unlisted = |failure| Stumble { verb: "list", failure };
        let unwatched = |failure| Stumble { verb: "watch", failure };
        loop {
            // Where nothing else is said, it begins anew.
            match std::mem::replace(&mut self.at, At::Start) {
                At::Start => {
                    self.at = At::Page(String::new());
                    return Ok(Change::Restart);
                }
                At::Page(rest) => self.at = At::Listing(page(&self.client, rest).await.map_err(unlisted)?),
                At::Listing(mut answer) => match answer.next().await.map_err(unlisted)? {
                    Some(Said::Item(object)) => {
                        self.at = At::Listing(answer);
                        return Ok(Change::Listed(object));
                    }
                    Some(Said::ListEnds { rest, .. }) if !rest.is_empty() => self.at = At::Page(rest),
                    Some(Said::ListEnds { version, .. }) if !version.is_empty() => {
                        self.at = At::Listed(version);
                        return Ok(Change::Synced);
                    }
                    Some(Said::Refused(status)) => return Err(unlisted(Failure::refused(&status))),
                    Some(Said::ListEnds { .. } | Said::Event(_)) | None => {
                        return Err(unlisted(Failure::unreadable("a list without its end or version")));
                    }
                },
                At::Listed(version) => match watch(&self.client, self.timeout, &version).await {
                    Ok(answer) => self.at = At::Watching(version, answer),
                    Err(failure) => {
                        if !is_gone(failure.code) {
                            self.at = At::Listed(version);
                        }
                        return Err(unwatched(failure));
                    }
                },
                At::Watching(version, mut answer) => match said(&mut answer, self.patience()).await {
                    // It should have ended by itself.
                    Err(_) => self.at = At::Listed(version),
                    Ok(Ok(Some(Said::Event(event)))) => {
                        if let Some(change) = self.happened(event, version, answer).map_err(unwatched)? {
                            return Ok(change);
                        }
                    }
                    Ok(Ok(Some(_))) => return Err(unwatched(Failure::unreadable("no event"))),
                    Ok(Ok(None)) => self.at = At::Listed(version),
                    Ok(Err(failure)) => {
                        // What couldn't be read is lost to a watch that goes on: only a list brings it back.
                        if failure.trouble != Trouble::Unreadable {
                            self.at = At::Listed(version);
                        }
                        return Err(unwatched(failure));
                    }
                },
            }
        }
    }

    /// How long a watch may say nothing.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into()) + LATE
    }

    /// What an event of a watch, which is at this version, says; nothing where it only says how far the watch is.
    fn happened(
        &mut self,
        event: WatchEvent<K>,
        version: String,
        answer: Answer<K>,
    ) -> Result<Option<Change<K>>, Failure> {
        let (mut object, applied) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, true),
            WatchEvent::Deleted(object) => (object, false),
            WatchEvent::Bookmark(mark) => {
                self.at = At::Watching(mark.metadata.resource_version, answer);
                return Ok(None);
            }
            WatchEvent::Error(status) => {
                if !is_gone(status.code) {
                    self.at = At::Watching(version, answer);
                }
                return Err(Failure::refused(&status));
            }
        };
        let newer = std::mem::take(&mut object.meta().resource_version);
        let version = if newer.is_empty() { version } else { newer };
        self.at = At::Watching(version, answer);
        Ok(Some(if applied { Change::Applied(object) } else { Change::Deleted(object) }))
    }
}

/// What a watch says next, unless it says nothing for so long.
async fn said<K: Listed>(
    answer: &mut Answer<K>,
    patience: Duration,
) -> Result<Result<Option<Said<K>>, Failure>, Elapsed> {
    match answer.said() {
        Ok(None) => timeout(patience, answer.next()).await,
        // Of a burst, what needs no clock.
        said => Ok(said),
    }
}

/// Asks for one object out of the store: a list of no stated version is a consistent read.
pub(super) async fn read<K: Listed>(client: &Client) -> Result<(), Failure> {
    let mut answer = ask::<K, _>(client, request::<K>().list(&ListParams::default().limit(1))).await?;
    loop {
        match answer.next().await? {
            Some(Said::Item(_)) => {}
            Some(Said::ListEnds { .. }) => return Ok(()),
            Some(Said::Refused(_) | Said::Event(_)) | None => return Err(Failure::unreadable("no list")),
        }
    }
}

async fn page<K: Listed>(client: &Client, rest: String) -> Result<Answer<K>, Failure> {
    let mut page = ListParams::default().limit(PAGE);
    page.continue_token = Some(rest).filter(|rest| !rest.is_empty());
    ask(client, request::<K>().list(&page)).await
}

async fn watch<K: Listed>(client: &Client, seconds: u32, version: &str) -> Result<Answer<K>, Failure> {
    ask(client, request::<K>().watch(&WatchParams::default().timeout(seconds), version)).await
}

fn request<K: Listed>() -> Request {
    Request::new(K::PATH)
}

async fn ask<K: Listed, E: Error>(
    client: &Client,
    request: Result<http::Request<Vec<u8>>, E>,
) -> Result<Answer<K>, Failure> {
    Answer::to(client, request.map_err(Failure::unreadable)?).await
}

/// The version asked for is no longer known.
const fn is_gone(code: u16) -> bool {
    code == 410
}

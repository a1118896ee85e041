//! All objects of a kind, by list and watch, step by step; each is read as it arrives, and of a list one at a time. Keeps how far it is; refuses to know for how long to wait before it tries again.

use std::error::Error;
use std::time::Duration;

use futures::stream::{self, Stream};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::{Request, Resource, WatchEvent};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Trouble;
use super::answer::{Answer, Failure};
use crate::ledger::Change;
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
pub(crate) trait Listed: Object + Resource<DynamicType = ()> + DeserializeOwned + Clone {}

impl<K: Object + Resource<DynamicType = ()> + DeserializeOwned + Clone> Listed for K {}

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
                At::Watching(version, mut answer) => match timeout(self.patience(), answer.next()).await {
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
        let version = object.meta_mut().resource_version.take().unwrap_or(version);
        self.at = At::Watching(version, answer);
        Ok(Some(if applied { Change::Applied(object) } else { Change::Deleted(object) }))
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
    Request::new(K::url_path(&(), None))
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

//! Whoever has the page open: told all nodes, then what changes, as server-sent events, and in between that there is nothing new.
//! So many at a time.
//!
//! | event | data |
//! | --- | --- |
//! | `hello` | `{"edition": …, "actions": …}`, first: which page this watcher has, and what it lets people do |
//! | `message` | a `WatchNodesResponse` |
//! | `beat` | nothing, whenever there was nothing else for [`BEAT`]: who hears neither is cut off |
//! | `refused` | `{"error": …}`, last |

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream;
use serde_json::json as object;
use tokio::sync::Semaphore;

use super::{assets, refuse};
use crate::ask::Desk;
use crate::follow::Follower;
use crate::json::json;

/// Pages that are open at a time.
const MOST: usize = 64;
/// The page takes itself for cut off after 8 s.
const BEAT: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub(super) struct Viewers {
    places: Arc<Semaphore>,
    hello: Arc<str>,
}

impl Viewers {
    pub(super) fn new(actions: bool) -> Self {
        let hello = object!({ "edition": assets::edition(), "actions": actions }).to_string();
        Self { places: Arc::new(Semaphore::new(MOST)), hello: hello.into() }
    }

    /// One more.
    pub(super) fn follow(&self, desk: Desk) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "64 pages are open already");
        };
        let hello = Event::default().event("hello").data(&*self.hello);
        // Another leads: whoever asks anew is told by that one, or no longer.
        let mut leader = desk.leader.clone();
        leader.mark_unchanged();
        let turns = async move { drop(leader.changed().await) };
        let told = stream::unfold(Some((Follower::new(desk), place)), async |viewer| {
            let (mut follower, place) = viewer?;
            let said = match follower.next().await? {
                Ok(news) => json(&news, false).map_err(|error| error.to_string()),
                Err(refusal) => Err(refusal.to_string()),
            };
            Some(match said {
                Ok(said) => (Event::default().data(said), Some((follower, place))),
                Err(why) => (Event::default().event("refused").data(object!({ "error": why }).to_string()), None),
            })
        });
        let events = stream::iter([hello]).chain(told).take_until(Box::pin(turns)).map(Ok::<_, Infallible>);
        let beat = KeepAlive::new().interval(BEAT).event(Event::default().event("beat").data(""));
        Sse::new(events).keep_alive(beat).into_response()
    }
}

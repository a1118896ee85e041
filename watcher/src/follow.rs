//! One who follows all nodes: is told all, then what he missed, as it is by then, and never more than that. However slow he is,
//! no more waits for him than one answer. Refuses to know by which protocol he hears it.

use std::collections::VecDeque;
use std::time::Duration;

use podlight_proto::v1;
use tokio::time::sleep;

use crate::ask::{Desk, Refusal};

/// Between two messages: more often, nobody looks.
const FRAME: Duration = Duration::from_millis(100);
/// Nodes in one message: with their lights, some 1 to 2 KiB each, far below the 4 MiB that clients of gRPC take by default.
const BATCH: usize = 500;

/// One who follows all nodes.
#[derive(Debug)]
pub(crate) struct Follower {
    desk: Desk,
    since: Option<u64>,
    /// Of one answer, what is still to be said.
    waiting: VecDeque<v1::WatchNodesResponse>,
}

impl Follower {
    /// One who knows nothing yet.
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk, since: None, waiting: VecDeque::new() }
    }

    /// The next message; nothing once the watcher stops.
    ///
    /// # Errors
    /// The first lists aren't complete.
    pub(crate) async fn next(&mut self) -> Option<Result<v1::WatchNodesResponse, Refusal>> {
        loop {
            if let Some(reply) = self.waiting.pop_front() {
                return Some(Ok(reply));
            }
            if self.since.is_some() {
                self.desk.news.changed().await.ok()?;
                sleep(FRAME).await;
            }
            self.desk.news.borrow_and_update();
            let news = match self.desk.nodes(self.since).await {
                Ok(news) => news,
                Err(Refusal::Stops) => return None,
                Err(refusal) => return Some(Err(refusal)),
            };
            self.since = Some(news.count);
            let mut reply = v1::WatchNodesResponse {
                whole: news.whole,
                nodes: Vec::new(),
                gone: news.gone,
                vouching: Some(news.vouching),
            };
            let mut nodes = news.nodes.into_iter();
            loop {
                reply.nodes = nodes.by_ref().take(BATCH).collect();
                let next = v1::WatchNodesResponse { vouching: reply.vouching.clone(), ..Default::default() };
                self.waiting.push_back(std::mem::replace(&mut reply, next));
                if nodes.len() == 0 {
                    break;
                }
            }
        }
    }
}

//! What the links to all lights share: room for their connections, turns to open them, and a beat to speak by. Refuses to know
//! the lights.
//!
//! A connection is a file, and a process may have only so many: where lights took all of them, none would be left to
//! watch the API by, and every light would turn stale. And where thousands of lights come back at once, each costs time to
//! open: in turns some are open soon, all together none might be before it is given up.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams that are being opened at a time. Enough for lights a tenth of a second away to come back by the thousand in
/// a second; few enough to be open within a part of the time that each is given.
const TURNS: usize = 128;

/// Room and turns, shared by all links.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    most: usize,
    beat: Instant,
}

impl Lines {
    /// Room for so many connections at a time, from `now` on.
    pub(crate) fn new(most: usize, now: Instant) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(most)), turns: Arc::new(Semaphore::new(TURNS)), most, beat: now }
    }

    /// When all of them may speak at a time.
    pub(crate) const fn beat(&self) -> Instant {
        self.beat
    }

    /// Connections that there is room for.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Waits for room for a connection; it is taken until this is dropped.
    pub(crate) async fn room(&self) -> OwnedSemaphorePermit {
        acquire(&self.room).await
    }

    /// Waits for a turn to open a stream; it lasts until this is dropped.
    pub(crate) async fn turn(&self) -> OwnedSemaphorePermit {
        acquire(&self.turns).await
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("nobody closes it")
}

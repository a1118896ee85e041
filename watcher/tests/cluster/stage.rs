//! Where a test plays: a namespace, an account for the watcher, names of its own; and the patience of all that wait.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use podlight_bed::Bed;
use tokio::time::{sleep, timeout};

use crate::cluster::Cluster;

/// A machine that is busy may need long; nothing that works needs it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Plays `test` on a cluster, one at a time, and clears up behind it, also where it failed.
pub(crate) fn staged(test: impl AsyncFnOnce(&Cluster)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if Bed::make().is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::join().await;
        let played = AssertUnwindSafe(async {
            cluster.prepare().await;
            test(&cluster).await;
        })
        .catch_unwind()
        .await;
        let cleared = timeout(PATIENCE, cluster.clear()).await;
        if let Err(panic) = played {
            resume_unwind(panic);
        }
        cleared.expect("the cluster takes back what it was given");
    });
}

/// Past the capture of what a test prints.
pub(crate) fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).ok();
}

/// Waits until `probe` finds what it looks for; until then it says what it sees.
///
/// # Panics
/// When that takes too long: with `what` was waited for and what was seen last.
pub(crate) async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut last = "nothing".to_owned();
    let found = timeout(PATIENCE, async {
        loop {
            match probe().await {
                Ok(found) => return found,
                Err(seen) => last = seen,
            }
            sleep(PAUSE).await;
        }
    });
    let found = found.await;
    found.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}; last seen: {last}"))
}

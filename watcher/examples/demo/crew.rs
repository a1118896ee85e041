//! Edge: tasks that run together, and are told to stop together.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a crew may take to stop.
const FAREWELL: Duration = Duration::from_secs(3);

/// Tasks of which none is expected to end by itself. Dropping ends them at once.
#[derive(Default)]
pub(crate) struct Crew {
    tasks: JoinSet<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
}

impl Crew {
    /// Starts a task.
    pub(crate) fn start(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Ends when the crew is told to stop: for a task to look out for.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // Nobody is left to tell: the same.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    /// Waits for a task to end by itself, which none should.
    pub(crate) async fn fails(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => panic.into(),
            Some(Ok(Ok(()))) => anyhow::anyhow!("a part of the demo ended by itself; --log FILE may tell why"),
        }
    }

    /// Tells all to stop, and waits for them, but not for long.
    pub(crate) async fn dismiss(mut self) {
        self.stop.send_replace(true);
        let _ = timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

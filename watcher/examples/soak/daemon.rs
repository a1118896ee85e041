//! Edge: a daemon in a thread and a runtime of its own, so that it can be killed as a process is: nothing of it runs on.

use std::thread;

use anyhow::Context as _;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A daemon that runs.
pub(crate) struct Daemon {
    name: &'static str,
    stop: oneshot::Sender<()>,
    kill: oneshot::Sender<()>,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

/// Ends when the daemon is told to stop.
pub(crate) type Stopped = oneshot::Receiver<()>;

impl Daemon {
    /// Starts it.
    pub(crate) fn start<F>(name: &'static str, run: impl FnOnce(Stopped) -> F + Send + 'static) -> anyhow::Result<Self>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let (kill, killed) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let result = runtime.block_on(async {
                tokio::select! {
                    result = run(stopped) => result,
                    // Dropped is killed, too.
                    _ = killed => Ok(()),
                }
            });
            drop(runtime);
            // Whoever dropped the daemon doesn't wait.
            let _ = end.send(result);
        })?;
        Ok(Self { name, stop, kill, ended })
    }

    /// Stops it in good order, and waits for it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        self.ended.await.with_context(|| format!("{} panicked", self.name))?.context(self.name)
    }

    /// Ends it as a crash would, and waits until nothing is left of it.
    pub(crate) async fn kill(self) -> anyhow::Result<()> {
        let _ = self.kill.send(());
        self.ended.await.with_context(|| format!("{} panicked", self.name))?.context(self.name)
    }
}

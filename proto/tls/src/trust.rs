//! Edge: reads the files again and again. Keeps the newest papers that are fit for use, for all who need them.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::files::{File, Files};
use crate::papers::{BadPapers, Papers, Reading};
use crate::shelf::{Age, News, Shelf};
use crate::words::day;

/// Between two looks at the files. What changes counts at the second look that finds it alike.
const PERIOD: Duration = Duration::from_secs(1);

/// The newest papers. Clones of it have the same.
#[derive(Clone, Debug)]
pub struct Trust {
    papers: watch::Receiver<Arc<Papers>>,
}

#[cfg(test)]
impl From<watch::Receiver<Arc<Papers>>> for Trust {
    fn from(papers: watch::Receiver<Arc<Papers>>) -> Self {
        Self { papers }
    }
}

/// Reads the files again while it runs.
pub struct Renewal {
    files: Files,
    shelf: Shelf,
    papers: watch::Sender<Arc<Papers>>,
}

impl Trust {
    /// What `files` hold, and what renews it.
    ///
    /// # Errors
    /// A file can't be read, or what it holds is bad.
    pub fn read(files: Files) -> Result<(Self, Renewal), BadPapers> {
        let shelf = Shelf::new(files.clone(), read(&files)?)?;
        let (sender, papers) = watch::channel(Arc::clone(shelf.papers()));
        Ok((Self { papers }, Renewal { files, shelf, papers: sender }))
    }

    /// The newest. What was read for [`Trust::changed`] is read anew by this.
    pub fn papers(&mut self) -> Arc<Papers> {
        Arc::clone(&self.papers.borrow_and_update())
    }

    /// Waits until there are newer ones than were asked for last; without end where none will be.
    pub async fn changed(&mut self) {
        if self.papers.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Renewal {
    /// The newest papers.
    pub const fn papers(&self) -> &Arc<Papers> {
        self.shelf.papers()
    }

    /// Looks at the files without end, and says in the log what becomes of them.
    pub async fn run(mut self) -> Infallible {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let files = self.files.clone();
            // A folder of a network may take its time, and lights must not wait for it.
            let read = spawn_blocking(move || read(&files)).await.expect("reading doesn't panic");
            let cert = &self.files.cert;
            match self.shelf.look(read, now()) {
                News::Nothing => {}
                News::New(papers) => {
                    tracing::info!(%cert, "new certificates count from now on, {papers}");
                    self.papers.send_replace(papers);
                }
                News::Refused(bad) => tracing::warn!(%bad, "the new certificates are refused, and the old ones stay"),
                News::Aged(Age::Good) => tracing::info!(%cert, "the certificate is valid again"),
                News::Aged(Age::Late) => {
                    let until = day(self.shelf.papers().validity.until);
                    tracing::warn!(%cert, until, "the certificate is about to expire: renew it");
                }
                News::Aged(Age::Over) => {
                    tracing::warn!(%cert, "the certificate isn't valid: it is {}", self.shelf.papers());
                }
            }
        }
    }
}

fn read(files: &Files) -> Result<Reading, BadPapers> {
    let bytes = |file: &File| fs::read(&file.path).map_err(|error| BadPapers(format!("{file}: {error}")));
    Ok(Reading { cert: bytes(&files.cert)?, key: bytes(&files.key)?, ca: bytes(&files.ca)? })
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

//! Edge: the plugin's socket and the kubelet's. Looks at their folder, does what [`standing`](super::standing) says, and
//! tells in the log how it goes: once when something changes.

use std::error::Error as _;
use std::future::pending;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;
use tonic::transport::Endpoint;

use super::offer::{Offer, RESOURCE, SOCKET};
use super::service::{Hearing, Running};
use super::standing::{Identity, Seen, Standing, Step};
use super::v1beta1::registration_client::RegistrationClient;

/// The kubelet's socket in the folder.
const KUBELET: &str = "kubelet.sock";
/// Between two looks at the folder. Inotify would be quicker, and misses what happens before a folder is there.
const LOOK_OUT: Duration = Duration::from_secs(1);
/// For a kubelet to answer. It connects to the plugin before it does, and allows 10 s for that.
const PATIENCE: Duration = Duration::from_secs(15);
/// Makes `offer` to the kubelet whose socket is in `folder`, and to each that comes after it, until `shutdown`.
///
/// # Errors
/// The plugin's own socket can't be made although the folder is there, or its service ends.
pub async fn offer_to(folder: &Path, offer: Offer, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut plugin = Plugin::new(folder, offer);
    let mut hearing = plugin.hearing.subscribe();
    tokio::pin!(shutdown);
    let result = loop {
        hearing.mark_unchanged();
        let step = async {
            plugin.step().await?;
            let ended = async {
                match &mut plugin.service {
                    Some(service) => service.ended().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = sleep(LOOK_OUT) => Ok(()),
                _ = hearing.changed() => Ok(()),
                error = ended => Err(error),
            }
        };
        tokio::select! {
            done = step => if let Err(error) = done { break Err(error) },
            () = &mut shutdown => break Ok(()),
        }
    };
    plugin.leave();
    result
}

/// What there is to tell of how it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum News {
    NoFolder,
    NoKubelet,
    KubeletGone,
    Refused(String),
    Yielded,
    Registered,
}

struct Plugin {
    folder: PathBuf,
    offer: Offer,
    standing: Standing,
    hearing: watch::Sender<Hearing>,
    /// On the newest socket.
    service: Option<Running>,
    told: Option<News>,
    was_registered: bool,
}

impl Plugin {
    fn new(folder: &Path, offer: Offer) -> Self {
        Self {
            folder: folder.to_owned(),
            offer,
            standing: Standing::default(),
            hearing: watch::Sender::default(),
            service: None,
            told: None,
            was_registered: false,
        }
    }

    /// Does what there is to do, as far as that goes without waiting.
    async fn step(&mut self) -> anyhow::Result<()> {
        loop {
            let (socket, kubelet) = (self.folder.join(SOCKET), self.folder.join(KUBELET));
            let seen = Seen {
                folder: self.folder.is_dir(),
                plugin: identity(&socket),
                kubelet: identity(&kubelet),
                heard: self.hearing.borrow().streams > 0,
            };
            match self.standing.next(&seen, Instant::now().into_std()) {
                Step::Rest => return Ok(()),
                Step::AwaitFolder => self.tell(News::NoFolder),
                Step::AwaitKubelet => self.tell(News::NoKubelet),
                Step::Bind => {
                    self.lost();
                    match self.bind(&socket) {
                        Ok(()) => continue,
                        // The folder has just gone.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => {
                            let what = format!("folder not writable: {} can't be made", socket.display());
                            return Err(error).context(what);
                        }
                    }
                }
                Step::Yield if UnixStream::connect(&socket).await.is_ok() => self.tell(News::Yielded),
                Step::Yield => {
                    self.standing.take_over();
                    continue;
                }
                Step::Register => {
                    self.lost();
                    if let Some(identity) = seen.kubelet {
                        self.register(&kubelet, identity).await;
                    }
                }
            }
            return Ok(());
        }
    }

    /// Listens on a new socket, whatever was there, and serves until there is a newer one.
    fn bind(&mut self, socket: &Path) -> io::Result<()> {
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(socket)?;
        self.service = Some(Running::start(listener, self.offer.clone(), self.hearing.clone()));
        let bound = identity(socket).ok_or(io::ErrorKind::NotFound)?;
        self.standing.bound(bound);
        Ok(())
    }

    async fn register(&mut self, socket: &Path, kubelet: Identity) {
        self.hearing.send_if_modified(|hearing| {
            *hearing = Hearing { registration: hearing.registration + 1, streams: 0 };
            // It is no news: nobody shall look again because of it.
            false
        });
        match timeout(PATIENCE, ask(socket)).await.unwrap_or(Err(Failure::Unreachable)) {
            Ok(()) => {
                self.standing.registered(kubelet, Instant::now().into_std());
                self.tell(News::Registered);
                self.was_registered = true;
            }
            Err(Failure::Unreachable) => self.tell(News::NoKubelet),
            Err(Failure::Refused(why)) => self.tell(News::Refused(why)),
        }
    }

    /// Whoever was registered with isn't any more.
    fn lost(&mut self) {
        if self.told == Some(News::Registered) {
            self.tell(News::KubeletGone);
        }
    }

    fn tell(&mut self, news: News) {
        // It is gone, and more can't be said of it.
        let same =
            self.told.as_ref() == Some(&news) || (news == News::NoKubelet && self.told == Some(News::KubeletGone));
        if same {
            return;
        }
        let folder = self.folder.display();
        match &news {
            News::NoFolder => tracing::warn!(%folder, "socket folder missing: is it the kubelet's, and mounted here?"),
            News::NoKubelet if self.was_registered => tracing::warn!(%folder, "kubelet gone"),
            News::NoKubelet => tracing::warn!(%folder, "no kubelet listens here yet"),
            News::KubeletGone => tracing::warn!(%folder, "kubelet gone"),
            News::Refused(why) => tracing::warn!(why, "the kubelet refuses the registration"),
            News::Yielded => tracing::warn!(socket = SOCKET, "another plugin has taken over"),
            News::Registered if self.was_registered => tracing::info!(resource = RESOURCE, %folder, "registered again"),
            News::Registered => tracing::info!(resource = RESOURCE, %folder, "registered"),
        }
        self.told = Some(news);
    }

    /// Takes its socket away, where it is still its own.
    fn leave(&self) {
        let socket = self.folder.join(SOCKET);
        if self.standing.socket().is_some_and(|ours| identity(&socket) == Some(ours)) {
            // What is left of a plugin does no harm.
            let _ = std::fs::remove_file(&socket);
        }
    }
}

fn identity(socket: &Path) -> Option<Identity> {
    let found = std::fs::symlink_metadata(socket).ok()?;
    Some(Identity { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
}

enum Failure {
    Unreachable,
    Refused(String),
}

async fn ask(socket: &Path) -> Result<(), Failure> {
    let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display()));
    let endpoint = endpoint.map_err(|error| Failure::Refused(error.to_string()))?;
    let channel = endpoint.connect().await.map_err(|_| Failure::Unreachable)?;
    let answer = RegistrationClient::new(channel).register(Offer::registration()).await;
    answer.map(drop).map_err(|status| {
        // What has a cause didn't come from the kubelet, which ended meanwhile.
        let unanswered = status.code() == Code::Unavailable || status.source().is_some();
        if unanswered { Failure::Unreachable } else { Failure::Refused(status.message().to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubelet_that_is_dead_is_tried_again_after_a_while_and_not_at_once() {
        let folder = tempfile::tempdir().unwrap();
        // Its socket stays behind.
        drop(UnixListener::bind(folder.path().join(KUBELET)).unwrap());
        let mut plugin = Plugin::new(folder.path(), Offer::of_buses(&[1], folder.path()));
        let hearing = plugin.hearing.subscribe();
        plugin.step().await.unwrap();
        assert_eq!(plugin.told, Some(News::NoKubelet));
        assert!(!hearing.has_changed().unwrap());
    }
}

//! How the plugin stands with the kubelet: what to do, given what the socket folder holds. Pure.
//!
//! A kubelet that starts empties the folder, plugins' sockets and all, and makes its own anew; one that is killed leaves its
//! socket behind; one that forgets a plugin ends its stream. Each of these is to be seen, and registered after.

use std::time::{Duration, Instant};

/// For a kubelet that has been asked to call back, and to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket's file, told from any other that had or will have its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Of the file system.
    pub(super) device: u64,
    /// Numbers are used again; so the time counts, too.
    pub(super) inode: u64,
    /// Of its last change, in seconds and nanoseconds.
    pub(super) changed: (i64, i64),
}

/// What there is to be seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The socket folder exists.
    pub(super) folder: bool,
    /// Who has the plugin's name in it.
    pub(super) plugin: Option<Identity>,
    /// Who has the kubelet's.
    pub(super) kubelet: Option<Identity>,
    /// The kubelet that was registered with last listens to the list.
    pub(super) heard: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait for the folder.
    AwaitFolder,
    /// Listen on a socket of our own.
    Bind,
    /// Another plugin has put its socket in place of ours: leave it to that, while it lives.
    Yield,
    /// Wait for the kubelet's socket.
    AwaitKubelet,
    /// Register.
    Register,
    /// All is well, or about to be.
    Rest,
}

/// What has been done.
#[derive(Debug, Default)]
pub(super) struct Standing {
    bound: Option<Identity>,
    registered: Option<Registered>,
}

#[derive(Clone, Copy, Debug)]
struct Registered {
    kubelet: Identity,
    at: Instant,
    /// It has listened since.
    heard: bool,
}

impl Standing {
    /// What to do next.
    pub(super) fn next(&mut self, seen: &Seen, now: Instant) -> Step {
        if !seen.folder {
            *self = Self::default();
            return Step::AwaitFolder;
        }
        match (self.bound, seen.plugin) {
            (None, _) | (_, None) => return Step::Bind,
            (Some(ours), Some(other)) if ours != other => return Step::Yield,
            _ => {}
        }
        let Some(kubelet) = seen.kubelet else {
            self.registered = None;
            return Step::AwaitKubelet;
        };
        match &mut self.registered {
            Some(registered) if registered.kubelet == kubelet => {
                registered.heard |= seen.heard;
                let waits = !registered.heard && now < registered.at + PATIENCE;
                if seen.heard || waits { Step::Rest } else { Step::Register }
            }
            _ => Step::Register,
        }
    }

    /// The plugin listens on this socket.
    pub(super) fn bound(&mut self, socket: Identity) {
        *self = Self { bound: Some(socket), registered: None };
    }

    /// The kubelet that is behind this socket took the registration.
    pub(super) fn registered(&mut self, kubelet: Identity, now: Instant) {
        self.registered = Some(Registered { kubelet, at: now, heard: false });
    }

    /// The socket is another plugin's, which is dead.
    pub(super) fn take_over(&mut self) {
        self.bound = None;
    }

    /// The socket that is ours, if any.
    pub(super) const fn socket(&self) -> Option<Identity> {
        self.bound
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test needs some moment to begin with")]

    use super::*;

    fn socket(inode: u64) -> Identity {
        Identity { device: 1, inode, changed: (0, 0) }
    }

    fn seen(plugin: u64, kubelet: u64, heard: bool) -> Seen {
        let some = |inode| (inode > 0).then(|| socket(inode));
        Seen { folder: true, plugin: some(plugin), kubelet: some(kubelet), heard }
    }

    /// Listens on socket 1, registered with kubelet 2, which listens.
    fn standing(now: Instant) -> Standing {
        let mut standing = Standing::default();
        assert_eq!(standing.next(&seen(0, 2, false), now), Step::Bind);
        standing.bound(socket(1));
        assert_eq!(standing.next(&seen(1, 2, false), now), Step::Register);
        standing.registered(socket(2), now);
        assert_eq!(standing.next(&seen(1, 2, true), now), Step::Rest);
        standing
    }

    #[test]
    fn without_a_folder_or_a_kubelet_it_waits() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        let nothing = Seen { folder: false, plugin: None, kubelet: None, heard: false };
        assert_eq!(standing.next(&nothing, now), Step::AwaitFolder);
        assert_eq!(standing.next(&seen(0, 0, false), now), Step::Bind);
        standing.bound(socket(1));
        assert_eq!(standing.next(&seen(1, 0, false), now), Step::AwaitKubelet);
        assert_eq!(standing.next(&nothing, now), Step::AwaitFolder);
        assert_eq!(standing.next(&seen(0, 0, false), now), Step::Bind);
    }

    #[test]
    fn a_kubelet_that_restarts_is_registered_with_again() {
        let now = Instant::now();
        // It emptied the folder, and its socket is yet to come.
        let mut after = standing(now);
        assert_eq!(after.next(&seen(0, 0, false), now), Step::Bind);
        after.bound(socket(3));
        assert_eq!(after.next(&seen(3, 0, false), now), Step::AwaitKubelet);
        assert_eq!(after.next(&seen(3, 4, false), now), Step::Register);
        // Its socket is another, and it left ours.
        assert_eq!(standing(now).next(&seen(1, 4, true), now), Step::Register);
        // It was killed, and left its socket.
        assert_eq!(standing(now).next(&seen(1, 2, false), now), Step::Register);
        // It went, and took its socket.
        let mut after = standing(now);
        assert_eq!(after.next(&seen(1, 0, false), now), Step::AwaitKubelet);
        assert_eq!(after.next(&seen(1, 2, false), now), Step::Register);
    }

    #[test]
    fn a_socket_that_has_the_number_of_another_is_another() {
        let (mut standing, now) = (standing(Instant::now()), Instant::now());
        let again = Identity { changed: (0, 1), ..socket(2) };
        assert_eq!(standing.next(&Seen { kubelet: Some(again), ..seen(1, 2, true) }, now), Step::Register);
    }

    #[test]
    fn a_kubelet_that_never_listens_is_asked_again_in_time() {
        let now = Instant::now();
        let mut standing = standing(now);
        standing.registered(socket(2), now);
        assert_eq!(standing.next(&seen(1, 2, false), now), Step::Rest);
        assert_eq!(standing.next(&seen(1, 2, false), now + PATIENCE), Step::Register);
    }

    #[test]
    fn a_newer_plugin_is_left_in_peace_until_it_is_dead() {
        let now = Instant::now();
        let mut standing = standing(now);
        assert_eq!(standing.next(&seen(5, 2, false), now), Step::Yield);
        standing.take_over();
        assert_eq!(standing.next(&seen(5, 2, false), now), Step::Bind);
    }
}

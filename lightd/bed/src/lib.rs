//! An emulated BlinkStick under the real libusb, for tests and benchmarks.
//!
//! ```text
//!  a test ── plug, leds, fail ──▶ Bed, Plugged ── stick ◀─ usbfs ◀─socket─ umockdev's preload ◀─ libusb ◀─ lightd
//!                                       └─ tree: /sys, /dev ◀────────────── (opens go there)
//! ```
//!
//! The program under test is a child process with umockdev's `libumockdev-preload.so.0` in front of its libc; it sees a
//! USB bus that is a folder of the test's. Neither root nor a kernel's USB is needed. Udev events don't reach the
//! child, as in a container. The model of the stick, [`EmulatedStick`], knows nothing of that; it lies in the slow bed,
//! [`kernel`], too. A child of any kind is a [`Process`]; what it costs, [`Usage`] tells, and [`mod@bench`] prints.

pub mod bench;
mod descriptors;
mod errno;
pub mod kernel;
mod process;
mod stick;
mod tree;
mod usage;
mod usbfs;
mod usbip;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, MutexGuard};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tree::Places;
use crate::usbfs::Shared;

pub use process::Process;
pub use stick::{EmulatedStick, Fault, Transfer};
pub use usage::Usage;

/// The library that puts a folder in front of `/sys` and `/dev`.
const PRELOAD: &str = "libumockdev-preload.so.0";
const LIBRARIES: [&str; 5] = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib", "/usr/local/lib64"];
/// Lets root be denied what a file's mode denies.
const SETPRIV: &str = "/usr/bin/setpriv";
/// A machine that is busy may need long; nothing that works needs it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host with one USB bus.
pub struct Bed {
    root: TempDir,
    preload: PathBuf,
    is_root: bool,
    /// The root hub is number 1. A number isn't used twice.
    last_address: AtomicU8,
}

/// A stick in its port. Dropped, it is unplugged.
#[must_use = "a stick that is dropped is unplugged"]
pub struct Plugged {
    shared: Arc<Shared>,
    is_deniable: bool,
}

impl Bed {
    /// A bed for the test that runs. None where umockdev isn't installed: that is said on stderr, by the test's name.
    ///
    /// # Panics
    /// Where it isn't installed and `CI` is set, or where the bed can't be made.
    pub fn make() -> Option<Self> {
        let Some(preload) = preload() else {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            assert!(std::env::var_os("CI").is_none(), "{test}: {PRELOAD} is missing; install the package umockdev");
            // Past the capture of what a test prints.
            let _ = writeln!(io::stderr(), "{test} LEFT OUT: {PRELOAD} is missing; install the package umockdev");
            return None;
        };
        let root = tempfile::Builder::new().prefix("bed").tempdir().expect("a temporary folder");
        // A socket's path ends at 107 bytes, and the preload's own names come behind.
        assert!(root.path().as_os_str().len() < 70, "TMPDIR is too long a path for sockets");
        tree::make(root.path()).expect("a bus in the temporary folder");
        let is_root = root.path().metadata().expect("the folder was just made").uid() == 0;
        Some(Self { root, preload, is_root, last_address: AtomicU8::new(1) })
    }

    /// A command that runs `program` on this host.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = if self.is_root && Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.arg("--bounding-set=-dac_override,-dac_read_search").arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .env("LD_PRELOAD", &self.preload)
            .env("UMOCKDEV_DIR", self.root.path())
            .env("SYSTEMD_DEVICE_VERIFY_SYSFS", "0");
        command
    }

    /// Takes the whole of USB from the host, as in a container that was given none, or gives it back.
    ///
    /// # Panics
    /// Where it is so already.
    pub fn hide_usb(&self, hidden: bool) {
        tree::hide(self.root.path(), hidden).expect("files that are ours");
    }

    /// Plugs `stick` into a port of the root hub: 1 makes it `1-1`. It gets an address that no stick had before.
    ///
    /// # Panics
    /// Where the port isn't free, or the temporary folder can't be written.
    pub fn plug(&self, port: u8, mut stick: EmulatedStick) -> Plugged {
        let address = 1 + self.last_address.fetch_add(1, Ordering::Relaxed);
        let name = format!("1-{port}");
        let places = Places::new(self.root.path(), &name, address);
        stick.power_up();
        places.plug(&name, address, &stick).expect("a free port in a folder that is ours");
        let shared = Shared::serve(stick, places).expect("a socket in a folder that is ours");
        shared.lock().places.list().expect("a free port in a folder that is ours");
        Plugged { shared, is_deniable: !self.is_root || Path::new(SETPRIV).exists() }
    }
}

/// The preload, in a library folder or one of a multiarch system below it.
fn preload() -> Option<PathBuf> {
    let below = |folder: &str| {
        let folders = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        std::iter::once(PathBuf::from(folder)).chain(folders).collect::<Vec<_>>()
    };
    LIBRARIES.into_iter().flat_map(below).map(|folder| folder.join(PRELOAD)).find(|library| library.exists())
}

impl Plugged {
    /// What `look` sees of the stick now.
    pub fn look<T>(&self, look: impl FnOnce(&EmulatedStick) -> T) -> T {
        look(&self.shared.lock().stick)
    }

    /// What the LEDs show, as (R, G, B).
    pub fn leds(&self) -> Vec<[u8; 3]> {
        self.look(|stick| stick.leds().to_vec())
    }

    /// What the LEDs came to show since `moment`, as (R, G, B), and when. Each differs from the one before.
    pub fn shown_since(&self, moment: Instant) -> Vec<(Instant, Vec<[u8; 3]>)> {
        let served = self.shared.lock();
        let first = served.history.partition_point(|(at, _)| *at < moment);
        served.history[first..].to_vec()
    }

    /// How often its device node was opened since it was plugged in.
    pub fn opened(&self) -> usize {
        self.shared.lock().opened
    }

    /// The numbers of usbfs's ioctls that a client tried besides control transfers: to claim, to detach, to configure.
    pub fn other_ioctls(&self) -> Vec<u8> {
        self.shared.lock().others.clone()
    }

    /// Makes the next `times` reports fail.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.shared.lock().stick.fail(fault, times);
    }

    /// Forbids, or allows, to open the device node. Who has it open keeps it. The preload bears 50 attempts of a
    /// program that are in vain, then ends it.
    ///
    /// # Panics
    /// As root without setpriv, whom nothing is forbidden; or without the stick.
    pub fn allow(&self, allowed: bool) {
        assert!(self.is_deniable, "{SETPRIV} is missing, so root can't be denied anything");
        self.shared.lock().places.allow(allowed).expect("the node of a stick that is plugged in");
    }

    /// Waits until the LEDs show `leds`.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn until_leds(&self, leds: &[[u8; 3]]) {
        self.until(&format!("{leds:?}"), |stick| stick.leds() == leds);
    }

    /// Waits until `holds`.
    ///
    /// # Panics
    /// When that takes too long; the message says `what` was waited for.
    pub fn until(&self, what: &str, holds: impl Fn(&EmulatedStick) -> bool) {
        until(self.shared.lock(), &self.shared.changed, |served| &served.stick, what, holds);
    }

    /// Pulls it out. What it has in EEPROM, and its log, stay.
    ///
    /// # Panics
    /// Where the temporary folder can't be written.
    pub fn unplug(self) -> EmulatedStick {
        let mut served = self.shared.lock();
        served.unplug().expect("files that are ours");
        served.stick.clone()
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        // The bed may be gone before its sticks.
        let _ = self.shared.lock().unplug();
    }
}

/// Waits until `holds` of the `stick` within `locked`, which is looked at again whenever it `changed`.
fn until<T>(
    mut locked: MutexGuard<'_, T>,
    changed: &Condvar,
    stick: impl Fn(&T) -> &EmulatedStick,
    what: &str,
    holds: impl Fn(&EmulatedStick) -> bool,
) {
    let deadline = now() + PATIENCE;
    while !holds(stick(&locked)) {
        let left = deadline.saturating_duration_since(now());
        if left.is_zero() {
            let last: Vec<_> = stick(&locked).log().iter().rev().take(3).collect();
            let leds = stick(&locked).leds();
            panic!("not within {PATIENCE:?}: {what}; shows {leds:?}; the last transfers, newest first: {last:?}");
        }
        let waited = changed.wait_timeout(locked, left);
        locked = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(locked, _)| locked);
    }
}

#[expect(clippy::disallowed_methods, reason = "a bed waits for a process that has a clock")]
fn now() -> Instant {
    Instant::now()
}

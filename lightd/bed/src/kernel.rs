//! The slow bed: sticks on the USB of the kernel that runs, behind its virtual host controller vhci_hcd.
//!
//! ```text
//!  a test ── plug, unplug ──▶ Bed, Plugged ── attach, detach ──▶ vhci_hcd ◀── usbcore, usbhid ◀── usbfs ◀── lightd
//!                                 └── stick ◀── usbip ◀──socket──────┘
//! ```
//!
//! Everything but the stick is real here: enumeration, drivers, device nodes and who may open them. It needs root and a
//! kernel for it alone, so it is for the guest that `lightd/bed/kernel/run` boots. Knows nothing of udev and its rules.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::sleep;
use std::time::Duration;

use crate::usbip::Served;
use crate::{EmulatedStick, Fault, PATIENCE, now, until};

const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";
const DEVICES: &str = "/sys/bus/usb/devices";
const HUB_DRIVER: &str = "/sys/bus/usb/drivers/hub";
/// The first root hub's interface.
const HUB: &str = "1-0:1.0";
/// What vhci_hcd's `status` says of a port with nothing in it.
const FREE: &str = "004";
const LOW_SPEED: u8 = 1;
/// Who isn't root.
const USER: u32 = 1000;
/// Between two looks at what the kernel tells no other way.
const LOOK: Duration = Duration::from_millis(5);

/// A host whose first USB bus is vhci_hcd's.
pub struct Bed {
    group: u32,
}

/// A stick in its port. Dropped, it is unplugged.
#[must_use = "a stick that is dropped is unplugged"]
pub struct Plugged {
    served: Arc<Served>,
    /// The stick's end.
    socket: UnixStream,
    port: u8,
}

/// A root hub without power. Dropped, it has it again.
#[must_use = "dropped, power is back"]
pub struct PowerCut;

impl Bed {
    /// The host that this runs on.
    ///
    /// # Panics
    /// Outside the guest that is made for it.
    pub fn make() -> Self {
        let is_guest = std::env::var_os("PODLIGHT_GUEST").is_some();
        assert!(is_guest, "this is for a guest of its own: lightd/bed/kernel/run");
        let bus = fs::canonicalize(Path::new(DEVICES).join("usb1")).expect("a USB bus");
        assert!(bus.starts_with(CONTROLLER), "bus 1 is not vhci_hcd's, but {}", bus.display());
        let groups = fs::read_to_string("/etc/group").expect("the groups of a Debian system");
        let group = groups.lines().find_map(|line| line.strip_prefix("plugdev:")?.split(':').nth(1)?.parse().ok());
        Self { group: group.expect("Debian's group plugdev") }
    }

    /// A command that runs `program` as a user who isn't root, but in the group plugdev.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.uid(USER).gid(self.group);
        command
    }

    /// Plugs `stick` into a port of the first root hub: 1 makes it `1-1`. Doesn't wait until the kernel knows it.
    ///
    /// # Panics
    /// Where the port doesn't get free.
    pub fn plug(&self, port: u8, mut stick: EmulatedStick) -> Plugged {
        wait(&format!("port {port} free"), || is_free(port));
        stick.power_up();
        let served = Arc::new(Served { stick: Mutex::new(stick), changed: Condvar::new() });
        let (kernel, socket) = UnixStream::pair().expect("two sockets");
        let stream = socket.try_clone().expect("another name for it");
        let serving = Arc::clone(&served);
        // It ends when the stick is unplugged.
        std::thread::spawn(move || drop(serving.serve(stream)));
        // The kernel keeps the socket for itself. Which device it was at the far end is of no interest.
        control("attach", &format!("{} {} 1 {LOW_SPEED}", port - 1, kernel.as_raw_fd())).expect("a free port");
        Plugged { served, socket, port }
    }

    /// Takes the root hub's power: the `sticks` in it are gone, and forget what they showed.
    ///
    /// # Panics
    /// Where the kernel doesn't let go of the hub.
    pub fn cut_power(&self, sticks: &[&Plugged]) -> PowerCut {
        sticks.iter().for_each(|stick| stick.until_bound());
        fs::write(Path::new(HUB_DRIVER).join("unbind"), HUB).expect("a root hub with power");
        let cut = PowerCut;
        sticks.iter().for_each(|stick| stick.served.lock().power_up());
        cut
    }
}

impl Drop for PowerCut {
    fn drop(&mut self) {
        fs::write(Path::new(HUB_DRIVER).join("bind"), HUB).expect("a root hub without power");
    }
}

impl Plugged {
    /// Bus and port, "1-1".
    pub fn path(&self) -> String {
        format!("1-{}", self.port)
    }

    /// The name of the driver that has its interface; none before one has.
    pub fn driver(&self) -> Option<String> {
        let driver = fs::canonicalize(self.interface().join("driver")).ok()?;
        Some(driver.file_name()?.to_string_lossy().into_owned())
    }

    /// Waits until usbhid has its interface, and hidraw a node for it.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn until_bound(&self) {
        wait(&format!("{} bound to usbhid", self.path()), || {
            self.driver().as_deref() == Some("usbhid") && has_hidraw(&self.interface())
        });
    }

    /// What `look` sees of the stick now.
    pub fn look<T>(&self, look: impl FnOnce(&EmulatedStick) -> T) -> T {
        look(&self.served.lock())
    }

    /// What the LEDs show, as (R, G, B).
    pub fn leds(&self) -> Vec<[u8; 3]> {
        self.look(|stick| stick.leds().to_vec())
    }

    /// Makes the next `times` reports fail.
    pub fn fail(&self, fault: Fault, times: usize) {
        self.served.lock().fail(fault, times);
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
        until(self.served.lock(), &self.served.changed, |stick| stick, what, holds);
    }

    /// Pulls it out, once its driver has settled: the kernel waits 5 s for the answers of a stick that goes before.
    ///
    /// # Panics
    /// When the kernel doesn't let go of it.
    pub fn unplug(self) -> EmulatedStick {
        self.until_bound();
        control("detach", &(self.port - 1).to_string()).expect("a stick in this port");
        self.gone()
    }

    /// Pulls it out now, whatever is under way.
    ///
    /// # Panics
    /// When the kernel doesn't let go of it.
    pub fn yank(self) -> EmulatedStick {
        // After a fault, it may have vanished already.
        let _ = self.socket.shutdown(Shutdown::Both);
        self.gone()
    }

    fn gone(self) -> EmulatedStick {
        let device = Path::new(DEVICES).join(self.path());
        wait(&format!("{} gone", self.path()), || is_free(self.port) && !device.exists());
        self.served.lock().clone()
    }

    fn interface(&self) -> PathBuf {
        Path::new(DEVICES).join(format!("{}:1.0", self.path()))
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn control(verb: &str, what: &str) -> io::Result<()> {
    fs::write(Path::new(CONTROLLER).join(verb), what)
}

/// `status` has a line for each port: its hub, its number from 0, its state, and more.
fn is_free(port: u8) -> bool {
    let status = fs::read_to_string(Path::new(CONTROLLER).join("status")).expect("vhci_hcd");
    status.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(
        |columns| matches!(columns[..], ["hs", number, state, ..] if number.parse() == Ok(port - 1) && state == FREE),
    )
}

/// Below the HID device that usbhid made of the interface: `0003:20A0:41E5.0001/hidraw/hidraw0`.
fn has_hidraw(interface: &Path) -> bool {
    let below = fs::read_dir(interface).into_iter().flatten().flatten();
    below.map(|entry| entry.path().join("hidraw")).any(|folder| folder.exists())
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = now() + PATIENCE;
    while !holds() {
        assert!(now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(LOOK);
    }
}

//! The BlinkSticks that the kernel lists under `/sys/bus/usb`, without waking any.
//!
//! A look costs a few small reads, and needs neither libusb nor a permission; in a container it shows what libusb, which
//! waits for udev's events, never hears of. Knows nothing of how a stick is opened.

use std::fs;
use std::path::{Path, PathBuf};

use crate::blinkstick::{PRODUCT, VENDOR};

const DEVICES: &str = "/sys/bus/usb/devices";

/// A stick that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Bus and ports, "1-1.2": stays the same when the stick is replugged there.
    pub(crate) path: String,
    /// The bus's number.
    pub(crate) bus: u8,
    /// The number on that bus: another one after each plug.
    pub(crate) address: u8,
    /// `bcdDevice`.
    pub(crate) bcd_device: u16,
    /// None where it wasn't read (yet).
    pub(crate) serial: Option<String>,
}

impl Seen {
    /// Its device node.
    pub(crate) fn node(&self) -> PathBuf {
        PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", self.bus, self.address))
    }

    /// Sorts by bus, then port by port: 1-2 before 1-10.
    pub(crate) fn order(&self) -> Vec<u32> {
        self.path.split(['-', '.']).map(|number| number.parse().unwrap_or(u32::MAX)).collect()
    }
}

/// The sticks that are plugged in, by port. None where there is no such list to look at.
pub(crate) fn sticks() -> Option<Vec<Seen>> {
    let mut sticks: Vec<_> = fs::read_dir(DEVICES).ok()?.flatten().filter_map(|entry| stick(&entry.path())).collect();
    sticks.sort_by_key(Seen::order);
    Some(sticks)
}

/// Whether another device, or none, is where `seen` was. False where that can't be told.
pub(crate) fn is_gone(seen: &Seen) -> bool {
    let devices = Path::new(DEVICES);
    devices.exists() && place(&devices.join(&seen.path)) != Some((seen.bus, seen.address))
}

/// The device in this folder, if it is a BlinkStick that can still be read.
fn stick(folder: &Path) -> Option<Seen> {
    if hex(folder, "idVendor")? != VENDOR || hex(folder, "idProduct")? != PRODUCT {
        return None;
    }
    let (bus, address) = place(folder)?;
    Some(Seen {
        path: folder.file_name()?.to_str()?.to_owned(),
        bus,
        address,
        bcd_device: hex(folder, "bcdDevice")?,
        serial: attribute(folder, "serial"),
    })
}

fn place(folder: &Path) -> Option<(u8, u8)> {
    Some((attribute(folder, "busnum")?.parse().ok()?, attribute(folder, "devnum")?.parse().ok()?))
}

fn hex(folder: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&attribute(folder, name)?, 16).ok()
}

/// What a stick says of itself may be any bytes.
fn attribute(folder: &Path, name: &str) -> Option<String> {
    let value = fs::read(folder.join(name)).ok()?;
    Some(String::from_utf8_lossy(&value).trim().to_owned())
}

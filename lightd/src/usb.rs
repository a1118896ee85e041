//! Sticks on USB: finds them, opens them, puts frames on their wire. The only user of rusb.
//!
//! ```text
//!  "1-1", a serial or none ──▶ Port ── open ──▶ Stick ── show ──▶ SET report
//!                       look, choose, a libusb of its own, the mode
//! ```
//!
//! Nothing is detached, claimed or configured: requests to the device need none of that, and hidraw stays for others.
//! libusb learns of plugs by udev's events, which don't reach containers, so its list of devices freezes there: each
//! opening has a libusb of its own, and begins with a look at [`sysfs`] that costs next to nothing while no stick is there.
//! Repetition, repainting and all policy are those of the loop that owns the stick.

use std::fs::OpenOptions;
use std::thread::sleep;
use std::time::Duration;

use podlight_proto::Color;
use rusb::{Context, Device, DeviceHandle, UsbContext as _};
use rustix::io::Errno;

use crate::blinkstick::{MODE, PRODUCT, Request, SET, VENDOR, Wire};
use crate::counts::{Odometer, count};
use crate::stick::{Fault, Identity, Port, Problem, Stick};

mod claims;
mod survey;
mod sysfs;
mod told;

use claims::Claim;
use sysfs::Seen;
use told::Told;

pub(crate) use claims::Claims;
pub(crate) use survey::survey;

/// For one transfer. A stick answers within milliseconds, or not at all.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Between two reports: the firmware needs it to shift the first one out to the LEDs, and can't answer meanwhile.
const INTERVAL: Duration = Duration::from_millis(20);
/// A mode goes to EEPROM, which blocks the stick for about 50 ms.
const AFTER_MODE: Duration = Duration::from_millis(100);

/// Where one stick can be found.
pub(crate) struct UsbPort {
    wanted: Option<String>,
    keep_mode: bool,
    claims: Claims,
}

impl UsbPort {
    /// The port of the stick with this serial or path; of the lowest one that no other port asks for by name, where none
    /// is given. With `keep_mode`, the stick's mode is left as it is.
    pub(crate) const fn new(wanted: Option<String>, keep_mode: bool, claims: Claims) -> Self {
        Self { wanted, keep_mode, claims }
    }
}

impl Port for UsbPort {
    fn open(&mut self) -> Result<Box<dyn Stick>, Problem> {
        let Self { wanted, keep_mode, claims } = &*self;
        let mut seen = look()?;
        if !claims.is_certain(&seen, wanted.as_deref()) {
            for unread in seen.iter_mut().filter(|seen| seen.serial.is_none() && !claims.is_taken(seen)) {
                unread.serial = open(unread).ok().and_then(|handle| told::serial(&handle));
            }
        }
        let (seen, claim) = claims.claim(&seen, wanted.as_deref())?;
        let stick = UsbStick::open(seen, claim, *keep_mode)?;
        Ok(Box::new(stick))
    }
}

/// The sticks that are plugged in, by port.
fn look() -> Result<Vec<Seen>, Problem> {
    if let Some(seen) = sysfs::sticks() {
        return Ok(seen);
    }
    let mut seen: Vec<_> = blinksticks(&libusb()?)?.iter().map(|(_, seen)| seen.clone()).collect();
    seen.sort_by_key(Seen::order);
    Ok(seen)
}

/// The buses on which BlinkSticks are plugged in, as the kernel lists them.
pub(crate) fn buses_of_sticks() -> Vec<u8> {
    sysfs::sticks().unwrap_or_default().iter().map(|seen| seen.bus).collect()
}

fn libusb() -> Result<Context, Problem> {
    Context::new().map_err(|error| Problem::NoUsb(error.to_string()))
}

fn blinksticks(libusb: &Context) -> Result<Vec<(Device<Context>, Seen)>, Problem> {
    let devices = libusb.devices().map_err(|error| Problem::NoUsb(error.to_string()))?;
    let stick = |device: Device<Context>| {
        let descriptor = device.device_descriptor().ok()?;
        let ports: Vec<_> = device.port_numbers().ok()?.iter().map(u8::to_string).collect();
        let version = descriptor.device_version();
        let seen = Seen {
            path: format!("{}-{}", device.bus_number(), ports.join(".")),
            bus: device.bus_number(),
            address: device.address(),
            bcd_device: u16::from(version.major()) << 8 | u16::from(version.minor() << 4 | version.sub_minor()),
            serial: None,
        };
        let ours = descriptor.vendor_id() == VENDOR && descriptor.product_id() == PRODUCT;
        ours.then_some((device, seen))
    };
    Ok(devices.iter().filter_map(stick).collect())
}

fn open(seen: &Seen) -> Result<DeviceHandle<Context>, Problem> {
    let failing = |why: String| Problem::Failing { path: seen.path.clone(), why };
    let (device, _) = blinksticks(&libusb()?)?
        .into_iter()
        .find(|(_, listed)| (listed.bus, listed.address) == (seen.bus, seen.address))
        .ok_or_else(|| failing("libusb doesn't list it".to_owned()))?;
    device.open().map_err(|error| {
        let node = seen.node();
        // libusb doesn't tell a container that may not use a device, nor a number that no stick has any more, from a stick
        // that is broken.
        let opened = OpenOptions::new().read(true).write(true).open(&node);
        let errno = opened.err().as_ref().and_then(Errno::from_io_error);
        refused(&node.display().to_string(), error, errno).unwrap_or_else(failing)
    })
}

/// What keeps `node` from being opened, given what libusb and then the kernel said; otherwise, what fails.
fn refused(node: &str, error: rusb::Error, errno: Option<Errno>) -> Result<Problem, String> {
    let device = node.to_owned();
    match (error, errno) {
        (_, Some(Errno::PERM)) => Ok(Problem::Withheld { device }),
        (rusb::Error::Access, _) | (_, Some(Errno::ACCESS)) => Ok(Problem::Denied { device }),
        (_, Some(Errno::NXIO | Errno::NODEV)) => Err(format!("nothing is behind {node} any more")),
        (rusb::Error::NoDevice, _) => {
            Err(format!("there is no {node}; in a pod, the device plugin's --buses must be as many as the host's"))
        }
        (error, _) => Err(error.to_string()),
    }
}

/// A stick that is open.
struct UsbStick {
    handle: DeviceHandle<Context>,
    seen: Seen,
    wire: Wire,
    identity: Identity,
    _claim: Claim,
}

impl UsbStick {
    fn open(seen: Seen, claim: Claim, keep_mode: bool) -> Result<Self, Problem> {
        let handle = open(&seen)?;
        let failing = |error: rusb::Error| Problem::Failing { path: seen.path.clone(), why: error.to_string() };
        let mut told = Told::ask(&handle, &seen).map_err(failing)?;
        if let Some(mode) = told.model.mode_to_write(told.mode).filter(|_| !keep_mode) {
            set(&handle, &[MODE.0, mode]).map_err(failing)?;
            sleep(AFTER_MODE);
            // A stick acknowledges what it doesn't do.
            told = Told::ask(&handle, &seen).map_err(failing)?;
        }
        let wire = Wire::of(told.model, told.mode, told.count);
        let identity = Identity {
            model: told.model.to_string(),
            serial: told.serial,
            path: seen.path.clone(),
            leds: wire.leds(),
            interval: INTERVAL,
        };
        Ok(Self { handle, seen, wire, identity, _claim: claim })
    }
}

impl Stick for UsbStick {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn show(&mut self, frame: &[Color], odometer: &Odometer) -> Result<(), Fault> {
        for (sent, report) in self.wire.reports(frame).iter().enumerate() {
            if sent > 0 {
                sleep(INTERVAL);
            }
            count(&odometer.transfers);
            set(&self.handle, report).map_err(fault)?;
        }
        Ok(())
    }

    fn gone(&self) -> bool {
        sysfs::is_gone(&self.seen)
    }
}

fn set(handle: &DeviceHandle<Context>, report: &[u8]) -> Result<(), rusb::Error> {
    let Request { kind, code } = SET;
    let sent = handle.write_control(kind, code, report[0].into(), 0, report, TIMEOUT)?;
    if sent == report.len() { Ok(()) } else { Err(rusb::Error::Io) }
}

/// Whether the same again may work, or the stick must be opened anew: after a stall, a retry alone is known not to.
fn fault(error: rusb::Error) -> Fault {
    use rusb::Error as E;
    match error {
        E::Io | E::Timeout | E::Overflow | E::Interrupted | E::Busy | E::NoMem | E::Other => {
            Fault::Transient(error.to_string())
        }
        E::Pipe | E::NoDevice | E::Access | E::NotFound | E::NotSupported | E::InvalidParam | E::BadDescriptor => {
            Fault::Broken(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_node_shut_is_told_apart() {
        let node = "/dev/bus/usb/001/002";
        let said = |error, errno| refused(node, error, errno).map_or_else(|why| why, |problem| problem.to_string());
        for (error, errno, words) in [
            (rusb::Error::Io, Some(Errno::PERM), "the container may not use /dev/bus/usb/001/002"),
            (rusb::Error::Access, Some(Errno::ACCESS), "no permission to open /dev/bus/usb/001/002"),
            (rusb::Error::Access, None, "no permission to open /dev/bus/usb/001/002"),
            (rusb::Error::Io, Some(Errno::NXIO), "nothing is behind"),
            (rusb::Error::Io, Some(Errno::NODEV), "nothing is behind"),
            (rusb::Error::NoDevice, Some(Errno::NOENT), "there is no /dev/bus/usb/001/002"),
            (rusb::Error::Busy, None, "Resource busy"),
        ] {
            assert!(said(error, errno).contains(words), "{error} {errno:?}: {}", said(error, errno));
        }
        assert!(said(rusb::Error::Io, Some(Errno::PERM)).contains("runc 1.1.3 to 1.1.6"));
    }
}

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
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use podlight_proto::Color;
use rusb::{Context, Device, DeviceHandle, UsbContext as _};

use crate::blinkstick::{GET, LED_COUNT, MODE, Model, PRODUCT, Request, SET, VENDOR, Wire};
use crate::stick::{Fault, Identity, Port, Problem, Stick};

mod survey;
mod sysfs;

pub(crate) use survey::survey;
use sysfs::Seen;

/// For one transfer. A stick answers within milliseconds, or not at all.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Between two reports: the firmware needs it to shift the first one out to the LEDs, and can't answer meanwhile.
const INTERVAL: Duration = Duration::from_millis(20);
/// Questions to a stick that is busy.
const ATTEMPTS: usize = 5;
/// A mode goes to EEPROM, which blocks the stick for about 50 ms.
const AFTER_MODE: Duration = Duration::from_millis(100);

/// Which sticks have an owner in this process.
static OWNERS: Mutex<Owners> = Mutex::new(Owners { named: Vec::new(), taken: Vec::new() });

struct Owners {
    /// Serials and paths that ports ask for by name.
    named: Vec<String>,
    /// Paths of the sticks that are open, or about to be.
    taken: Vec<String>,
}

fn owners() -> MutexGuard<'static, Owners> {
    // No owner panics halfway through a change.
    OWNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to one stick, given back when dropped.
struct Claim(String);

impl Drop for Claim {
    fn drop(&mut self) {
        owners().taken.retain(|path| *path != self.0);
    }
}

/// Where one stick can be found.
pub(crate) struct UsbPort {
    wanted: Option<String>,
    keep_mode: bool,
}

impl UsbPort {
    /// The port of the stick with this serial or path; of the lowest one that no port so far asks for by name, where
    /// none is given. With `keep_mode`, the stick's mode is left as it is.
    pub(crate) fn new(wanted: Option<String>, keep_mode: bool) -> Self {
        owners().named.extend(wanted.clone());
        Self { wanted, keep_mode }
    }

    fn claim(&self) -> Result<(Seen, Claim), Problem> {
        let mut seen = look()?;
        let claim = |seen: &[Seen]| {
            let mut owners = owners();
            let chosen = choose(seen, self.wanted.as_deref(), &owners)?.clone();
            owners.taken.push(chosen.path.clone());
            let claim = Claim(chosen.path.clone());
            Ok((chosen, claim))
        };
        match claim(&seen) {
            Err(Problem::NotFound { .. }) if seen.iter().any(|seen| seen.serial.is_none()) => {
                let taken = owners().taken.clone();
                for seen in seen.iter_mut().filter(|seen| seen.serial.is_none() && !taken.contains(&seen.path)) {
                    seen.serial = open(seen).ok().and_then(|handle| serial(&handle));
                }
                claim(&seen)
            }
            found => found,
        }
    }
}

impl Drop for UsbPort {
    fn drop(&mut self) {
        let mut owners = owners();
        let own = owners.named.iter().position(|name| Some(name) == self.wanted.as_ref());
        own.map(|own| owners.named.swap_remove(own));
    }
}

impl Port for UsbPort {
    fn open(&mut self) -> Result<Box<dyn Stick>, Problem> {
        let (seen, claim) = self.claim()?;
        let stick = UsbStick::open(seen, claim, self.keep_mode)?;
        Ok(Box::new(stick))
    }
}

/// The stick to open. A path is the stronger name: serials can be blank, or on two sticks alike.
fn choose<'a>(seen: &'a [Seen], wanted: Option<&str>, owners: &Owners) -> Result<&'a Seen, Problem> {
    let is = |seen: &Seen, name: &str| seen.path == name || seen.serial.as_deref() == Some(name);
    let fit: Vec<&Seen> = match wanted {
        Some(wanted) => seen.iter().filter(|seen| is(seen, wanted)).collect(),
        None => seen.iter().filter(|seen| !owners.named.iter().any(|name| is(seen, name))).collect(),
    };
    if let Some(free) = fit.iter().find(|seen| !owners.taken.contains(&seen.path)) {
        return Ok(free);
    }
    match (fit.first().copied().or(seen.first()), wanted) {
        (None, _) => Err(Problem::Absent),
        (Some(_), Some(wanted)) if fit.is_empty() => Err(Problem::NotFound {
            wanted: wanted.to_owned(),
            found: seen.iter().map(named).collect::<Vec<_>>().join(", "),
        }),
        (Some(taken), _) => Err(Problem::Taken { path: taken.path.clone() }),
    }
}

fn named(seen: &Seen) -> String {
    match seen.serial.as_deref() {
        None | Some("") => format!("one without a serial at {}", seen.path),
        Some(serial) => format!("{serial} at {}", seen.path),
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
        // A container that may not use the device gets EPERM, which libusb doesn't tell from a broken one.
        let refused = || {
            let opened = OpenOptions::new().read(true).write(true).open(&node);
            opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
        };
        if error == rusb::Error::Access || (error == rusb::Error::Io && refused()) {
            Problem::Denied { device: node.display().to_string() }
        } else if error == rusb::Error::NoDevice {
            failing(format!("there is no {}", node.display()))
        } else {
            failing(error.to_string())
        }
    })
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

    fn show(&mut self, frame: &[Color]) -> Result<(), Fault> {
        for (sent, report) in self.wire.reports(frame).iter().enumerate() {
            if sent > 0 {
                sleep(INTERVAL);
            }
            set(&self.handle, report).map_err(fault)?;
        }
        Ok(())
    }

    fn gone(&self) -> bool {
        sysfs::is_gone(&self.seen)
    }
}

/// What a stick tells of itself.
struct Told {
    serial: String,
    model: Model,
    /// None where it has none, or doesn't tell.
    mode: Option<u8>,
    /// Likewise.
    count: Option<u8>,
}

impl Told {
    /// Asks an open stick. A serial that can't be read is none, as is what the firmware doesn't know.
    fn ask(handle: &DeviceHandle<Context>, seen: &Seen) -> Result<Self, rusb::Error> {
        let serial = seen.serial.clone().or_else(|| serial(handle)).unwrap_or_default();
        let model = Model::of(&serial, seen.bcd_device);
        let mode = if model.has_modes() { ask(handle, MODE)? } else { None };
        let count = if model == Model::Flex { ask(handle, LED_COUNT)? } else { None };
        Ok(Self { serial, model, mode, count })
    }
}

fn set(handle: &DeviceHandle<Context>, report: &[u8]) -> Result<(), rusb::Error> {
    let Request { kind, code } = SET;
    let sent = handle.write_control(kind, code, report[0].into(), 0, report, TIMEOUT)?;
    if sent == report.len() { Ok(()) } else { Err(rusb::Error::Io) }
}

/// The byte that a report holds, where the firmware knows the report.
fn ask(handle: &DeviceHandle<Context>, (id, length): (u8, usize)) -> Result<Option<u8>, rusb::Error> {
    let Request { kind, code } = GET;
    let mut failed = Ok(None);
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            sleep(INTERVAL);
        }
        let mut answer = vec![0; length];
        match handle.read_control(kind, code, id.into(), 0, &mut answer, TIMEOUT) {
            Ok(read) if read == length && answer[0] == id => return Ok(answer.last().copied()),
            // Short, or a stall: it doesn't know the report, or is busy.
            Ok(_) | Err(rusb::Error::Pipe) => failed = Ok(None),
            Err(rusb::Error::NoDevice) => return Err(rusb::Error::NoDevice),
            Err(error) => failed = Err(error),
        }
    }
    failed
}

/// One failed read of a string says nothing; several, that there is none to have.
fn serial(handle: &DeviceHandle<Context>) -> Option<String> {
    let descriptor = handle.device().device_descriptor().ok()?;
    descriptor.serial_number_string_index()?;
    (0..ATTEMPTS).find_map(|attempt| {
        if attempt > 0 {
            sleep(INTERVAL);
        }
        handle.read_serial_number_string_ascii(&descriptor).ok().map(|serial| serial.trim().to_owned())
    })
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

    fn seen(path: &str, serial: &str) -> Seen {
        Seen { path: path.into(), bus: 1, address: 2, bcd_device: 0x0202, serial: Some(serial.into()) }
    }

    fn chosen(wanted: Option<&str>, named: &[&str], taken: &[&str]) -> Result<String, Problem> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let sticks = [seen("1-2", "A"), seen("1-10", "B"), seen("2-1", "B")];
        let owners = Owners { named: owned(named), taken: owned(taken) };
        choose(&sticks, wanted, &owners).map(|seen| seen.path.clone())
    }

    #[test]
    fn the_lowest_free_stick_that_nobody_names_is_chosen() {
        assert_eq!(chosen(None, &[], &[]).unwrap(), "1-2");
        assert_eq!(chosen(None, &["A"], &[]).unwrap(), "1-10");
        assert_eq!(chosen(None, &["1-2"], &["1-10"]).unwrap(), "2-1");
        assert_eq!(chosen(None, &["A"], &["1-10", "2-1"]), Err(Problem::Taken { path: "1-10".into() }));
        assert_eq!(chosen(None, &["A", "B"], &[]), Err(Problem::Taken { path: "1-2".into() }));
    }

    #[test]
    fn a_stick_is_named_by_serial_or_path() {
        assert_eq!(chosen(Some("A"), &["A"], &[]).unwrap(), "1-2");
        assert_eq!(chosen(Some("2-1"), &["2-1"], &[]).unwrap(), "2-1");
        assert_eq!(chosen(Some("B"), &["B"], &["1-10"]).unwrap(), "2-1");
        assert_eq!(chosen(Some("A"), &["A", "A"], &["1-2"]), Err(Problem::Taken { path: "1-2".into() }));
    }

    #[test]
    fn a_name_that_no_stick_has_lists_those_that_are_there() {
        let problem = chosen(Some("C"), &["C"], &[]).unwrap_err();
        assert!(problem.to_string().contains("A at 1-2, B at 1-10, B at 2-1"), "{problem}");
        let nothing = choose(&[], Some("C"), &Owners { named: vec![], taken: vec![] }).unwrap_err();
        assert_eq!(nothing, Problem::Absent);
    }

    #[test]
    fn ports_sort_by_number() {
        let mut sticks = [seen("10-1", ""), seen("1-10", ""), seen("1-2.3", ""), seen("1-2", "")];
        sticks.sort_by_key(Seen::order);
        assert_eq!(sticks.map(|seen| seen.path), ["1-2", "1-2.3", "1-10", "10-1"]);
    }
}

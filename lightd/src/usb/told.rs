//! What an open stick tells of itself: its serial, its model, its mode and LEDs.

use std::thread::sleep;

use rusb::{Context, DeviceHandle};

use super::{INTERVAL, TIMEOUT, sysfs::Seen};
use crate::blinkstick::{GET, LED_COUNT, MODE, Model, Request};

/// Questions to a stick that is busy.
const ATTEMPTS: usize = 5;

/// What a stick tells of itself.
pub(super) struct Told {
    /// Empty where it has none that can be read.
    pub(super) serial: String,
    pub(super) model: Model,
    /// None where the model has none, or the firmware doesn't tell.
    pub(super) mode: Option<u8>,
    /// A Flex's number of LEDs, likewise.
    pub(super) count: Option<u8>,
}

impl Told {
    /// Asks an open stick. A serial that can't be read is none, as is what the firmware doesn't know.
    pub(super) fn ask(handle: &DeviceHandle<Context>, seen: &Seen) -> Result<Self, rusb::Error> {
        let serial = seen.serial.clone().or_else(|| serial(handle)).unwrap_or_default();
        let model = Model::of(&serial, seen.bcd_device);
        let mode = if model.has_modes() { ask(handle, MODE)? } else { None };
        let count = if model == Model::Flex { ask(handle, LED_COUNT)? } else { None };
        Ok(Self { serial, model, mode, count })
    }
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
pub(super) fn serial(handle: &DeviceHandle<Context>) -> Option<String> {
    let descriptor = handle.device().device_descriptor().ok()?;
    descriptor.serial_number_string_index()?;
    (0..ATTEMPTS).find_map(|attempt| {
        if attempt > 0 {
            sleep(INTERVAL);
        }
        handle.read_serial_number_string_ascii(&descriptor).ok().map(|serial| serial.trim().to_owned())
    })
}

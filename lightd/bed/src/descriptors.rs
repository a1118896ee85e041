//! How a stick introduces itself: its descriptors, and the standard requests.

use crate::EmulatedStick;
use crate::stick::Model;

/// Agile Innovative's.
pub(crate) const VENDOR: u16 = 0x20A0;
/// Of every BlinkStick.
pub(crate) const PRODUCT: u16 = 0x41E5;
/// In string descriptor 1.
pub(crate) const MANUFACTURER: &str = "Agile Innovative Ltd";

const GET_DESCRIPTOR: u8 = 6;
const SET_CONFIGURATION: u8 = 9;
const DEVICE: u8 = 1;
const CONFIGURATION: u8 = 2;
const STRING: u8 = 3;
const REPORT: u8 = 0x22;

/// The product's name, in string descriptor 2.
pub(crate) fn product(stick: &EmulatedStick) -> &'static str {
    match stick.model {
        Model::BlinkStick | Model::Pro => "BlinkStick",
        Model::Square => "BlinkStick Square",
        Model::Strip => "BlinkStick Strip",
        Model::Nano => "BlinkStick Nano",
        Model::Flex => "BlinkStick Flex",
    }
}

/// The answer to a standard request.
pub(crate) fn answer(stick: &EmulatedStick, setup: [u8; 8]) -> Option<Vec<u8>> {
    match (setup[0], setup[1], setup[3], setup[2]) {
        (0x80, GET_DESCRIPTOR, DEVICE, 0) => Some(device(stick).to_vec()),
        (0x80, GET_DESCRIPTOR, CONFIGURATION, 0) => Some(CONFIGURATIONS.to_vec()),
        (0x80, GET_DESCRIPTOR, STRING, 0) => Some(vec![4, STRING, 0x09, 0x04]),
        (0x80, GET_DESCRIPTOR, STRING, 1) => Some(string(MANUFACTURER)),
        (0x80, GET_DESCRIPTOR, STRING, 2) => Some(string(product(stick))),
        (0x80, GET_DESCRIPTOR, STRING, 3) => Some(string(&stick.serial)),
        (0x81, GET_DESCRIPTOR, REPORT, 0) => Some(REPORTS.to_vec()),
        (0x00, SET_CONFIGURATION, _, 0 | 1) => Some(Vec::new()),
        _ => None,
    }
}

/// The device descriptor: USB 1.10, endpoint 0 takes 8 bytes, one configuration.
pub(crate) fn device(stick: &EmulatedStick) -> [u8; 18] {
    let [vendor, product, version] = [VENDOR, PRODUCT, stick.bcd_device].map(u16::to_le_bytes);
    let [v0, v1] = vendor;
    let [p0, p1] = product;
    let [b0, b1] = version;
    [18, DEVICE, 0x10, 0x01, 0, 0, 0, 8, v0, v1, p0, p1, b0, b1, 1, 2, 3, 1]
}

/// The only configuration: bus powered, 100 mA, one HID interface with an interrupt endpoint that nothing uses.
pub(crate) const CONFIGURATIONS: [u8; 34] = [
    9, 2, 34, 0, 1, 1, 0, 0x80, 50, // configuration
    9, 4, 0, 0, 1, 3, 0, 0, 0, // interface
    9, 0x21, 0x01, 0x01, 0, 1, 0x22, 42, 0, // HID
    7, 5, 0x81, 3, 8, 0, 10, // endpoint
];

/// What the interface says of its reports: features of a vendor's own, in bytes.
const REPORTS: [u8; 42] = [
    0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, // usage page and usage, a collection of
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, // 0 to 255, 8 bits each
    0x85, 1, 0x95, 3, 0x09, 0, 0xB2, 0x02, 0x01, // report 1: 3 of them
    0x85, 2, 0x95, 32, 0x09, 0, 0xB2, 0x02, 0x01, // report 2: 32
    0x85, 3, 0x95, 32, 0x09, 0, 0xB2, 0x02, 0x01, // report 3: 32
    0xC0,
];

/// A descriptor's length is one byte, so a string ends after 126 characters.
fn string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().take(126).flat_map(u16::to_le_bytes).collect();
    [&[2 + units.len() as u8, STRING][..], &units].concat()
}

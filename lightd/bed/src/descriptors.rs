//! How a stick introduces itself: its descriptors, and the standard requests for them.

use crate::EmulatedStick;
use crate::stick::Model;

/// Agile Innovative's.
pub(crate) const VENDOR: u16 = 0x20A0;
/// Of every BlinkStick.
pub(crate) const PRODUCT: u16 = 0x41E5;
/// In string descriptor 1.
pub(crate) const MANUFACTURER: &str = "Agile Innovative Ltd";

const GET_DESCRIPTOR: u8 = 6;
const DEVICE: u8 = 1;
const CONFIGURATION: u8 = 2;
const STRING: u8 = 3;

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

/// The answer to a standard request to read.
pub(crate) fn answer(stick: &EmulatedStick, setup: [u8; 8]) -> Option<Vec<u8>> {
    match (setup[0], setup[1], setup[3], setup[2]) {
        (0x80, GET_DESCRIPTOR, DEVICE, 0) => Some(device(stick).to_vec()),
        (0x80, GET_DESCRIPTOR, CONFIGURATION, 0) => Some(CONFIGURATIONS.to_vec()),
        (0x80, GET_DESCRIPTOR, STRING, 0) => Some(vec![4, STRING, 0x09, 0x04]),
        (0x80, GET_DESCRIPTOR, STRING, 1) => Some(string(MANUFACTURER)),
        (0x80, GET_DESCRIPTOR, STRING, 2) => Some(string(product(stick))),
        (0x80, GET_DESCRIPTOR, STRING, 3) => Some(string(&stick.serial)),
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

/// A descriptor's length is one byte, so a string ends after 126 characters.
fn string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().take(126).flat_map(u16::to_le_bytes).collect();
    [&[2 + units.len() as u8, STRING][..], &units].concat()
}

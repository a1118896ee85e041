//! What a BlinkStick is and what bytes it takes: models, modes, frames to reports.
//!
//! Knows the wire, and nothing of what carries it. The facts are those of the published firmware
//! (arvydas/blinkstick-firmware, for the BlinkStick and the Pro) and of the clients that are tried on the newer models.
//!
//! Two things are never sent, whatever is asked for: report 5 (one LED by index), whose index the firmware doesn't
//! check and with which it overwrites its own RAM; and the modes 0 and 1, in which a Nano goes dark until it is
//! replugged. A frame report does all that report 5 does.

use std::fmt;

use podlight_proto::Color;

/// Agile Innovative's, of every BlinkStick.
pub(crate) const VENDOR: u16 = 0x20A0;
/// Of every BlinkStick, whatever its model.
pub(crate) const PRODUCT: u16 = 0x41E5;

/// The first two bytes of a setup packet. The recipient is the device: to that, Linux asks for no claimed interface and
/// leaves usbhid bound. The firmware doesn't look at the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// `bmRequestType`.
    pub(crate) kind: u8,
    /// `bRequest`.
    pub(crate) code: u8,
}

/// Sends a report. `wValue` is its id, `wIndex` 0, and the data begins with the id once more.
pub(crate) const SET: Request = Request { kind: 0x20, code: 0x09 };
/// Asks for a report, likewise. A short answer is the only sign that the firmware doesn't know it.
pub(crate) const GET: Request = Request { kind: 0xA0, code: 0x01 };

/// The report that holds the mode, and the length of its answer: `04 mode`.
pub(crate) const MODE: (u8, usize) = (0x04, 2);
/// The report that holds a Flex's number of LEDs, and the length of its answer: `81 n`.
pub(crate) const LED_COUNT: (u8, usize) = (0x81, 2);

/// LED 0, as `01 R G B`: what every model understands.
const FIRST_LED: u8 = 0x01;
/// The frame reports and how many LEDs each has room for: `id channel` + (G R B) for each.
const FRAMES: [(u8, usize); 4] = [(0x06, 8), (0x07, 16), (0x08, 32), (0x09, 64)];

/// LEDs of one channel of a Pro.
const PRO_CHANNEL: usize = 64;
/// Channels of a Pro: the R, G and B pin.
const PRO_CHANNELS: usize = 3;
/// LEDs of a Flex at most.
const FLEX_MOST: u8 = 32;
/// LEDs of a Flex that doesn't say, or says what can't be. Too few leave LEDs dark; too many would spread a look over
/// LEDs that aren't there, and hide a part of it. Eight fill the smallest frame.
const FLEX_UNSAID: usize = 8;

/// A model of BlinkStick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// The first: one LED.
    BlinkStick,
    /// Drives three chains of up to 64 LEDs.
    Pro,
    /// Eight LEDs in a square.
    Square,
    /// Eight LEDs in a row.
    Strip,
    /// Two LEDs: 0 on top, 1 at the bottom.
    Nano,
    /// A chain of as many LEDs as it was told.
    Flex,
    /// A BlinkStick, but which? Its first LED can be lit.
    Unknown,
}

impl Model {
    /// The model with this serial and `bcdDevice`.
    ///
    /// The serial `BSnnnnnn-M.m` is decisive where it is one. It lives in EEPROM and can be blank or garbage; then
    /// `bcdDevice` decides as far as it can.
    pub fn of(serial: &str, bcd_device: u16) -> Self {
        match (major(serial), bcd_device) {
            (Some(b'1'), _) => Self::BlinkStick,
            (Some(b'2'), _) => Self::Pro,
            (Some(b'3'), 0x0200) => Self::Square,
            (Some(b'3') | None, 0x0201) => Self::Strip,
            (Some(b'3') | None, 0x0202) => Self::Nano,
            (Some(b'3') | None, 0x0203) => Self::Flex,
            _ => Self::Unknown,
        }
    }

    /// Whether the mode means something to it.
    pub(crate) const fn has_modes(self) -> bool {
        match self {
            Self::Pro | Self::Square | Self::Strip | Self::Nano | Self::Flex => true,
            Self::BlinkStick | Self::Unknown => false,
        }
    }

    /// The mode to write where `read` is the one it has: the one in which it takes frames. None where it has that, or
    /// has none, or none could be read. A write costs EEPROM, and blocks the stick.
    pub fn mode_to_write(self, read: Option<u8>) -> Option<u8> {
        (self.has_modes() && read.is_some_and(|mode| mode != Mode::FRAMES)).then_some(Mode::FRAMES)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlinkStick => "BlinkStick",
            Self::Pro => "BlinkStick Pro",
            Self::Square => "BlinkStick Square",
            Self::Strip => "BlinkStick Strip",
            Self::Nano => "BlinkStick Nano",
            Self::Flex => "BlinkStick Flex",
            Self::Unknown => "BlinkStick of unknown model",
        })
    }
}

/// The `M` of a serial `BSnnnnnn-M.m`.
fn major(serial: &str) -> Option<u8> {
    match serial.as_bytes() {
        [b'B', b'S', number @ .., b'-', major, b'.', minor]
            if number.len() == 6 && number.iter().chain([major, minor]).all(u8::is_ascii_digit) =>
        {
            Some(*major)
        }
        _ => None,
    }
}

/// Words for the mode, a byte in the stick's EEPROM.
pub(crate) struct Mode;

impl Mode {
    /// "multi-LED": the one in which a stick takes frames.
    pub(crate) const FRAMES: u8 = 2;

    /// What makers and clients call it.
    pub(crate) const fn name(mode: u8) -> &'static str {
        match mode {
            0 => "normal",
            1 => "inverse",
            2 => "multi-LED",
            3 => "mirror",
            _ => "unknown",
        }
    }
}

/// How colors travel to one stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The first LED, by report 1.
    One,
    /// So many LEDs, by one frame report.
    Frame(usize),
    /// A Pro's channels, by a frame report each.
    Channels,
}

impl Wire {
    /// How `model` takes colors while in `mode`, where that could be read. `count` is a Flex's answer to how many LEDs
    /// it has.
    pub fn of(model: Model, mode: Option<u8>, count: Option<u8>) -> Self {
        match model {
            Model::BlinkStick | Model::Unknown => Self::One,
            // In any other mode, a Pro ignores frames.
            Model::Pro if mode.is_some_and(|mode| mode != Mode::FRAMES) => Self::One,
            Model::Pro => Self::Channels,
            Model::Square | Model::Strip => Self::Frame(8),
            Model::Nano => Self::Frame(2),
            Model::Flex => Self::Frame(count.filter(|n| (1..=FLEX_MOST).contains(n)).map_or(FLEX_UNSAID, usize::from)),
        }
    }

    /// How many LEDs a frame has. On a Pro, LED `i` of channel `c` is `64 × c + i`.
    pub const fn leds(self) -> usize {
        match self {
            Self::One => 1,
            Self::Frame(leds) => leds,
            Self::Channels => PRO_CHANNELS * PRO_CHANNEL,
        }
    }

    /// The reports that show `frame`, each as the data of a [`SET`]. LEDs that the frame lacks are dark; those beyond
    /// the stick's are left out.
    pub fn reports(self, frame: &[Color]) -> Vec<Vec<u8>> {
        match self {
            Self::One => {
                let Color { r, g, b } = frame.first().copied().unwrap_or_default();
                vec![vec![FIRST_LED, r, g, b]]
            }
            Self::Frame(leds) => vec![report(0, leds, frame)],
            Self::Channels => (0..PRO_CHANNELS)
                .zip(frame.chunks(PRO_CHANNEL).chain(std::iter::repeat(&[][..])))
                .map(|(channel, frame)| report(channel as u8, PRO_CHANNEL, frame))
                .collect(),
        }
    }
}

/// The smallest frame report with room for `leds`, zero padded.
fn report(channel: u8, leds: usize, frame: &[Color]) -> Vec<u8> {
    let (id, room) = FRAMES.into_iter().find(|(_, room)| leds <= *room).unwrap_or(FRAMES[FRAMES.len() - 1]);
    let mut data = Vec::with_capacity(2 + 3 * room);
    data.extend([id, channel]);
    data.extend(frame.iter().take(leds.min(room)).flat_map(|&Color { r, g, b }| [g, r, b]));
    data.resize(2 + 3 * room, 0);
    data
}

#[cfg(test)]
mod tests;

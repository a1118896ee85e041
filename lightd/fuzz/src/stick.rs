//! What a stick tells of itself, any bytes: no stick can make lightd send it what it mustn't be sent.
//!
//! ```text
//!  bcdDevice (2, little endian)  mode (1)  count (1)  frame's LEDs (1)  color (3)  serial (the rest)
//! ```
//! A mode or a count of 255 was not told.

use lightd::blinkstick::{Model, Wire};
use lightd::canvas::Mount;
use podlight_proto::Color;

pub(crate) fn check(data: &[u8]) {
    let Some((&[b0, b1, mode, count, leds, r, g, b], serial)) = data.split_first_chunk() else { return };
    let [mode, count] = [mode, count].map(|byte| (byte < 255).then_some(byte));
    // As the kernel's text is read: whatever isn't UTF-8 is replaced.
    let serial = String::from_utf8_lossy(serial);
    let model = Model::of(serial.trim(), u16::from_le_bytes([b0, b1]));
    assert!(matches!(model.mode_to_write(mode), None | Some(2)), "modes 0 and 1 turn a Nano dark");

    let wire = Wire::of(model, mode, count);
    assert!((1..=192).contains(&wire.leds()));
    let mount = Mount { max_brightness: r.max(1), flip: g % 2 == 0, inverse: b % 2 == 0 };
    let frame = mount.apply(vec![Color::rgb(r, g, b); usize::from(leds)]);
    assert_eq!(frame.len(), usize::from(leds));
    let reports = wire.reports(&frame);
    assert_eq!(reports.len(), if model == Model::Pro && wire.leds() > 1 { 3 } else { 1 });
    let mut sent = 0;
    for (channel, report) in reports.iter().enumerate() {
        let room = match report[0] {
            1 => 1,
            6 => 8,
            7 => 16,
            8 => 32,
            9 => 64,
            id => panic!("report {id}: the firmware may not check it"),
        };
        let colors = if room == 1 { &report[1..] } else { &report[2..] };
        assert_eq!(colors.len(), 3 * room);
        assert!(room == 1 || usize::from(report[1]) == channel);
        sent += room;
    }
    assert!(sent >= wire.leds());
}

//! The bytes that sticks are known to take. Where one of these fails, the code is wrong.

use proptest::prelude::*;

use super::*;

const GREEN: Color = Color::rgb(0, 40, 0);
const RED: Color = Color::rgb(40, 0, 0);

/// The setup packet of `request` for a report of `length` bytes.
fn setup(request: Request, id: u8, length: u8) -> [u8; 8] {
    [request.kind, request.code, id, 0, 0, 0, length, 0]
}

fn padded(data: &[u8], length: usize) -> Vec<u8> {
    let mut data = data.to_vec();
    data.resize(length, 0);
    data
}

#[test]
fn one_led_travels_as_report_1_in_rgb() {
    let reports = Wire::One.reports(&[GREEN]);
    assert_eq!(reports, [[0x01, 0x00, 0x28, 0x00]]);
    assert_eq!(setup(SET, reports[0][0], 4), [0x20, 0x09, 0x01, 0, 0, 0, 0x04, 0]);
}

#[test]
fn both_leds_of_a_nano_travel_as_report_6_in_grb() {
    let reports = Wire::Frame(2).reports(&[GREEN, RED]);
    assert_eq!(reports, [padded(&[0x06, 0x00, 0x28, 0x00, 0x00, 0x00, 0x28, 0x00], 26)]);
    assert_eq!(setup(SET, reports[0][0], 26), [0x20, 0x09, 0x06, 0, 0, 0, 0x1A, 0]);
}

#[test]
fn the_mode_and_the_led_count_are_asked_for_in_two_bytes() {
    assert_eq!(setup(GET, MODE.0, MODE.1 as u8), [0xA0, 0x01, 0x04, 0, 0, 0, 0x02, 0]);
    assert_eq!(setup(SET, MODE.0, MODE.1 as u8), [0x20, 0x09, 0x04, 0, 0, 0, 0x02, 0]);
    assert_eq!(setup(GET, LED_COUNT.0, LED_COUNT.1 as u8), [0xA0, 0x01, 0x81, 0, 0, 0, 0x02, 0]);
}

#[test]
fn a_frame_takes_the_smallest_report_that_fits() {
    for (leds, id, length) in
        [(1, 6, 26), (8, 6, 26), (9, 7, 50), (16, 7, 50), (17, 8, 98), (32, 8, 98), (33, 9, 194), (64, 9, 194)]
    {
        let [report] = &Wire::Frame(leds).reports(&vec![RED; leds])[..] else { panic!("one report for {leds}") };
        assert_eq!((report[0], report.len()), (id, length), "{leds} LEDs");
        assert_eq!(report[2..2 + 3 * leds], [0, 40, 0].repeat(leds), "{leds} LEDs");
        assert!(report[2 + 3 * leds..].iter().all(|&byte| byte == 0), "{leds} LEDs");
    }
}

#[test]
fn a_pro_takes_a_report_9_for_each_channel() {
    let mut frame = vec![Color::BLACK; 192];
    (frame[0], frame[64], frame[191]) = (Color::rgb(1, 2, 3), Color::rgb(4, 5, 6), Color::rgb(7, 8, 9));
    let reports = Wire::Channels.reports(&frame);
    let mut last = padded(&[0x09, 2], 191);
    last.extend([8, 7, 9]);
    assert_eq!(reports, [padded(&[0x09, 0, 2, 1, 3], 194), padded(&[0x09, 1, 5, 4, 6], 194), last]);
}

#[test]
fn the_serial_and_bcd_device_tell_the_model() {
    for (serial, bcd_device, model, leds) in [
        ("BS000001-1.0", 0x0200, Model::BlinkStick, 1),
        ("BS000001-1.4", 0x0201, Model::BlinkStick, 1),
        ("BS000002-2.2", 0x0200, Model::Pro, 192),
        ("BS000003-3.0", 0x0200, Model::Square, 8),
        ("BS000004-3.0", 0x0201, Model::Strip, 8),
        ("BS000005-3.0", 0x0202, Model::Nano, 2),
        ("BS000006-3.1", 0x0203, Model::Flex, 8),
        ("BS000007-3.0", 0x0204, Model::Unknown, 1),
        ("BS000008-4.0", 0x0202, Model::Unknown, 1),
    ] {
        assert_eq!(Model::of(serial, bcd_device), model, "{serial} {bcd_device:#06x}");
        assert_eq!(Wire::of(model, Some(Mode::FRAMES), None).leds(), leds, "{model}");
    }
}

#[test]
fn without_a_proper_serial_bcd_device_decides_where_it_can() {
    for serial in
        ["", "BS12345-3.0", "BS0123456-3.0", "bs012345-3.0", "BS01234x-3.0", "BS012345-3.", "\u{fffd}é", "????"]
    {
        for (bcd_device, model) in [
            (0x0200, Model::Unknown),
            (0x0201, Model::Strip),
            (0x0202, Model::Nano),
            (0x0203, Model::Flex),
            (0xFFFF, Model::Unknown),
        ] {
            assert_eq!(Model::of(serial, bcd_device), model, "{serial:?} {bcd_device:#06x}");
        }
    }
}

#[test]
fn the_mode_is_written_only_where_it_differs_and_is_always_2() {
    for model in [Model::Pro, Model::Square, Model::Strip, Model::Nano, Model::Flex] {
        assert_eq!(model.mode_to_write(None), None, "{model}");
        assert_eq!(model.mode_to_write(Some(2)), None, "{model}");
        for mode in [0, 1, 3, 255] {
            assert_eq!(model.mode_to_write(Some(mode)), Some(2), "{model}");
        }
    }
    for model in [Model::BlinkStick, Model::Unknown] {
        assert_eq!(model.mode_to_write(Some(0)), None, "{model}");
    }
}

#[test]
fn a_pro_that_keeps_another_mode_is_one_led() {
    for mode in [0, 1, 3] {
        assert_eq!(Wire::of(Model::Pro, Some(mode), None), Wire::One);
    }
    for mode in [Some(2), None] {
        assert_eq!(Wire::of(Model::Pro, mode, None), Wire::Channels);
    }
}

#[test]
fn a_flex_has_as_many_leds_as_it_says_if_that_can_be() {
    for (count, leds) in [(Some(1), 1), (Some(20), 20), (Some(32), 32), (Some(0), 8), (Some(33), 8), (None, 8)] {
        assert_eq!(Wire::of(Model::Flex, Some(2), count), Wire::Frame(leds), "{count:?}");
    }
}

proptest! {
    #[test]
    fn no_serial_and_no_frame_can_make_an_invalid_report(
        serial in ".*", bcd_device: u16, mode: Option<u8>, count: Option<u8>, leds in 0_usize..300, rgb in 0_u32..0x0100_0000,
    ) {
        let model = Model::of(&serial, bcd_device);
        let frame = vec![Color::try_from(rgb).unwrap(); leds];
        for report in Wire::of(model, mode, count).reports(&frame) {
            let length = match report[0] { 1 => 4, 6 => 26, 7 => 50, 8 => 98, 9 => 194, id => panic!("report {id}") };
            prop_assert_eq!(report.len(), length);
        }
        prop_assert!(matches!(model.mode_to_write(mode), None | Some(2)));
    }
}

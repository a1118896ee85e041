//! What each model is sent.

use podlight_bed::{Bed, EmulatedStick};

use crate::daemon::Daemon;

/// Frames as they travel: `head`, then (G, R, B) `leds` times, then zeros.
fn frame(head: [u8; 2], leds: usize, length: usize) -> Vec<u8> {
    let mut data = [&head[..], &[2, 1, 3].repeat(leds)].concat();
    data.resize(length, 0);
    data
}

/// Lets `stick` show #010203 on all LEDs; these are the last reports it took.
fn sent_to(stick: EmulatedStick, arguments: &[&str], reports: &[Vec<u8>]) {
    let Some(bed) = Bed::make() else { return };
    let stick = bed.plug(1, stick);
    let mut lightd = Daemon::serve(&bed, arguments);
    lightd.until_present();
    lightd.set("#010203");
    stick.until("the reports", |stick| {
        stick.reports().ends_with(&reports.iter().map(Vec::as_slice).collect::<Vec<_>>())
    });
    stick.look(|stick| {
        for transfer in stick.log() {
            let [kind, request, id, high, 0, 0, length, 0] = transfer.setup else { panic!("{transfer:?}") };
            assert_eq!(high, 0, "{transfer:?}");
            match (kind, request) {
                (0x20, 0x09) => {
                    assert_eq!((usize::from(length), id), (transfer.data.len(), transfer.data[0]), "{transfer:?}");
                    assert_ne!(id, 5, "its index isn't checked by the firmware: {transfer:?}");
                }
                (0xA0, 0x01) => assert_eq!(length, 2, "{transfer:?}"),
                _ => panic!("not to the device: {transfer:?}"),
            }
        }
    });
    assert!(stick.other_ioctls().is_empty(), "claimed, detached or configured: {:?}", stick.other_ioctls());
}

#[test]
fn a_blinkstick_takes_report_1() {
    sent_to(EmulatedStick::blinkstick("BS000001-1.4"), &[], &[vec![1, 1, 2, 3]]);
}

#[test]
fn a_stick_of_unknown_model_takes_report_1() {
    sent_to(EmulatedStick::square("garbage"), &[], &[vec![1, 1, 2, 3]]);
}

#[test]
fn a_nano_takes_report_6() {
    sent_to(EmulatedStick::nano("BS000002-3.0"), &[], &[frame([6, 0], 2, 26)]);
}

#[test]
fn a_nano_with_a_blank_serial_takes_report_6() {
    sent_to(EmulatedStick::nano(""), &[], &[frame([6, 0], 2, 26)]);
}

#[test]
fn a_square_takes_report_6() {
    sent_to(EmulatedStick::square("BS000003-3.0"), &[], &[frame([6, 0], 8, 26)]);
}

#[test]
fn a_strip_takes_report_6() {
    sent_to(EmulatedStick::strip("BS000004-3.0"), &[], &[frame([6, 0], 8, 26)]);
}

#[test]
fn a_flex_takes_the_report_that_its_leds_need() {
    sent_to(EmulatedStick::flex("BS000005-3.1", 3), &[], &[frame([6, 0], 3, 26)]);
    sent_to(EmulatedStick::flex("BS000005-3.1", 12), &[], &[frame([7, 0], 12, 50)]);
    sent_to(EmulatedStick::flex("BS000005-3.1", 32), &[], &[frame([8, 0], 32, 98)]);
}

#[test]
fn a_flex_that_says_nonsense_has_eight_leds() {
    sent_to(EmulatedStick::flex("BS000005-3.1", 255), &[], &[frame([6, 0], 8, 26)]);
}

#[test]
fn a_pro_takes_report_9_for_each_channel() {
    let reports = [0, 1, 2].map(|channel| frame([9, channel], 64, 194));
    sent_to(EmulatedStick::pro("BS000006-2.2"), &[], &reports);
}

#[test]
fn a_pro_that_keeps_its_mode_takes_report_1() {
    let pro = EmulatedStick::pro("BS000006-2.2").in_mode(0);
    sent_to(pro, &["--keep-mode"], &[vec![1, 1, 2, 3]]);
}

#[test]
fn one_led_is_set_without_the_other() {
    let Some(bed) = Bed::make() else { return };
    let nano = bed.plug(1, EmulatedStick::nano("BS000002-3.0"));
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.until_present();
    lightd.set("#002800");
    lightd.set_one("#280000", 1);
    nano.until_leds(&[[0, 40, 0], [40, 0, 0]]);
}

#[test]
fn the_mode_is_written_once_where_it_differs() {
    let Some(bed) = Bed::make() else { return };
    for (mode, written) in [(0, vec![&[4, 2][..]]), (1, vec![&[4, 2]]), (2, vec![]), (3, vec![&[4, 2]])] {
        for stick in [EmulatedStick::nano("BS000002-3.0"), EmulatedStick::pro("BS000006-2.2")] {
            let stick = bed.plug(1, stick.in_mode(mode));
            let mut lightd = Daemon::serve(&bed, &[]);
            lightd.until_present();
            stick.look(|stick| {
                let modes: Vec<_> = stick.reports().into_iter().filter(|report| report[0] == 4).collect();
                assert_eq!(modes, written, "from mode {mode}");
                assert_eq!(stick.mode(), 2);
            });
        }
    }
}

#[test]
fn no_mode_is_written_where_it_is_to_be_kept() {
    let Some(bed) = Bed::make() else { return };
    let nano = bed.plug(1, EmulatedStick::nano("BS000002-3.0").in_mode(3));
    let mut lightd = Daemon::serve(&bed, &["--keep-mode"]);
    lightd.until_present();
    assert_eq!(nano.look(|nano| (nano.mode(), nano.reports().iter().any(|report| report[0] == 4))), (3, false));
}

#[test]
fn the_frame_is_asserted_again_though_nothing_changes() {
    let Some(bed) = Bed::make() else { return };
    let nano = bed.plug(1, EmulatedStick::nano("BS000002-3.0"));
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#010203");
    let report = frame([6, 0], 2, 26);
    nano.until("the same again", |nano| nano.reports().ends_with(&[&report[..], &report[..]]));
}

#[test]
fn brightness_inversion_and_flip_reach_the_stick() {
    let Some(bed) = Bed::make() else { return };
    let nano = bed.plug(1, EmulatedStick::nano("BS000002-3.0"));
    let mut lightd = Daemon::serve(&bed, &["--max-brightness", "51", "--inverse", "--flip"]);
    lightd.until_present();
    lightd.set("black");
    lightd.set_one("white", 0);
    nano.until_leds(&[[255, 255, 255], [204, 204, 204]]);
}

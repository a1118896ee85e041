//! Which stick is found, and what is said where none is.

use podlight_bed::{Bed, EmulatedStick};

use crate::daemon::{Daemon, output};

const GREEN: [[u8; 3]; 2] = [[0, 40, 0]; 2];

fn nano(serial: &str) -> EmulatedStick {
    EmulatedStick::nano(serial)
}

#[test]
fn a_stick_that_comes_late_is_found() {
    let Some(bed) = Bed::make() else { return };
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    let problem = lightd.until_absent();
    assert!(problem.contains("plug one in"), "{problem}");
    let stick = bed.plug(3, nano("BS012345-3.0"));
    stick.until_leds(&GREEN);
    let sticks = lightd.until_present();
    assert_eq!(
        (sticks[0].model.as_str(), sticks[0].serial.as_str(), sticks[0].path.as_str(), sticks[0].leds),
        ("BlinkStick Nano", "BS012345-3.0", "1-3", 2)
    );
}

#[test]
fn a_stick_that_may_not_be_opened_is_a_problem_until_it_may() {
    let Some(bed) = Bed::make() else { return };
    let stick = bed.plug(1, nano("BS012345-3.0"));
    stick.allow(false);
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    let denied = |sticks: &[podlight_proto::v1::StickState]| sticks[0].problem.contains("lightd udev-rules");
    lightd.until_sticks("denied", denied);
    assert_eq!(stick.opened(), 0);
    stick.allow(true);
    stick.until_leds(&GREEN);
    assert_eq!(lightd.until_present()[0].problem, "");
}

#[test]
fn a_host_without_usb_is_a_problem_until_it_has_it() {
    let Some(bed) = Bed::make() else { return };
    bed.hide_usb(true);
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    lightd.until_sticks("no USB", |sticks| sticks[0].problem.contains("/dev/bus/usb"));
    bed.hide_usb(false);
    bed.plug(1, nano("BS012345-3.0")).until_leds(&GREEN);
}

#[test]
fn several_sticks_show_the_same() {
    let Some(bed) = Bed::make() else { return };
    let (first, second) = (bed.plug(1, nano("BS000001-3.0")), bed.plug(2, EmulatedStick::blinkstick("BS000002-1.4")));
    let third = bed.plug(3, nano("BS000003-3.0"));
    let mut lightd = Daemon::serve(&bed, &["--stick", "usb:BS000001-3.0", "--stick", "usb:BS000002-1.4"]);
    lightd.until_present();
    lightd.set("#002800");
    first.until_leds(&GREEN);
    second.until_leds(&GREEN[..1]);
    assert_eq!(third.opened(), 0, "a stick that nobody named was opened");
    drop(second);
    lightd.until_sticks("the second absent", |sticks| sticks[0].present && !sticks[1].present);
    lightd.set("#280000");
    first.until_leds(&[[40, 0, 0]; 2]);
}

#[test]
fn any_stick_means_one_that_is_not_named_elsewhere() {
    let Some(bed) = Bed::make() else { return };
    let (_named, any) = (bed.plug(1, nano("BS000001-3.0")), bed.plug(2, nano("BS000002-3.0")));
    for sticks in [["usb", "usb:BS000001-3.0"], ["usb:BS000001-3.0", "usb"]] {
        let mut lightd = Daemon::serve(&bed, &["--stick", sticks[0], "--stick", sticks[1]]);
        for stick in lightd.until_present() {
            let path = if stick.name == "usb" { "1-2" } else { "1-1" };
            assert_eq!(stick.path, path, "{}", stick.name);
        }
    }
    drop(any);
}

#[test]
fn any_stick_means_that_of_the_lowest_port() {
    let Some(bed) = Bed::make() else { return };
    let sticks = [10, 2, 3].map(|port| bed.plug(port, nano("BS000001-3.0")));
    let mut lightd = Daemon::serve(&bed, &[]);
    assert_eq!(lightd.until_present()[0].path, "1-2");
    assert_eq!(sticks.each_ref().map(|stick| stick.opened() > 0), [false, true, false]);
}

#[test]
fn sticks_with_the_same_serial_or_none_are_told_apart_by_port() {
    let Some(bed) = Bed::make() else { return };
    for serial in ["BS000001-3.0", ""] {
        let (other, stick) = (bed.plug(1, nano(serial)), bed.plug(2, nano(serial)));
        let mut lightd = Daemon::serve(&bed, &["--stick", "usb:1-2"]);
        lightd.set("#002800");
        stick.until_leds(&GREEN);
        assert_eq!(other.opened(), 0, "{serial:?}");
    }
}

#[test]
fn a_stick_that_is_missing_names_those_that_are_there() {
    let Some(bed) = Bed::make() else { return };
    let stick = bed.plug(1, nano("BS000001-3.0"));
    let mut lightd = Daemon::serve(&bed, &["--stick", "usb:BS000002-3.0"]);
    let sticks = lightd.until_sticks("missing", |sticks| !sticks[0].problem.is_empty());
    assert!(sticks[0].problem.contains("BS000001-3.0 at 1-1"), "{}", sticks[0].problem);
    assert_eq!(stick.opened(), 0);
    bed.plug(2, nano("BS000002-3.0")).until("lit", |stick| stick.leds()[0] != [0; 3]);
}

#[test]
fn sticks_are_listed_with_what_they_say() {
    let Some(bed) = Bed::make() else { return };
    let (nano, pro) = (bed.plug(1, nano("BS000001-3.0")), bed.plug(2, EmulatedStick::pro("BS000002-2.2").in_mode(0)));
    nano.allow(false);
    let listed = output(&bed, &["list"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["BlinkStick", "Nano", "BS000001-3.0", "1-1", "-", "-", "denied"]);
    assert_eq!(rows[2], ["BlinkStick", "Pro", "BS000002-2.2", "1-2", "192", "0", "(normal)", "ok"]);
    assert_eq!(pro.look(|pro| (pro.mode(), pro.reports().len())), (0, 0), "a look changed the stick");
}

#[test]
fn the_doctor_fails_where_a_stick_stays_dark() {
    let Some(bed) = Bed::make() else { return };
    let says = |code: i32, text: &str| {
        let doctor = output(&bed, &["doctor"]);
        let said = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.status.code() == Some(code) && said.contains(text), "{:?}: {said}", doctor.status);
    };
    says(1, "no BlinkStick found");
    let stick = bed.plug(1, nano("BS000001-3.0"));
    says(0, "answers: 2 LEDs, mode 2");
    stick.allow(false);
    says(1, "lightd udev-rules");
    bed.hide_usb(true);
    says(1, "/dev/bus/usb");
    bed.hide_usb(false);
}

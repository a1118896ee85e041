//! Sticks that fail, or are pulled out.

use podlight_bed::{Bed, EmulatedStick, Fault, Plugged};

use crate::daemon::Daemon;

const GREEN: [[u8; 3]; 2] = [[0, 40, 0]; 2];
const RED: [[u8; 3]; 2] = [[40, 0, 0]; 2];

fn nano() -> EmulatedStick {
    EmulatedStick::nano("BS012345-3.0")
}

/// A host with this stick, and a lightd that serves there; none where that can't be.
fn host_with(stick: EmulatedStick) -> Option<(Bed, Plugged, Daemon)> {
    let bed = Bed::make()?;
    let stick = bed.plug(1, stick);
    let lightd = Daemon::serve(&bed, &[]);
    Some((bed, stick, lightd))
}

#[test]
fn a_stick_that_is_replugged_is_painted_again() {
    let Some((bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    let stick = stick.unplug();
    let problem = lightd.until_absent();
    assert!(problem.contains("plug one in"), "{problem}");
    for port in [1, 2] {
        let stick = bed.plug(port, stick.clone());
        stick.until_leds(&GREEN);
        assert_eq!(lightd.until_present()[0].path, format!("1-{port}"));
        drop(stick);
        lightd.until_absent();
    }
}

#[test]
fn a_replug_that_nobody_saw_is_noticed() {
    let Some((bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    let stick = bed.plug(1, stick.unplug());
    stick.until_leds(&GREEN);
}

#[test]
fn what_changed_meanwhile_is_what_shows_after_a_replug() {
    let Some((bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    let stick = stick.unplug();
    lightd.set("#280000");
    bed.plug(1, stick).until_leds(&RED);
}

#[test]
fn a_stick_pulled_out_while_it_is_written_to_comes_back() {
    let Some((bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.until_present();
    stick.fail(Fault::Vanish, 1);
    lightd.set("#002800");
    lightd.until_absent();
    let stick = bed.plug(1, stick.unplug());
    stick.until_leds(&GREEN);
    lightd.until_present();
}

#[test]
fn a_stick_pulled_out_while_it_is_opened_comes_back() {
    let Some((bed, stick, mut lightd)) = host_with(nano().failing(Fault::Vanish, 1)) else { return };
    lightd.set("#002800");
    stick.until("it vanished", |stick| stick.log().len() == 1);
    bed.plug(1, stick.unplug()).until_leds(&GREEN);
}

#[test]
fn a_stall_leads_to_a_new_opening() {
    let Some((_bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.until_present();
    assert_eq!(stick.opened(), 1);
    stick.fail(Fault::Stall, 1);
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    assert_eq!(stick.opened(), 2);
}

#[test]
fn a_transfer_that_fails_is_tried_again() {
    let Some((_bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.until_present();
    for fault in [Fault::Garbled, Fault::Short] {
        stick.fail(fault, 4);
        lightd.set("#002800");
        stick.until_leds(&GREEN);
        lightd.set("#280000");
        stick.until_leds(&RED);
    }
    assert_eq!(stick.opened(), 1);
}

#[test]
fn a_transfer_that_keeps_failing_leads_to_a_new_opening() {
    let Some(bed) = Bed::make() else { return };
    for fault in [Fault::Garbled, Fault::Short] {
        let stick = bed.plug(1, nano());
        let mut lightd = Daemon::serve(&bed, &[]);
        lightd.until_present();
        stick.fail(fault, 5);
        lightd.set("#002800");
        stick.until_leds(&GREEN);
        assert_eq!(stick.opened(), 2, "after {fault:?}");
    }
}

#[test]
fn a_stick_that_says_nothing_once_shows_the_newest_look() {
    let Some((_bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.until_present();
    stick.fail(Fault::Silence, 1);
    lightd.set("#002800");
    stick.until("it says nothing", |stick| stick.log().last().is_some_and(|sent| sent.fault == Some(Fault::Silence)));
    lightd.set("#280000");
    stick.until_leds(&RED);
    assert!(
        !stick.look(|stick| stick.reports().iter().any(|report| report.starts_with(&[6, 0, 40]))),
        "green was late"
    );
    assert_eq!(stick.opened(), 1);
}

#[test]
fn a_stick_that_is_mute_for_long_is_a_problem_until_it_speaks() {
    let Some((_bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.until_present();
    stick.fail(Fault::Silence, 6);
    lightd.set("#002800");
    let problem = lightd.until_absent();
    assert!(problem.contains("1-1"), "{problem}");
    stick.until_leds(&GREEN);
    lightd.until_present();
}

#[test]
fn a_mode_that_is_read_badly_is_read_again() {
    let Some(bed) = Bed::make() else { return };
    for fault in [Fault::Short, Fault::Garbled, Fault::Stall] {
        let stick = bed.plug(1, nano().in_mode(1).failing(fault, 2));
        let mut lightd = Daemon::serve(&bed, &[]);
        lightd.until_present();
        assert_eq!(stick.look(EmulatedStick::mode), 2, "after {fault:?}");
    }
}

#[test]
fn lightd_serves_while_its_stick_fails_and_ends_when_told() {
    let Some((_bed, stick, mut lightd)) = host_with(nano().failing(Fault::Garbled, 100_000)) else { return };
    stick.until("tried", |stick| stick.log().len() > 5);
    lightd.set("#002800");
    assert!(!lightd.state().sticks[0].present);
    assert!(lightd.process.terminate().success());
}

#[test]
fn the_stick_is_left_in_a_defined_look() {
    let Some((_bed, stick, mut lightd)) = host_with(nano()) else { return };
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    assert!(lightd.process.terminate().success());
    assert_eq!(stick.leds(), [[24, 0, 40]; 2]);
}

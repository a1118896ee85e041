//! The same under a real kernel: its USB stack with usbhid bound, udev with our rule, and a lightd that isn't root.
//!
//! For the guest that `lightd/bed/kernel/run` boots, and one at a time: there is one host. How long it took until things
//! were right is printed, not asserted: the machine is emulated.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use podlight_bed::kernel::{Bed, Plugged};
use podlight_bed::{EmulatedStick, Fault, Process};
use podlight_proto::v1::StickState;

use crate::daemon::{Daemon, Host, output};

const GREEN: [[u8; 3]; 2] = [[0, 40, 0]; 2];
const RED: [[u8; 3]; 2] = [[40, 0, 0]; 2];
const RULE: &str = "/etc/udev/rules.d/60-podlight.rules";

fn nano() -> EmulatedStick {
    EmulatedStick::nano("BS012345-3.0")
}

/// As root.
fn run(command: &str) {
    let done = Command::new("sh").args(["-ec", command]).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Does what the rule itself says of how to install it.
fn install_rule(bed: &Bed) {
    let rule = String::from_utf8(output(bed, &["udev-rules"]).stdout).unwrap();
    let steps = rule.lines().filter_map(|line| line.strip_prefix("#   ")).filter(|step| !step.starts_with(' '));
    let steps: Vec<_> = steps.collect();
    assert!(steps.len() == 3 && steps[0].contains(RULE), "{steps:?}");
    steps.into_iter().for_each(run);
}

/// A host that has the rule.
fn host() -> Bed {
    let bed = Bed::make();
    if !Path::new(RULE).exists() {
        install_rule(&bed);
    }
    bed
}

/// A host that doesn't.
fn host_without_rule() -> Bed {
    let bed = Bed::make();
    run(&format!("rm -f {RULE}; udevadm control --reload"));
    bed
}

#[expect(clippy::print_stdout, reason = "figures to read")]
fn tell(figure: &str) {
    print!("{figure}, ");
}

#[expect(clippy::disallowed_methods, reason = "a figure to read")]
fn timed<T>(what: &str, task: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let done = task();
    tell(&format!("{what} {} ms", since.elapsed().as_millis()));
    done
}

/// Waits until it says of each stick that it isn't there.
fn until_unplugged(lightd: &mut Daemon) {
    lightd.until_sticks("unplugged", |sticks| sticks.iter().all(|stick| stick.problem.contains("plug one in")));
}

/// The frame that the stick gives back, asked for beside lightd.
fn read_back(stick: &Plugged) -> Vec<u8> {
    let bus = rusb::devices().unwrap();
    let port: u8 = stick.path()[2..].parse().unwrap();
    let device = bus.iter().find(|device| device.bus_number() == 1 && device.port_numbers().unwrap() == [port]);
    let mut frame = vec![0; 26];
    let read = device.unwrap().open().unwrap().read_control(0xA0, 0x01, 6, 0, &mut frame, Duration::from_secs(5));
    assert_eq!(read, Ok(26));
    frame
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_stick_is_found_written_and_read_back_beside_usbhid() {
    let bed = host();
    let stick = bed.plug(1, nano());
    stick.until_bound();
    let mut lightd = Daemon::serve(&bed, &[]);
    let status = lightd.status();
    assert!(
        status.contains("\nUid:\t1000\t1000\t1000") && status.contains("\nCapEff:\t0000000000000000\n"),
        "{status}"
    );
    let StickState { model, serial, path, leds, .. } = lightd.until_present().remove(0);
    assert_eq!((model.as_str(), serial.as_str(), path.as_str(), leds), ("BlinkStick Nano", "BS012345-3.0", "1-1", 2));
    lightd.set("#002800");
    lightd.set_one("#280000", 1);
    stick.until_leds(&[[0, 40, 0], [40, 0, 0]]);
    assert_eq!(read_back(&stick), [&[6, 0, 40, 0, 0, 0, 40, 0][..], &[0; 18]].concat());
    let listed = String::from_utf8(output(&bed, &["list"]).stdout).unwrap();
    let row: Vec<_> = listed.lines().nth(1).unwrap().split_whitespace().skip(2).collect();
    assert_eq!(row, ["BS012345-3.0", "1-1", "2", "2", "(multi-LED)", "ok"]);
    // Neither detached nor bound anew.
    assert_eq!(stick.driver().as_deref(), Some("usbhid"));
    assert!(lightd.process.terminate().success());
    assert_eq!(stick.leds(), [[24, 0, 40]; 2]);
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_stick_that_is_replugged_shows_what_it_should_by_now() {
    let bed = host();
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    until_unplugged(&mut lightd);
    let mut stick = nano();
    // The same port with another address, and another port.
    for (port, color, leds) in [(1, "#280000", RED), (1, "#002800", GREEN), (2, "#280000", RED)] {
        lightd.set(color);
        let plugged = bed.plug(port, stick);
        let sticks = timed("plug to light", || lightd.until_present());
        assert_eq!((plugged.leds(), sticks[0].path.as_str()), (leds.to_vec(), plugged.path().as_str()));
        stick = plugged.unplug();
        until_unplugged(&mut lightd);
    }
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_replug_that_nobody_saw_is_noticed() {
    let bed = host();
    let mut stick = bed.plug(1, nano());
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    for _ in 0..3 {
        stick.until_leds(&GREEN);
        stick = bed.plug(1, stick.unplug());
        timed("replug to light", || stick.until_leds(&GREEN));
    }
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_stick_that_is_pulled_out_while_it_is_written_to_comes_back() {
    let bed = host();
    let mut stick = bed.plug(1, nano());
    let mut lightd = Daemon::serve(&bed, &[]);
    for in_hand in [true, false, true] {
        stick.until_bound();
        lightd.until_present();
        lightd.pulse("#280000");
        let sent = stick.look(|stick| stick.log().len());
        stick.until("frames on their way", |stick| stick.log().len() > sent + 20);
        if in_hand {
            stick.fail(Fault::Vanish, 1);
            stick.until("gone with a frame in hand", |stick| {
                stick.log().last().is_some_and(|sent| sent.fault == Some(Fault::Vanish))
            });
        }
        let pulled = stick.yank();
        until_unplugged(&mut lightd);
        lightd.set("#002800");
        stick = bed.plug(1, pulled);
        timed("replug to light", || lightd.until_present());
        assert_eq!(stick.leds(), GREEN);
    }
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_stick_that_is_pulled_out_while_it_is_opened_comes_back() {
    let bed = host();
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    let stick = bed.plug(1, nano().failing(Fault::Vanish, 1));
    stick.until("it vanished", |stick| stick.log().len() == 1);
    let stick = bed.plug(1, stick.yank());
    stick.until_leds(&GREEN);
    lightd.until_present();
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn transfers_that_fail_are_recovered_from() {
    let bed = host();
    let stick = bed.plug(1, nano());
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.until_present();
    for (fault, times) in
        [(Fault::Stall, 1), (Fault::Garbled, 3), (Fault::Short, 3), (Fault::Silence, 1), (Fault::Garbled, 6)]
    {
        stick.fail(fault, times);
        timed(&format!("{times} × {fault:?}"), || {
            lightd.set("#002800");
            stick.until_leds(&GREEN);
        });
        lightd.set("#280000");
        stick.until_leds(&RED);
    }
    lightd.until_present();
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn two_sticks_show_the_same_and_one_bears_the_loss_of_the_other() {
    let bed = host();
    let [first, second] = ["BS000001-3.0", "BS000002-3.0"].map(EmulatedStick::nano);
    let (first, second) = (bed.plug(2, first), bed.plug(1, second));
    let mut lightd = Daemon::serve(&bed, &["--stick", "usb:BS000001-3.0", "--stick", "usb"]);
    let paths: Vec<_> = lightd.until_present().into_iter().map(|stick| stick.path).collect();
    assert_eq!(paths, ["1-2", "1-1"]);
    lightd.set("#002800");
    first.until_leds(&GREEN);
    second.until_leds(&GREEN);
    let second = second.unplug();
    lightd.until_sticks("only the first", |sticks| sticks[0].present && !sticks[1].present);
    lightd.set("#280000");
    first.until_leds(&RED);
    // In a port where none was before.
    bed.plug(3, second).until_leds(&RED);
    first.until_leds(&RED);
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_hub_whose_power_comes_back_has_its_sticks_lit_again() {
    let bed = host();
    let [first, second] = [1, 2].map(|port| bed.plug(port, EmulatedStick::nano(&format!("BS00000{port}-3.0"))));
    let mut lightd = Daemon::serve(&bed, &["--stick", "usb:BS000001-3.0", "--stick", "usb:BS000002-3.0"]);
    lightd.set("#002800");
    for is_seen in [true, false] {
        lightd.until_present();
        let cut = bed.cut_power(&[&first, &second]);
        if is_seen {
            until_unplugged(&mut lightd);
        }
        timed("power to light", || {
            drop(cut);
            first.until_leds(&GREEN);
            second.until_leds(&GREEN);
        });
    }
    lightd.until_present();
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_permission_that_arrives_late_is_used_with_no_restart() {
    let bed = host_without_rule();
    let stick = bed.plug(1, nano());
    stick.until_bound();
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    lightd.until_sticks("denied", |sticks| sticks[0].problem.contains("lightd udev-rules"));
    let doctor = || {
        let doctor = output(&bed, &["doctor"]);
        (doctor.status.success(), String::from_utf8(doctor.stdout).unwrap())
    };
    let (is_well, said) = doctor();
    assert!(!is_well && said.contains("no permission to open") && said.contains("no udev rule"), "{said}");
    assert!(stick.look(|stick| stick.log().is_empty()), "it was opened");
    timed("rule to light", || {
        install_rule(&bed);
        stick.until_leds(&GREEN);
    });
    assert_eq!(lightd.until_present()[0].problem, "");
    let (is_well, said) = doctor();
    assert!(is_well && said.contains(RULE), "{said}");
}

/// What a pod is given: in `/dev/bus/usb` nodes for all numbers, which no udev knows, and a user who is nobody.
struct Pod;

impl Pod {
    /// Has the device plugin make the nodes, and lets anyone reach them, as container runtimes do with those that they list.
    fn with_all_nodes() -> Self {
        let mut plugin = Command::new(env!("CARGO_BIN_EXE_lightd"));
        plugin.args(["device-plugin", "--folder", "/run/usb", "--kubelet-folder", "/run/no-kubelet"]);
        Process::start(&mut plugin).until_says("socket folder missing");
        run("chmod 755 /run/usb; echo pod:x:65532:65532::/:/bin/sh >>/etc/passwd");
        Self
    }
}

impl Host for Pod {
    fn command(&self, program: &str) -> Command {
        let script =
            "mount --bind /run/usb /dev/bus/usb; exec su -s /bin/sh -- pod -c 'exec \"$0\" \"$@\"' \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-ec", script, program]);
        command
    }
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_pod_with_all_nodes_lights_a_stick_that_comes_later_under_any_number() {
    let bed = host_without_rule();
    let pod = Pod::with_all_nodes();
    assert_eq!(fs::read_dir("/run/usb/004").unwrap().count(), 127);
    let mut lightd = Daemon::serve(&pod, &[]);
    let status = lightd.status();
    assert!(status.contains("\nUid:\t65532\t65532") && status.contains("\nCapEff:\t0000000000000000\n"), "{status}");
    lightd.set("#002800");
    until_unplugged(&mut lightd);
    let mut stick = nano();
    let mut numbers = Vec::new();
    for port in [1, 1, 2] {
        let plugged = bed.plug(port, stick);
        timed("plug to light", || lightd.until_present());
        assert_eq!(plugged.leds(), GREEN);
        numbers.push(fs::read_to_string(format!("/sys/bus/usb/devices/{}/devnum", plugged.path())).unwrap());
        stick = plugged.unplug();
        until_unplugged(&mut lightd);
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
}

#[test]
#[ignore = "for the guest of lightd/bed/kernel/run"]
fn a_light_that_does_not_change_costs_next_to_nothing() {
    let bed = host();
    let stick = bed.plug(1, nano());
    let mut lightd = Daemon::serve(&bed, &[]);
    lightd.set("#002800");
    stick.until_leds(&GREEN);
    let sent = stick.look(|stick| stick.log().len());
    let before = lightd.process.usage();
    timed("three frames asserted again", || {
        stick.until("three frames more", |stick| stick.log().len() >= sent + 3);
    });
    let after = lightd.process.usage();
    let (busy, woken) = (after.cpu - before.cpu, after.sleeps - before.sleeps);
    tell(&format!("{} ms of CPU, woken {woken} times", busy.as_millis()));
    stick.look(|stick| {
        for sent in &stick.log()[sent..] {
            assert!(sent.data.starts_with(&[6, 0, 40, 0, 0, 40, 0, 0]), "not the frame: {sent:?}");
        }
    });
    // Once a second, each of a few threads.
    assert!(woken < 300, "{woken}");
}

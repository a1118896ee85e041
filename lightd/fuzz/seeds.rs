//! Writes the seeds of the corpora anew: `cargo run --example seeds` in this folder.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use podlight_proto::{Color, Command, Lease, Look, Reason, v1};
use prost::Message;

fn main() -> std::io::Result<()> {
    for (name, steps) in light() {
        write("light", name, &steps.concat())?;
    }
    for (name, (bcd_device, mode, count, leds), serial) in STICKS {
        let [b0, b1] = u16::to_le_bytes(bcd_device);
        write("stick", name, &[&[b0, b1, mode, count, leds, 0, 40, 0], serial].concat())?;
    }
    for (name, text) in SETTINGS {
        write("settings", name, text.as_bytes())?;
    }
    Ok(())
}

fn write(target: &str, name: &str, content: &[u8]) -> std::io::Result<()> {
    let folder = format!("{}/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(&folder)?;
    fs::write(format!("{folder}/{name}"), content)
}

fn step(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a message of the contract is short");
    [&[kind], &length.to_le_bytes()[..], content].concat()
}

fn light() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let command = |looks: Vec<Look>, lease| Command {
        epoch: 7,
        version: 300,
        lease,
        node: "pi-1".to_owned(),
        reason: Reason {
            text: "shop/cart CrashLoopBackOff ×12".to_owned(),
            pod: "shop/cart".to_owned(),
            state: "CrashLoopBackOff".to_owned(),
            restarts: 12,
            since: Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        },
        looks,
    };
    let wire = |command: v1::ColorCommand| step(0, &command.encode_to_vec());
    let lease = Lease::For(Duration::from_secs(15));
    let red = Look::solid(Color::rgb(50, 0, 0));
    let all =
        vec![red, Look::morph(Color::rgb(0, 25, 0)), Look::UNKNOWN, Look::blink(Color::WHITE, Duration::from_secs(1))];
    let whole = v1::ColorCommand::from(command(all, lease));
    let set = |change: &dyn Fn(&mut v1::SetColorRequest)| {
        let mut request = v1::SetColorRequest { color: "green".to_owned(), ..Default::default() };
        change(&mut request);
        step(1, &request.encode_to_vec())
    };
    let lasting = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    let identify = |hold| step(2, &v1::IdentifyRequest { hold, owner: "ana".to_owned() }.encode_to_vec());
    let (release, wait, leds) =
        (step(3, &[]), |tenths: u16| step(4, &tenths.to_le_bytes()), |leds| step(5, &[leds, 0]));
    let small = |epoch, version, lease, red, looks| step(6, &[epoch, version, lease, red, looks]);
    let by_hand = |index, hold, red| step(7, &[index, hold, red]);
    let with = |change: &dyn Fn(&mut v1::ColorCommand)| {
        let mut command = whole.clone();
        change(&mut command);
        wire(command)
    };
    vec![
        ("a-command", vec![leds(2), wire(whole.clone())]),
        ("the-last-command", vec![wire(whole.clone()), wire(command(vec![], Lease::Over).into())]),
        ("192-looks", vec![leds(192), wire(command(vec![red; 192], lease).into())]),
        ("too-many-looks", vec![wire(command(vec![red; 193], lease).into())]),
        ("no-lease", vec![with(&|c| c.lease = None)]),
        ("a-lease-too-long", vec![with(&|c| c.lease = lasting(601, 0))]),
        ("a-negative-lease", vec![with(&|c| c.lease = lasting(-1, -1))]),
        ("a-lease-beyond-all-bounds", vec![with(&|c| c.lease = lasting(i64::MIN, i32::MIN))]),
        ("no-reason", vec![with(&|c| c.reason = None)]),
        (
            "since-beyond-all-bounds",
            vec![with(&|c| {
                c.reason.get_or_insert_default().since =
                    Some(prost_types::Timestamp { seconds: i64::MAX, nanos: i32::MAX });
            })],
        ),
        (
            "since-before-the-era",
            vec![with(&|c| {
                c.reason.get_or_insert_default().since =
                    Some(prost_types::Timestamp { seconds: -62_135_596_801, nanos: -1 });
            })],
        ),
        ("a-color-of-32-bits", vec![with(&|c| c.looks[0].rgb = u32::MAX)]),
        ("a-flash-too-fast", vec![with(&|c| c.looks[3].period = lasting(0, 1))]),
        ("an-unknown-effect", vec![with(&|c| c.looks[0].effect = 9)]),
        (
            "fencing",
            vec![small(2, 1, 15, 9, 0), small(1, 9, 15, 8, 0), wait(150), small(1, 9, 15, 8, 0), small(3, 0, 0, 7, 1)],
        ),
        ("a-renewal", vec![small(1, 1, 15, 9, 1), wait(100), small(1, 1, 15, 9, 1), wait(100), small(1, 0, 15, 9, 1)]),
        ("a-person", vec![leds(8), set(&|_| ()), by_hand(1, 9, 5), wait(50), by_hand(255, 3, 4), wait(40), release]),
        (
            "a-person-with-all-fields",
            vec![
                leds(2),
                set(&|r| {
                    (r.color, r.index, r.owner) = ("#002800".to_owned(), Some(1), "ana".to_owned());
                    (r.effect, r.hold, r.period) = (v1::Effect::Pulse.into(), lasting(60, 1), lasting(3, 0));
                }),
            ],
        ),
        (
            "colors-of-css",
            ["rgb(0 40 0)", "hsl(120deg, 100%, 20%)", "color-mix(in srgb, red, blue)", "#0f08", "lab(50% 40 59)"]
                .map(|color| set(&|r| r.color = color.to_owned()))
                .to_vec(),
        ),
        ("an-led-that-is-not-there", vec![leds(2), set(&|r| r.index = Some(u32::MAX))]),
        ("leds-come-and-go", vec![leds(8), by_hand(7, 200, 5), leds(2), by_hand(1, 200, 5), leds(0), by_hand(0, 1, 1)]),
        (
            "identify",
            vec![leds(2), small(1, 1, 200, 9, 1), identify(None), wait(599), identify(lasting(86_400, 0)), wait(2)],
        ),
        ("a-hold-of-nothing", vec![identify(lasting(0, 0)), set(&|r| r.hold = lasting(-5, 5))]),
        ("rubbish", vec![step(0, b"\xff\xff\xff\xff"), step(1, b"\x0a\xff"), step(2, &[0x0a; 20])]),
    ]
}

/// Name; bcdDevice, mode, count and a frame's LEDs; serial.
const STICKS: [(&str, (u16, u8, u8, u8), &[u8]); 16] = [
    ("blinkstick", (0x0200, 255, 255, 1), b"BS000001-1.0"),
    ("pro", (0x0200, 2, 255, 192), b"BS000002-2.2"),
    ("pro-in-mode-0", (0x0200, 0, 255, 1), b"BS000002-2.2"),
    ("square", (0x0200, 2, 255, 8), b"BS000003-3.0"),
    ("strip", (0x0201, 1, 255, 8), b"BS000004-3.0"),
    ("nano", (0x0202, 2, 255, 2), b"BS000005-3.0"),
    ("nano-that-hides-its-mode", (0x0202, 255, 255, 2), b"BS000005-3.0"),
    ("flex", (0x0203, 2, 20, 20), b"BS000006-3.1"),
    ("flex-of-none", (0x0203, 2, 0, 0), b"BS000006-3.1"),
    ("flex-of-too-many", (0x0203, 2, 254, 255), b"BS000006-3.1"),
    ("another", (0x0204, 2, 8, 8), b"BS000007-3.0"),
    ("no-serial", (0x0202, 2, 255, 2), b""),
    ("blank-eeprom", (0x0201, 254, 255, 8), b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("zeros", (0x0203, 0, 8, 8), b"\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("half-a-serial", (0xffff, 3, 255, 8), b"BS00000"),
    ("a-serial-too-long", (0x0200, 2, 255, 8), b"BS0000005-3.0"),
];

const SETTINGS: [(&str, &str); 16] = [
    ("nothing", ""),
    ("as-documented", "--listen\n127.0.0.1:50051\n--stick\nusb:BS012345-3.0"),
    ("two-sticks", "--stick=usb:1-1.2\n--stick=virtual:nano"),
    ("sticks-in-a-list", "--stick\nusb,virtual:pro,virtual:blinkstick"),
    ("mounted-upside-down", "--flip\n--inverse\n--max-brightness\n51\n--keep-mode"),
    ("too-bright", "--max-brightness=256"),
    ("beyond-loopback", "--insecure\n--listen=[::]:0"),
    ("no-stick", "--stick=\n--stick\nusb:"),
    ("a-model-that-is-none", "--stick\nvirtual:mega"),
    ("stick-names", "usb\nusb:BS012345-3.0\nvirtual\nvirtual:square\nvirtual:\nusb:usb:"),
    ("names-of-colors", "green\nRebeccaPurple\ntransparent\ncurrentcolor\nnone"),
    ("hex-colors", "#FFF\n#002800\n#0028\n#00280080\n002800\n#é\n#12é4"),
    (
        "functions",
        "rgb(1,2,3)\nrgba(1 2 3 / 50%)\nhsl(120,100%,20%)\nhwb(90deg 0% 0%)\nlab(50% 40 59)\nlch(50% 70 1turn)",
    ),
    (
        "more-functions",
        "oklab(0.5 0.1 0.1)\noklch(60% 0.1 4rad)\nhsv(10grad 1 1)\nrgb(from red r g b)\nhsl(from red h s l)",
    ),
    ("numbers-beyond-bounds", "rgb(1e400,-1e400,NaN)\nhsl(inf 1% 1%)\nlab(1e-400 .. +)\nrgb(calc(1+1),2,3)"),
    ("unclosed", "rgb(\nrgb(1,2\nhsl()\n(((((((("),
];

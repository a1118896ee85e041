//! The bytes of the wire, pinned: a watcher and a light of different versions must understand each other. If one of
//! these fails, the contract broke: change the contract back, not the bytes.

use std::time::{Duration, SystemTime};

use prost::Message as _;

use crate::{Color, Command, Effect, Identify, Invalid, Lease, Look, Reason, SetColor, v1};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn command() -> Command {
    Command {
        epoch: 7,
        version: 300,
        lease: Lease::For(Duration::from_secs(15)),
        node: "pi-1".to_owned(),
        reason: Reason {
            text: "shop/cart CrashLoopBackOff ×12".to_owned(),
            pod: "shop/cart".to_owned(),
            state: "CrashLoopBackOff".to_owned(),
            restarts: 12,
            since: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        },
        looks: vec![
            Look::solid(Color::rgb(50, 0, 0)),
            Look::morph(Color::rgb(0, 25, 0)),
            Look::pulse(Color::rgb(0, 0, 50), Duration::from_secs(2)),
            Look::blink(Color::WHITE, Duration::from_millis(500)),
        ],
    }
}

#[test]
fn a_command_is_these_bytes() {
    let bytes = v1::ColorCommand::from(command()).encode_to_vec();
    let want = [
        "0807",                                                               // 1 epoch 7
        "10ac02",                                                             // 2 version 300
        "1a02080f",                                                           // 3 lease 15 s
        "220470692d31",                                                       // 4 node
        "2a48",                                                               // 5 reason
        "0a1f73686f702f636172742043726173684c6f6f704261636b4f666620c3973132", // 5.1 text
        "120973686f702f63617274",                                             // 5.2 pod
        "1a1043726173684c6f6f704261636b4f6666",                               // 5.3 state
        "200c",                                                               // 5.4 restarts 12
        "2a060880e2cfaa06",                                                   // 5.5 since
        "3207088080c8011001",                                                 // 6 0x320000 SOLID
        "320d08803210021a061080c6868f01",                                     // 6 0x001900 MORPH 300 ms
        "3208083210031a020802",                                               // 6 0x000032 PULSE 2 s
        "320f08ffffff0710041a061080cab5ee01",                                 // 6 0xffffff BLINK 500 ms
    ];
    assert_eq!(hex(&bytes), want.concat());
}

#[test]
fn a_command_survives_the_wire() {
    let bytes = v1::ColorCommand::from(command()).encode_to_vec();
    let decoded = v1::ColorCommand::decode(bytes.as_slice()).expect("our own bytes");
    assert_eq!(Command::try_from(decoded), Ok(command()));
}

#[test]
fn a_persons_wish_is_these_bytes() {
    let request = v1::SetColorRequest {
        color: "#002800".to_owned(),
        index: Some(0),
        effect: v1::Effect::Pulse.into(),
        hold: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        owner: "ana".to_owned(),
        period: None,
    };
    assert_eq!(hex(&request.encode_to_vec()), "0a0723303032383030100018032202083c2a03616e61");
    let set = SetColor::try_from(request).expect("a valid request");
    assert_eq!(set.look, Look::pulse(Color::rgb(0, 40, 0), Duration::from_secs(2)));
    assert_eq!((set.index, set.owner.as_str(), Duration::from(set.hold)), (Some(0), "ana", Duration::from_secs(60)));
}

#[test]
fn what_is_absent_has_its_documented_default() {
    let set = v1::SetColorRequest { color: "green".to_owned(), ..Default::default() };
    let set = SetColor::try_from(set).expect("a color is enough");
    assert_eq!((set.look.effect, Duration::from(set.hold), set.index), (Effect::Solid, Duration::from_secs(300), None));
    let identify = Identify::try_from(v1::IdentifyRequest::default()).expect("nothing is needed");
    assert_eq!(Duration::from(identify.hold), Duration::from_secs(60));
    let look = Look::try_from(v1::Look { rgb: 0x00_1900, ..Default::default() }).expect("a color is enough");
    assert_eq!(look, Look::morph(Color::rgb(0, 25, 0)));
}

/// What `change` makes of a valid command.
fn refused(change: impl FnOnce(&mut v1::ColorCommand)) -> String {
    let mut wire = v1::ColorCommand::from(command());
    change(&mut wire);
    Command::try_from(wire).expect_err("it breaks an obligation").to_string()
}

#[test]
fn a_command_that_breaks_an_obligation_names_field_value_and_remedy() {
    let lasting = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    for (error, want) in [
        (refused(|c| c.lease = None), "lease: nothing is not valid; give 1s to 600s, or 0s to hand the light back"),
        (
            refused(|c| c.lease = lasting(601, 0)),
            "lease: 601s is not valid; give 1s to 600s, or 0s to hand the light back",
        ),
        (refused(|c| c.lease = lasting(-1, 0)), "lease: -1s is not valid; give a duration that is not negative"),
        (
            refused(|c| c.lease = lasting(i64::MIN, i32::MIN)),
            "lease: -315576000002.147483648s is not valid; give a duration that is not negative",
        ),
        (refused(|c| c.looks.clear()), "looks: a list of 0 is not valid; give 1 to 192 looks"),
        (
            refused(|c| c.looks = vec![v1::Look::default(); 193]),
            "looks: a list of 193 is not valid; give 1 to 192 looks",
        ),
        (
            refused(|c| c.looks[1].rgb = 0x0100_0000),
            "looks[1].rgb: 0x1000000 is not valid; give 0xRRGGBB, at most 0xffffff",
        ),
        (refused(|c| c.looks[0].effect = 9), "looks[0].effect: 9 is not valid; give SOLID, MORPH, PULSE or BLINK"),
        (
            refused(|c| c.looks[3].period = lasting(0, 1_000_000)),
            "looks[3].period: 1ms is not valid; give 350ms to 60s: faster flashes can harm people",
        ),
        (
            refused(|c| c.looks[1].period = lasting(61, 0)),
            "looks[1].period: 61s is not valid; give 0s to 60s for a MORPH",
        ),
        (
            refused(|c| c.looks[0].period = lasting(1, 0)),
            "looks[0].period: 1s is not valid; give none with the effect SOLID",
        ),
        (refused(|c| c.reason = None), "reason.text: nothing is not valid; give why the light shows this"),
        (
            refused(|c| c.reason.as_mut().expect("it has one").pod = "x".repeat(513)),
            "reason.pod: a text of 513 bytes is not valid; give at most 512 bytes",
        ),
        (refused(|c| c.node = "x".repeat(254)), "node: a text of 254 bytes is not valid; give at most 253 bytes"),
    ] {
        assert_eq!(error, want);
    }
}

#[test]
fn a_wish_that_breaks_an_obligation_names_field_value_and_remedy() {
    let refused = |change: &dyn Fn(&mut v1::SetColorRequest)| {
        let mut wire = v1::SetColorRequest { color: "green".to_owned(), ..Default::default() };
        change(&mut wire);
        SetColor::try_from(wire).expect_err("it breaks an obligation").to_string()
    };
    let lasting = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let color = "give a CSS color: a name such as \"green\", or \"#rrggbb\"";
    let hold = "give over 0s, at most 86400s (24h)";
    assert_eq!(refused(&|w| w.color.clear()), format!("color: nothing is not valid; {color}"));
    assert_eq!(refused(&|w| w.color = "grene".to_owned()), format!("color: \"grene\" is not valid; {color}"));
    assert_eq!(refused(&|w| w.hold = lasting(-5)), format!("hold: -5s is not valid; {hold}"));
    assert_eq!(refused(&|w| w.hold = lasting(0)), format!("hold: 0s is not valid; {hold}"));
    assert_eq!(refused(&|w| w.hold = lasting(i64::MAX)), format!("hold: {}s is not valid; {hold}", i64::MAX));
    assert_eq!(refused(&|w| w.effect = 7), "effect: 7 is not valid; give SOLID, MORPH, PULSE or BLINK");
    assert_eq!(refused(&|w| w.owner = "x".repeat(65)), "owner: a text of 65 bytes is not valid; give at most 64 bytes");
}

#[test]
fn the_last_command_needs_neither_look_nor_reason() {
    let wire =
        v1::ColorCommand { epoch: 7, version: 1, lease: Some(prost_types::Duration::default()), ..Default::default() };
    assert_eq!(Command::try_from(wire).map(|command| command.lease), Ok(Lease::Over));
}

#[test]
fn an_error_becomes_invalid_argument() {
    let status = tonic::Status::from(Invalid::missing("color", "one"));
    assert_eq!(
        (status.code(), status.message()),
        (tonic::Code::InvalidArgument, "color: nothing is not valid; give one")
    );
}

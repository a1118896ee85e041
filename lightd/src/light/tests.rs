//! The layers one by one, then random histories against a model that works them out from scratch.

use podlight_proto::{Reason, v1};
use proptest::prelude::*;

use super::*;

const RED: Look = Look::solid(Color::rgb(50, 0, 0));
const GREEN: Look = Look::morph(Color::rgb(0, 25, 0));

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[expect(clippy::disallowed_methods, reason = "any instant serves as the origin")]
fn start() -> Instant {
    Instant::now()
}

fn command(epoch: u64, version: u64, look: Look, lease: u64) -> Command {
    let lease = if lease == 0 { Lease::Over } else { Lease::For(secs(lease)) };
    let reason = Reason { text: format!("{epoch}.{version}"), ..Reason::default() };
    Command { epoch, version, lease, node: "pi-1".to_owned(), reason, looks: vec![look] }
}

fn set(color: &str, index: Option<u32>, hold: u64) -> SetColor {
    let hold = Some(prost_types::Duration { seconds: hold.try_into().expect("a short hold"), nanos: 0 });
    let request = v1::SetColorRequest { color: color.to_owned(), index, hold, ..Default::default() };
    request.try_into().expect("a valid request")
}

fn identify(hold: u64) -> Identify {
    let hold = Some(prost_types::Duration { seconds: hold.try_into().expect("a short hold"), nanos: 0 });
    v1::IdentifyRequest { hold, owner: "ana".to_owned() }.try_into().expect("a valid request")
}

/// A light of two LEDs.
fn light() -> Light {
    let mut light = Light::default();
    light.resize(2);
    light
}

fn shown(light: &Light, now: Instant) -> [Look; 2] {
    [0, 1].map(|index| light.scene(now).look(index, 2))
}

#[test]
fn a_light_that_nobody_spoke_to_is_idle() {
    let (light, t) = (light(), start());
    assert_eq!(light.verdict(t).layer, Layer::Idle);
    assert_eq!(shown(&light, t), [IDLE; 2]);
    assert_eq!(light.next_deadline(t), None);
}

#[test]
fn the_watchers_look_shows_while_its_lease_lives_and_turns_stale_after() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 15), t).expect("the first");
    let before = t + secs(15) - Duration::from_nanos(1);
    assert_eq!((light.verdict(before).layer, shown(&light, before)), (Layer::Watcher, [GREEN; 2]));
    assert_eq!(light.next_deadline(t), Some(t + secs(15)));
    let after = t + secs(15);
    assert_eq!((light.verdict(after).layer, shown(&light, after)), (Layer::Stale, [STALE; 2]));
    assert_eq!(light.verdict(after).reason, "nothing heard from the watcher; it last said: 1.1");
}

#[test]
fn the_same_version_again_renews_the_lease() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 15), t).expect("the first");
    light.command(command(1, 1, GREEN, 15), t + secs(10)).expect("a renewal");
    assert_eq!(light.verdict(t + secs(24)).layer, Layer::Watcher);
}

#[test]
fn a_watcher_that_leaves_turns_the_light_stale_at_once() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 15), t).expect("the first");
    light.command(command(1, 2, GREEN, 0), t + secs(1)).expect("the last");
    assert_eq!(light.verdict(t + secs(1)).layer, Layer::Stale);
    assert_eq!(light.verdict(t + secs(1)).reason, "the watcher has left");
}

#[test]
fn an_older_watcher_is_fenced_while_the_newer_ones_lease_lives() {
    let (mut light, t) = (light(), start());
    light.command(command(2, 1, GREEN, 15), t).expect("the first");
    let fenced = light.command(command(1, 99, RED, 15), t + secs(14)).expect_err("it is older");
    assert_eq!(fenced.to_string(), "epoch 1 version 99 is older than epoch 2 version 1, whose lease lives");
    assert_eq!(shown(&light, t + secs(14)), [GREEN; 2]);
    light.command(command(1, 99, RED, 15), t + secs(15)).expect("the lease has lapsed");
    assert_eq!(shown(&light, t + secs(15)), [RED; 2]);
}

#[test]
fn an_older_version_is_fenced_within_its_epoch() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 2, GREEN, 15), t).expect("the first");
    light.command(command(1, 1, RED, 15), t).expect_err("it is older");
    light.command(command(2, 1, RED, 15), t).expect("a newer watcher");
}

#[test]
fn a_person_beats_the_watcher_until_the_hold_ends() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 100), t).expect("the first");
    light.set_color(set("blue", None, 60), t).expect("all LEDs");
    let blue = Look::solid(Color::rgb(0, 0, 255));
    assert_eq!((light.verdict(t).layer, shown(&light, t)), (Layer::Manual, [blue; 2]));
    assert_eq!(light.next_deadline(t), Some(t + secs(60)));
    light.expire(t + secs(60));
    assert_eq!((light.verdict(t).layer, shown(&light, t)), (Layer::Watcher, [GREEN; 2]));
}

#[test]
fn a_person_sets_one_led_and_the_other_keeps_what_it_shows() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 100), t).expect("the first");
    light.set_color(set("red", Some(1), 60), t).expect("it has two");
    assert_eq!(shown(&light, t), [GREEN, Look::solid(Color::rgb(255, 0, 0))]);
    assert_eq!([light.layer(0, t), light.layer(1, t)], [Layer::Watcher, Layer::Manual]);
    light.set_color(set("blue", None, 60), t).expect("all LEDs");
    assert_eq!(shown(&light, t), [Look::solid(Color::rgb(0, 0, 255)); 2]);
}

#[test]
fn an_led_that_the_light_lacks_is_refused_and_nothing_changes() {
    let (mut light, t) = (light(), start());
    let invalid = light.set_color(set("red", Some(2), 60), t).expect_err("it has two");
    assert_eq!(invalid.to_string(), "index: 2 is not valid; give 0 to 1: the light has no other LEDs");
    assert_eq!(light.verdict(t).layer, Layer::Idle);
    light.resize(0);
    assert!(light.set_color(set("red", Some(0), 60), t).is_err(), "no stick was seen");
}

#[test]
fn identify_beats_all_and_ends_by_itself() {
    let (mut light, t) = (light(), start());
    light.set_color(set("blue", None, 60), t).expect("all LEDs");
    light.identify(identify(10), t);
    let verdict = light.verdict(t);
    assert_eq!((verdict.layer, verdict.owner.as_str(), verdict.until), (Layer::Identify, "ana", Some(t + secs(10))));
    assert_eq!(shown(&light, t), [IDENTIFY; 2]);
    light.expire(t + secs(10));
    assert_eq!(light.verdict(t + secs(10)).layer, Layer::Manual);
}

#[test]
fn release_drops_what_people_hold_and_nothing_else() {
    let (mut light, t) = (light(), start());
    light.command(command(1, 1, GREEN, 100), t).expect("the first");
    light.set_color(set("blue", None, 60), t).expect("all LEDs");
    light.identify(identify(10), t);
    light.release();
    assert_eq!((light.verdict(t).layer, shown(&light, t)), (Layer::Watcher, [GREEN; 2]));
}

#[derive(Clone, Debug)]
enum Step {
    Command { epoch: u64, version: u64, lease: u64 },
    Set { index: Option<u32>, hold: u64 },
    Identify { hold: u64 },
    Release,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..4, 0u64..4, 0u64..20).prop_map(|(epoch, version, lease)| Step::Command { epoch, version, lease }),
        (prop::option::of(0u32..2), 1u64..20).prop_map(|(index, hold)| Step::Set { index, hold }),
        (1u64..20).prop_map(|hold| Step::Identify { hold }),
        Just(Step::Release),
        (1u64..10).prop_map(Step::Wait),
    ]
}

/// Which layer LED `index` shows after `history`, worked out from scratch: deadlines in seconds since the start.
fn model(history: &[(u64, Step)], index: u32, now: u64) -> Layer {
    let released = history.iter().rposition(|(_, step)| matches!(step, Step::Release)).unwrap_or(0);
    let people = || history[released..].iter();
    let identified = people().rev().find_map(|(at, step)| match step {
        Step::Identify { hold } => Some(at + hold),
        Step::Command { .. } | Step::Set { .. } | Step::Release | Step::Wait(_) => None,
    });
    if identified.is_some_and(|until| now < until) {
        return Layer::Identify;
    }
    // For each address the newest wins, and one for all does away with those before it.
    let for_all = people().rposition(|(_, step)| matches!(step, Step::Set { index: None, .. })).unwrap_or(0);
    let newest = |address: Option<u32>| {
        people().skip(for_all).rev().find_map(|(at, step)| match step {
            Step::Set { index, hold } => (*index == address).then_some(at + hold),
            Step::Command { .. } | Step::Identify { .. } | Step::Release | Step::Wait(_) => None,
        })
    };
    if [None, Some(index)].into_iter().filter_map(newest).any(|until| now < until) {
        return Layer::Manual;
    }
    let mut held: Option<((u64, u64), u64)> = None;
    for (at, step) in history {
        if let Step::Command { epoch, version, lease } = step
            && held.is_none_or(|(key, until)| (*epoch, *version) >= key || *at >= until)
        {
            held = Some(((*epoch, *version), at + lease));
        }
    }
    match held {
        None => Layer::Idle,
        Some((_, until)) if now < until => Layer::Watcher,
        Some(_) => Layer::Stale,
    }
}

proptest! {
    #[test]
    fn the_layer_is_what_the_history_makes_it(steps in prop::collection::vec(step(), 1..40)) {
        let (mut light, start, mut now) = (light(), start(), 0);
        let mut history = Vec::new();
        for step in steps {
            let t = start + secs(now);
            light.expire(t);
            match step {
                Step::Command { epoch, version, lease } => drop(light.command(command(epoch, version, GREEN, lease), t)),
                Step::Set { index, hold } => light.set_color(set("red", index, hold), t).expect("it has two"),
                Step::Identify { hold } => light.identify(identify(hold), t),
                Step::Release => light.release(),
                Step::Wait(time) => now += time,
            }
            history.push((now, step));
            let t = start + secs(now);
            light.expire(t);
            for index in 0..2 {
                prop_assert_eq!(light.layer(index as usize, t), model(&history, index, now), "LED {} at {}", index, now);
            }
            let top = (0..2).map(|index| light.layer(index, t)).max();
            prop_assert_eq!(Some(light.verdict(t).layer), top);
            // Nothing changes before the next deadline.
            if let Some(deadline) = light.next_deadline(t) {
                prop_assert!(deadline > t);
                prop_assert_eq!(light.scene(deadline - Duration::from_nanos(1)), light.scene(t));
            }
        }
    }
}

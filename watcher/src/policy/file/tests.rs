//! Texts → policies, and texts that are none → what is said of them.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::time;
use podlight_proto::{Color, Effect};
use proptest::prelude::*;

use super::*;
use crate::policy::Brightness;

fn parse(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

fn fault(text: &str) -> String {
    Policy::parse(text).expect_err(text).to_string()
}

#[test]
fn nothing_is_the_default_policy() {
    for text in ["", "\n", "# nothing", "{}", "---\n", "pods:\nstates:\n", "preset: default"] {
        assert_eq!(parse(text), Policy::default(), "{text:?}");
    }
}

#[test]
fn a_preset_printed_with_all_its_keys_is_that_preset() {
    for (name, preset) in Preset::ALL {
        assert_eq!(parse(&preset.policy().to_string()), preset.policy(), "{name}");
        assert_eq!(parse(&format!("preset: {name}")), preset.policy());
    }
}

#[test]
fn keys_override_the_preset_one_by_one() {
    let policy = parse("preset: origin\nstates: {failed: {effect: blink}, pending: {color: orange, after: 30s}}");
    let origin = Preset::Origin.policy();
    assert_eq!(policy.palette.failed, Look::blink(origin.palette.failed.color, Duration::from_secs(1)));
    assert_eq!(policy.palette.pending, Look { color: Color::rgb(255, 165, 0), ..origin.palette.pending });
    assert_eq!(policy.palette.running, origin.palette.running);
    assert_eq!(policy.criteria.timing.pending, Patience { after: Duration::from_secs(30), hold: Duration::ZERO });
}

#[test]
fn every_key_is_read() {
    let policy = parse(
        r##"
preset: color-blind-safe
pods:
  namespaces: {only: [shop, bank], except: kube-system}
  labels: app=cart,tier!=test
layout: pods
states:
  running: {color: "#001000", effect: morph, period: 2s}
  failed: {after: 30s, hold: 1m 30s}
nodes:
  not-ready: {color: red, effect: solid}
  pressure: {counts: false}
  cordoned: {counts: true, effect: blink, period: 350ms}
updates: {within: 5m}
brightness: 80%
night: {from: "22:00", to: "06:30", zone: Europe/Berlin, brightness: 0, failures: 60%}
lights: ["cluster=http://127.0.0.1:50051", "namespace/shop=http://desk:1"]
"##,
    );
    let filter = &policy.criteria.filter;
    assert_eq!(filter.namespaces, ["shop", "bank"].map(ToOwned::to_owned).into());
    assert_eq!(filter.excluded, ["kube-system".to_owned()].into());
    assert_eq!(filter.selector, "app=cart,tier!=test".parse().unwrap());
    assert_eq!(policy.layout, Layout::Pods);
    let running = Look { color: Color::rgb(0, 16, 0), effect: Effect::Morph { over: Duration::from_secs(2) } };
    assert_eq!(policy.palette.running, running);
    let patience = Patience { after: Duration::from_secs(30), hold: Duration::from_secs(90) };
    assert_eq!(policy.criteria.timing.failed, patience);
    assert_eq!(policy.criteria.timing.updating, Duration::from_secs(300));
    assert_eq!(policy.criteria.nodes, Conditions { not_ready: true, pressure: false, cordoned: true });
    assert_eq!(policy.palette.node_not_ready, Look::solid(Color::rgb(255, 0, 0)));
    assert_eq!(policy.palette.node_cordoned.effect, Effect::Blink { period: Duration::from_millis(350) });
    let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let night = Night { from: time(22, 0, 0, 0), to: time(6, 30, 0, 0), zone, brightness: 0, failures: 60 };
    assert_eq!(policy.brightness, Brightness { day: 80, night: Some(night) });
    assert_eq!(policy.lights.len(), 2);
    assert_eq!(parse(&policy.to_string()), policy, "and printed with all keys, it is the same");
}

#[test]
fn what_is_wrong_is_told_with_line_field_value_and_remedy() {
    for (text, want) in [
        ("layout: rainbow", r#"line 1, column 9: layout: "rainbow" is not valid; give same, split, pods"#),
        ("layout: splitt", r#"line 1, column 9: layout: "splitt" is not valid; give split"#),
        ("\nlayouts: same", "line 2, column 1: layouts: there is no such key; give layout"),
        ("preset: blog", r#"line 1, column 9: preset: "blog" is not valid; give default, origin, color-blind-safe"#),
        ("states:\n  faild: {}", "line 2, column 3: states.faild: there is no such key; give failed"),
        (
            "states:\n  failed:\n    colour: red",
            "line 3, column 5: states.failed.colour: there is no such key; give color",
        ),
        (
            "states: {failed: {color: grene}}",
            r##"line 1, column 26: states.failed.color: "grene" is not valid; give a CSS color in quotes: a name such as "green", or "#rrggbb""##,
        ),
        (
            "states:\n  failed: {effect: pulse}\n  running:\n    color: #002800",
            r##"line 4, column 10: states.running.color: nothing is not valid; give a CSS color in quotes: a name such as "green", or "#rrggbb""##,
        ),
        (
            "states: {failed: {effect: blink, period: 100ms}}",
            "line 1, column 42: states.failed.period: period: 100ms is not valid; give 350ms to 60s: faster flashes can harm people",
        ),
        (
            "states: {failed: {after: 2d}}",
            r#"line 1, column 26: states.failed.after: "2d" is not valid; give a time of up to a day, as in 30s or 5m"#,
        ),
        ("states: {running: {after: 1s}}", "line 1, column 20: states.running.after: there is no such key; give "),
        (
            r##"states: {failed: {color: "#180028", effect: pulse, period: 4s}}"##,
            "line 1, column 18: states.failed: this look says that nobody knows; give another color or another period",
        ),
        (
            "nodes: {pressure: {counts: 1}}",
            r#"line 1, column 28: nodes.pressure.counts: "1" is not valid; give true, false"#,
        ),
        (
            "pods: {labels: a b}",
            r#"line 1, column 16: pods.labels: "a b" is no label requirement; give key=value, key!=value"#,
        ),
        (
            "pods: {namespaces: {only: [Shop]}}",
            r#"line 1, column 28: pods.namespaces.only[0]: "Shop" is not valid; give the name of a namespace"#,
        ),
        (
            "pods:\n  namespaces:\n    only: [a, b]\n    except: [c, b]",
            r#"line 4, column 17: pods.namespaces.except[1]: "b" is among pods.namespaces.only, too; give it once"#,
        ),
        ("pods: [shop]", "line 1, column 7: pods: a list is not valid; give a map with namespaces, labels"),
        ("updates: {within: soon}", r#"line 1, column 19: updates.within: "soon" is not valid; give a time"#),
        ("brightness: 0%", r#"line 1, column 13: brightness: "0%" is not valid; give 1% to 100%"#),
        ("brightness: 101", r#"line 1, column 13: brightness: "101" is not valid; give 1% to 100%"#),
        ("night: {to: '7:00'}", r#"line 1, column 8: night: there is no "from"; give a time of day in quotes"#),
        (
            "night: {from: '25:00', to: '7:00', zone: UTC, brightness: 5}",
            r#"line 1, column 15: night.from: "25:00" is not valid; give a time of day in quotes, as in "22:00""#,
        ),
        (
            "night: {from: '22:00', to: '22:00', zone: UTC, brightness: 5}",
            "line 1, column 8: night: it ends when it begins; give two times",
        ),
        (
            "night: {from: '22:00', to: '7:00', zone: Europe/Berlim, brightness: 5}",
            r#"line 1, column 42: night.zone: "Europe/Berlim" is not valid; give Europe/Berlin"#,
        ),
        ("lights: [desk]", r#"line 1, column 10: lights[0]: there is no "="; give NAME=URL"#),
        (
            "lights:\n  - a=http://x:1\n  - b=http://x:1",
            "line 3, column 5: lights[1]: http://x:1 is another light's URL, too; a light speaks of one thing",
        ),
        ("just text", r#"line 1, column 1: the policy: "just text" is not valid; give a map with preset, pods"#),
        ("states: {\n", "line "),
        ("layout: same\nlayout: pods", "line 2, column 1: layout: it is given twice; give it once"),
        ("a: 1\n---\nb: 2", "line "),
        ("layout: 'same", "line "),
    ] {
        let fault = fault(text);
        assert!(fault.starts_with(want), "{text}\n{fault}\n{want}");
    }
}

/// The page about policies, for people.
const PAGE: &str = include_str!("../../../../docs/policy.md");

#[test]
fn each_example_of_the_page_is_a_policy() {
    let blocks: Vec<_> = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).collect();
    assert!(blocks.len() >= 8);
    for (example, _) in blocks {
        assert_ne!(parse(example), Policy::default(), "{example}");
    }
}

#[test]
fn the_page_names_every_key() {
    let all = Preset::Default.policy().to_string().replace("# night: {", "night: {");
    let words = all.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split([' ', '{', ',']));
    let keys: BTreeSet<_> = words.filter_map(|word| word.strip_suffix(':')).collect();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        assert!(PAGE.contains(&format!("`{key}`")) || PAGE.contains(&format!("{key}:")), "{key}");
    }
}

#[test]
fn what_would_take_long_is_refused() {
    let bomb: String = (1..30).map(|i| format!("a{i}: &a{i} [{0}, {0}]\n", format_args!("*a{}", i - 1))).collect();
    for text in [format!("a0: &a0 x\n{bomb}"), "[".repeat(100_000), "{a: ".repeat(10_000), "- x\n".repeat(200_000)] {
        let fault = fault(&text);
        assert!(fault.len() < 300, "{fault}");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_read_again_as_it_is_printed(
        state in prop::sample::select(PodState::ALL[..7].to_vec()).prop_map(PodState::word),
        color in any::<[u8; 3]>(),
        effect in prop::sample::select(vec!["solid", "morph", "pulse", "blink"]),
        seconds in 0..86_400_u32,
        brightness in 1..=100_u8,
        minute in 0..1439_u16,
        layout in prop::sample::select(vec!["same", "split", "pods"]),
    ) {
        let [r, g, b] = color;
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let text = format!(
            "states: {{{state}: {{color: 'rgb({r}, {g}, {b})', effect: {effect}}}, failed: {{hold: {seconds}s}}}}\n\
             layout: {layout}\nbrightness: {brightness}\n\
             night: {{from: '{}', to: '{}', zone: Asia/Tokyo, brightness: {brightness}}}",
            clock(minute), clock(minute + 1),
        );
        let policy = parse(&text);
        prop_assert_eq!(policy.palette.of(PodState::ALL.into_iter().find(|own| own.word() == state).unwrap()).color.parts(), color);
        prop_assert_eq!(parse(&policy.to_string()), policy);
    }
}

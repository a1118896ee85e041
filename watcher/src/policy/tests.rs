//! States × layouts → looks, and verdicts → texts.

use std::time::Duration;

use podlight_proto::Color;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{NOW, at, container, node, pod};
use crate::ledger::{Change, Ledger, Scope};
use crate::object::Truth;
use crate::pod::{Phase, Pod};
use PodState::{Absent, Completed, Deleting, Failed, Pending, Running, Unready};

const GREEN: Look = Look::morph(Color::rgb(0, 25, 0));
const YELLOW: Look = Look::morph(Color::rgb(50, 50, 0));
const BLUE: Look = Look::morph(Color::rgb(0, 0, 50));
const RED: Look = Look::solid(Color::rgb(50, 0, 0));
const DARK: Look = Look::morph(Color::BLACK);
const DEAD: Look = Look::blink(Color::rgb(50, 0, 0), Duration::from_secs(1));

/// What a node with pods in these states has come to.
fn verdict(slots: &[PodState]) -> Verdict<'static> {
    let pods = slots.iter().copied().filter(|state| *state != Absent);
    Verdict { footing: Footing::Firm { cordoned: false }, tally: pods.collect(), worst: None, slots: slots.to_vec() }
}

fn not_ready() -> Footing<'static> {
    Footing::NotReady { node: "pi-3", why: "kubelet stopped posting node status", since: Some(NOW) }
}

fn shown(verdict: &Verdict<'_>, layout: Layout, leds: usize) -> Vec<Look> {
    looks(verdict, layout, leds, &Palette::default())
}

#[test]
fn all_leds_show_the_worst() {
    for (slots, want) in [
        (&[][..], DARK),
        (&[Completed], DARK),
        (&[Running, Completed], GREEN),
        (&[Unready, Running], YELLOW),
        (&[Running, Pending, Unready], YELLOW),
        (&[Deleting, Pending], BLUE),
        (&[Running, Failed, Deleting], RED),
    ] {
        assert_eq!(shown(&verdict(slots), Layout::Same, 8), [want], "{slots:?}");
    }
}

#[test]
fn split_shows_what_runs_above_the_worst() {
    for (slots, want) in [
        (&[][..], [DARK, DARK]),
        (&[Completed], [DARK, DARK]),
        (&[Running], [GREEN, GREEN]),
        (&[Running, Failed], [GREEN, RED]),
        (&[Failed], [DARK, RED]),
        (&[Unready], [DARK, YELLOW]),
        (&[Deleting, Running], [GREEN, BLUE]),
    ] {
        assert_eq!(shown(&verdict(slots), Layout::Split, 2), want, "{slots:?}");
    }
}

#[test]
fn one_led_shows_the_worst_in_every_layout() {
    for layout in [Layout::Same, Layout::Split, Layout::Pods] {
        for leds in [0, 1] {
            assert_eq!(shown(&verdict(&[Running, Failed]), layout, leds), [RED], "{layout} {leds}");
        }
    }
}

#[test]
fn pods_have_an_led_each_and_the_last_one_sums_up() {
    for (slots, want) in [
        (&[][..], [DARK, DARK, DARK]),
        (&[Running], [GREEN, DARK, DARK]),
        (&[Running, Absent, Failed], [GREEN, DARK, RED]),
        (&[Running, Running, Running, Pending], [GREEN, GREEN, YELLOW]),
        (&[Failed, Running, Running, Deleting, Running], [RED, GREEN, BLUE]),
        (&[Absent, Absent, Absent, Completed, Failed], [DARK, DARK, RED]),
    ] {
        assert_eq!(shown(&verdict(slots), Layout::Pods, 3), want, "{slots:?}");
    }
}

#[test]
fn a_scope_without_slots_shows_its_worst_on_every_led() {
    let wide = Verdict { slots: Vec::new(), ..verdict(&[Running, Failed]) };
    assert_eq!(shown(&wide, Layout::Pods, 4), [RED; 4]);
}

#[test]
fn a_node_that_is_not_ready_beats_its_pods() {
    let failing = Verdict { footing: not_ready(), ..verdict(&[Running, Failed]) };
    assert_eq!(shown(&failing, Layout::Same, 2), [DEAD]);
    assert_eq!(shown(&failing, Layout::Split, 2), [DEAD]);
    assert_eq!(shown(&failing, Layout::Pods, 3), [DEAD; 3]);
}

#[test]
fn a_node_that_nobody_knows_is_not_green() {
    let unknown = Footing::Unknown { node: "pi-3", why: "it is not in the list of nodes" };
    let unknown = Verdict { footing: unknown, ..verdict(&[Running]) };
    for layout in [Layout::Same, Layout::Split, Layout::Pods] {
        let looks = shown(&unknown, layout, 2);
        assert!(looks.iter().all(|look| *look == Palette::default().node_unknown), "{layout}");
    }
}

#[test]
fn no_light_is_told_more_looks_than_fit() {
    assert_eq!(shown(&verdict(&[Running]), Layout::Pods, usize::MAX).len(), Command::MOST_LOOKS);
}

#[test]
fn layouts_print_as_they_are_given() {
    assert_eq!([Layout::Same, Layout::Split, Layout::Pods].map(|layout| layout.to_string()), ["same", "split", "pods"]);
}

#[test]
fn the_reason_names_the_worst_pod() {
    let init = container("setup").waiting("CrashLoopBackOff").restarted(3);
    for (pod, text, state) in [
        (pod("cart-7f").crash_looping(), "shop/cart-7f CrashLoopBackOff ×12", "CrashLoopBackOff"),
        (pod("cart-7f").unready(), "shop/cart-7f Running (0/1 ready)", "Running"),
        (pod("cart-7f").pending(), "shop/cart-7f ContainerCreating", "ContainerCreating"),
        (pod("cart-7f").terminating(), "shop/cart-7f Terminating", "Terminating"),
        (pod("cart-7f").oom_killed(5, 1), "shop/cart-7f OOMKilled ×1", "OOMKilled"),
        (pod("cart-7f").bare().phase(Phase::Failed).because("Evicted"), "shop/cart-7f Evicted", "Evicted"),
        (
            pod("cart-7f").bare().phase(Phase::Pending).init(init),
            "shop/cart-7f Init:CrashLoopBackOff ×3",
            "Init:CrashLoopBackOff",
        ),
    ] {
        let ledger = ledger([pod.within("shop").on("n1"), self::pod("b").on("n1")]);
        let reason = reason(&ledger.verdict(&Scope::Node("n1".to_owned())));
        assert_eq!((&*reason.text, &*reason.pod, &*reason.state), (text, "shop/cart-7f", state));
        assert!(reason.since.is_some());
    }
}

#[test]
fn the_reason_counts_what_is_well() {
    let node = |slots: &[PodState]| reason(&verdict(slots)).text;
    assert_eq!(node(&[]), "no pods");
    assert_eq!(node(&[Running]), "1 pod running");
    assert_eq!(node(&[Running, Completed, Absent, Running]), "2 pods running");
    assert_eq!(node(&[Completed]), "1 pod completed");
    let cordoned = Verdict { footing: Footing::Firm { cordoned: true }, ..verdict(&[Running]) };
    assert_eq!(reason(&cordoned), Reason { text: "1 pod running, node cordoned".to_owned(), ..Reason::default() });
}

#[test]
fn the_reason_names_the_node_that_is_not_ready() {
    let failing = reason(&Verdict { footing: not_ready(), ..verdict(&[Running]) });
    assert_eq!(failing.text, "node pi-3 NotReady: kubelet stopped posting node status");
    assert_eq!((failing.pod, failing.since), (String::new(), Some(NOW.into())));
    let unknown = Footing::Unknown { node: "pi-3", why: "no Ready condition yet" };
    let unknown = reason(&Verdict { footing: unknown, ..verdict(&[]) });
    assert_eq!(unknown.text, "node pi-3 Unknown: no Ready condition yet");
}

#[test]
fn the_reason_tells_restarts_and_time() {
    let ledger = ledger([pod("a").on("n1").crash_looping()]);
    let reason = reason(&ledger.verdict(&Scope::Cluster));
    assert_eq!((reason.restarts, reason.since), (12, Some(at(-3000).into())));
}

proptest! {
    #[test]
    fn a_reason_always_fits(why in ".{0,300}", word in ".{0,300}") {
        let footing = Footing::NotReady { node: "pi-3", why: &why, since: None };
        let failing = Verdict { footing, ..verdict(&[]) };
        prop_assert!(reason(&failing).text.len() <= Reason::LONGEST);
        let ledger = ledger([pod("a").on("n1").bare().phase(Phase::Failed).because(&word)]);
        let reason = reason(&ledger.verdict(&Scope::Cluster));
        prop_assert!(reason.text.len() <= Reason::LONGEST && reason.state.len() <= Reason::LONGEST);
    }

    #[test]
    fn there_are_as_many_looks_as_the_layout_says(
        states in prop::collection::vec(prop::sample::select(&PodState::ALL[..]), 0..300),
        leds in 0_usize..200,
    ) {
        let verdict = verdict(&states);
        prop_assert_eq!(shown(&verdict, Layout::Same, leds).len(), 1);
        prop_assert_eq!(shown(&verdict, Layout::Split, leds).len(), leds.clamp(1, 2));
        let pods = shown(&verdict, Layout::Pods, leds);
        prop_assert_eq!(pods.len(), leds.clamp(1, Command::MOST_LOOKS));
        let worst = Palette::default().of(verdict.tally.worst());
        prop_assert!(worst == DARK || pods.contains(&worst), "the worst always shows");
    }
}

/// With the node n1, which is ready.
fn ledger<const N: usize>(pods: [Pod; N]) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.node(Change::Applied(node("n1").ready(Truth::True, "")));
    pods.into_iter().for_each(|pod| ledger.pod(Change::Applied(pod), NOW));
    ledger
}

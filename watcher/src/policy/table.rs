//! Policies × cluster states → looks, and the rule that decided.

use jiff::Timestamp;
use podlight_proto::Look;

use super::{Layout, Palette, Policy, looks, reason, rule};
use crate::fixtures::{NOW, at, container, node, pod};
use crate::ledger::{Change, Ledger, Scope};
use crate::node::Node;
use crate::object::{ConditionKind, Truth};
use crate::pod::Pod;

/// What befalls the node n1, at so many seconds from now; then what shows.
struct Story {
    policy: Policy,
    ledger: Ledger,
    now: Timestamp,
}

fn story(text: &str) -> Story {
    let policy = Policy::parse(text).unwrap();
    let ledger = Ledger::new(policy.criteria.clone());
    Story { policy, ledger, now: NOW }.node(node("n1"))
}

impl Story {
    fn node(mut self, node: Node) -> Self {
        self.ledger.node(Change::Applied(node));
        self
    }

    fn pod(mut self, pod: Pod) -> Self {
        self.ledger.pod(Change::Applied(pod.on("n1")), self.now);
        self
    }

    fn gone(mut self, name: &str) -> Self {
        self.ledger.pod(Change::Deleted(pod(name)), self.now);
        self
    }

    /// Lets time pass as the edge does: it is asked again when the ledger says so, and at no other time.
    fn until(mut self, seconds: i64) -> Self {
        while let Some(next) = self.ledger.next_settle().filter(|next| *next <= at(seconds)) {
            assert!(next > self.now, "it says when to look again, and it is enough to look once");
            self.now = next;
            self.ledger.settle(next);
        }
        self.now = at(seconds);
        self
    }

    fn shows(self, look: impl Fn(&Palette) -> Look, by: &str) -> Self {
        let scope = Scope::Node("n1".to_owned());
        let verdict = self.ledger.verdict(&scope);
        let palette = self.policy.brightness.palette(&self.policy.palette, self.now);
        let shown = looks(&verdict, Layout::Same, 1, &palette);
        assert_eq!((shown, rule(&verdict, &self.policy).as_str()), (vec![look(&palette)], by));
        self
    }
}

const fn running(palette: &Palette) -> Look {
    palette.running
}

const fn failed(palette: &Palette) -> Look {
    palette.failed
}

const fn unready(palette: &Palette) -> Look {
    palette.unready
}

const fn pending(palette: &Palette) -> Look {
    palette.pending
}

const fn deleting(palette: &Palette) -> Look {
    palette.deleting
}

const fn updating(palette: &Palette) -> Look {
    palette.updating
}

#[test]
fn failure_counts_only_after_its_grace_and_is_unready_until_then() {
    let policy = "states: {failed: {after: 30s}}";
    story(policy)
        .pod(pod("a"))
        .shows(running, "well")
        .pod(pod("a").crash_looping().conditioned_since(0))
        .shows(unready, "grace: failed after 30s")
        .until(29)
        .shows(unready, "grace: failed after 30s")
        .until(30)
        .shows(failed, "pod-failed")
        .pod(pod("a"))
        .shows(running, "well");
}

#[test]
fn graces_of_a_failure_and_of_what_it_is_until_then_add_up_to_the_longer() {
    story("states: {failed: {after: 30s}, unready: {after: 10s}}")
        .pod(pod("a").crash_looping().conditioned_since(0))
        .shows(running, "well")
        .until(10)
        .shows(unready, "grace: failed after 30s")
        .until(30)
        .shows(failed, "pod-failed");
}

#[test]
fn a_pod_that_crashes_again_and_again_has_failed_since_the_first_time() {
    let crash = |since| pod("a").crash_looping().conditioned_since(since);
    story("states: {failed: {after: 60s}}")
        .pod(crash(0))
        .until(25)
        .pod(pod("a").oom_killed(-25, 1))
        .until(50)
        .pod(crash(50))
        .shows(unready, "grace: failed after 1m")
        .until(60)
        .shows(failed, "pod-failed");
}

#[test]
fn what_had_failed_long_before_it_was_first_seen_has_no_grace_left() {
    story("states: {failed: {after: 30s}}").pod(pod("a").crash_looping()).shows(failed, "pod-failed");
}

#[test]
fn a_pod_that_is_well_again_within_its_grace_never_alarmed() {
    story("states: {pending: {after: 30s}}")
        .pod(pod("a").pending().conditioned_since(0))
        .shows(running, "well")
        .until(29)
        .pod(pod("a"))
        .until(100)
        .shows(running, "well");
}

#[test]
fn a_failure_that_has_passed_shows_for_as_long_as_it_is_held() {
    story("states: {failed: {hold: 1m}}")
        .pod(pod("a").crash_looping())
        .until(10)
        .pod(pod("a").unready())
        .shows(failed, "hold: failed for 1m")
        .until(40)
        .pod(pod("a"))
        .shows(failed, "hold: failed for 1m")
        .until(69)
        .shows(failed, "hold: failed for 1m")
        .until(70)
        .shows(running, "well");
}

#[test]
fn a_pod_that_flaps_shows_its_worse_state_all_along() {
    let mut flaps = story("states: {unready: {hold: 30s}}").pod(pod("a"));
    for time in (0..200).step_by(20) {
        flaps = flaps.until(time).pod(pod("a").unready()).shows(unready, "pod-unready");
        flaps = flaps.until(time + 10).pod(pod("a")).shows(unready, "hold: unready for 30s");
    }
    flaps.until(219).shows(unready, "hold: unready for 30s").until(220).shows(running, "well");
}

#[test]
fn a_pod_that_is_gone_is_held_no_longer_and_a_worse_state_shows_at_once() {
    let held = || story("states: {unready: {hold: 30s}}").pod(pod("a").unready()).pod(pod("a"));
    held().gone("a").shows(|palette| palette.absent, "no-pods").until(100);
    held().pod(pod("a").crash_looping()).shows(failed, "pod-failed");
}

/// Of the Deployment `cart`, in its old or its new ReplicaSet.
fn cart(name: &str, hash: &str) -> Pod {
    pod(name).owned_by("ReplicaSet", &format!("cart-{hash}")).labelled("pod-template-hash", hash)
}

#[test]
fn a_rolling_update_that_gets_on_does_not_look_like_trouble() {
    let by = "updating: progress within 1m";
    story("updates: {within: 1m}")
        .pod(cart("old1", "1"))
        .pod(cart("old2", "1"))
        .pod(cart("new1", "2").pending().conditioned_since(0))
        .shows(pending, "pod-pending")
        .until(10)
        .pod(cart("new1", "2").conditioned_since(10))
        .pod(cart("old1", "1").terminating_since(10))
        .shows(updating, by)
        .pod(cart("new2", "2").pending().conditioned_since(10))
        .shows(updating, by)
        .until(40)
        .gone("old1")
        .pod(cart("new2", "2").conditioned_since(40))
        .pod(cart("old2", "1").terminating_since(40))
        .shows(updating, by)
        .until(70)
        .gone("old2")
        .shows(running, "well");
}

#[test]
fn an_update_that_is_stuck_is_trouble() {
    let stuck = || {
        story("updates: {within: 1m}")
            .pod(cart("new1", "2").conditioned_since(0))
            .until(20)
            .pod(cart("new2", "2").pending().conditioned_since(20))
            .shows(updating, "updating: progress within 1m")
    };
    stuck().until(60).shows(pending, "pod-pending");
    stuck().pod(cart("new2", "2").crash_looping()).shows(failed, "pod-failed");
    // Others get on, and this one doesn't.
    stuck()
        .until(59)
        .pod(cart("new3", "2").conditioned_since(59))
        .until(79)
        .shows(updating, "updating: progress within 1m")
        .until(80)
        .shows(pending, "pod-pending");
}

#[test]
fn progress_excuses_no_pod_of_another_owner_and_none_without() {
    let progress = || story("updates: {within: 1m}").pod(cart("new1", "2").conditioned_since(0));
    progress().pod(pod("a").owned_by("StatefulSet", "cart").terminating()).shows(deleting, "pod-deleting");
    progress().pod(pod("a").terminating()).shows(deleting, "pod-deleting");
    progress().pod(cart("a", "2").within("bank").terminating()).shows(deleting, "pod-deleting");
    progress().pod(cart("a", "1").terminating()).shows(updating, "updating: progress within 1m");
}

#[test]
fn a_pod_that_starts_is_excused_and_one_that_lost_its_readiness_is_not() {
    let progress = || story("updates: {within: 1m}").pod(cart("new1", "2").conditioned_since(0));
    let starting = cart("new2", "2").of([container("main").running_since(-5).unready()]);
    let starting = starting.ready(Truth::False).conditioned_since(-8);
    progress().pod(starting).shows(updating, "updating: progress within 1m");
    progress().pod(cart("old", "1").unready()).shows(unready, "pod-unready");
}

#[test]
fn no_owner_matters_where_the_policy_says_so() {
    for text in ["updates: {within: 0s}", "preset: origin"] {
        let progress = story(text).pod(cart("new1", "2").conditioned_since(0));
        progress.pod(cart("old", "1").terminating()).shows(deleting, "pod-deleting");
    }
}

#[test]
fn conditions_of_a_node_count_as_the_policy_says() {
    let pressure = || node("n1").pressed(ConditionKind::DiskPressure, -60);
    let cordoned = "nodes: {cordoned: {counts: true}}";
    let deaf = "nodes: {not-ready: {counts: false}, pressure: {counts: false}}";
    for (text, node, pod, look, by) in [
        (
            "",
            node("n1").silent(),
            pod("a").crash_looping(),
            (|p| p.node_not_ready) as fn(&Palette) -> Look,
            "node-not-ready",
        ),
        (deaf, node("n1").silent(), pod("a"), running, "well"),
        ("", pressure(), pod("a").unready(), |p| p.node_pressure, "node-pressure"),
        ("", pressure(), pod("a").crash_looping(), failed, "pod-failed"),
        ("", pressure().silent(), pod("a"), |p| p.node_not_ready, "node-not-ready"),
        (deaf, pressure(), pod("a"), running, "well"),
        ("preset: origin", pressure(), pod("a"), running, "well"),
        ("", node("n1").cordoned(), pod("a"), running, "well"),
        (cordoned, node("n1").cordoned(), pod("a"), |p| p.node_cordoned, "node-cordoned"),
        (cordoned, node("n1").cordoned(), pod("a").unready(), unready, "pod-unready"),
        (cordoned, pressure().cordoned(), pod("a"), |p| p.node_pressure, "node-pressure"),
    ] {
        story(text).node(node).pod(pod).shows(look, by);
    }
}

#[test]
fn only_pods_that_the_policy_names_count() {
    for (text, counts) in [
        ("pods: {namespaces: {only: shop}}", true),
        ("pods: {namespaces: {only: bank}}", false),
        ("pods: {namespaces: {except: [shop]}}", false),
        ("pods: {labels: app=cart}", true),
        ("pods: {labels: '!app'}", false),
    ] {
        let story = story(text).pod(pod("a").within("shop").labelled("app", "cart").crash_looping());
        if counts {
            story.shows(failed, "pod-failed")
        } else {
            story.shows(|palette| palette.absent, "no-pods")
        };
    }
}

#[test]
fn a_night_dims_all_but_failures() {
    // It is noon.
    let text = "night: {from: '11:00', to: '13:00', zone: UTC, brightness: 20%}\nbrightness: 50%";
    let day = Policy::parse("").unwrap().palette;
    let percent = |look: Look, percent: u32| Look {
        color: look.color.map(|part| u8::try_from((u32::from(part) * percent).div_ceil(100)).unwrap()),
        ..look
    };
    let night = story(text).pod(pod("a")).shows(|_| percent(day.running, 20), "well");
    night.pod(pod("b").crash_looping()).shows(|_| percent(day.failed, 50), "pod-failed");
}

#[test]
fn a_policy_that_comes_later_holds_for_what_is_told_again() {
    let mut story = story("").pod(pod("a").crash_looping().conditioned_since(0)).shows(failed, "pod-failed");
    let policy = Policy::parse("states: {failed: {after: 30s}}\nnodes: {cordoned: {counts: true}}").unwrap();
    story.ledger.obey(policy.criteria.clone());
    story.policy = policy;
    story
        .node(node("n1").cordoned())
        .pod(pod("a").crash_looping().conditioned_since(0))
        .shows(unready, "grace: failed after 30s")
        .until(30)
        .shows(failed, "pod-failed")
        .pod(pod("a"))
        .shows(|palette| palette.node_cordoned, "node-cordoned");
}

#[test]
fn the_reason_says_what_the_rule_made_of_the_pod() {
    let text = |story: Story| reason(&story.ledger.verdict(&Scope::Cluster)).text;
    let grace = story("states: {failed: {after: 30s}}").pod(pod("a").crash_looping().conditioned_since(0));
    assert_eq!(text(grace), "default/a CrashLoopBackOff ×12, of late");
    let hold = story("states: {failed: {hold: 30s}}").pod(pod("a").crash_looping()).pod(pod("a"));
    assert_eq!(text(hold), "default/a CrashLoopBackOff ×12, until a moment ago");
    let updates = story("").pod(cart("b", "2").conditioned_since(0)).pod(cart("a", "1").terminating());
    assert_eq!(text(updates), "default/a Terminating, updating");
    let pressure = story("").node(node("n1").pressed(ConditionKind::PidPressure, -60)).pod(pod("a"));
    assert_eq!(text(pressure), "node n1 PIDPressure");
    let hidden = story("states: {pending: {after: 60s}}").pod(pod("a").pending().conditioned_since(0));
    assert_eq!(text(hidden), "1 pod running");
}

#[test]
fn what_is_held_or_excused_leaves_nothing_behind() {
    let text = "states: {failed: {after: 5s, hold: 30s}, pending: {after: 9s}}\nupdates: {within: 1m}";
    let mut story = story(text);
    for i in 0..50 {
        let own = |pod: Pod| pod.within(&format!("ns{i}")).owned_by("DaemonSet", &format!("d{i}"));
        let name = format!("p{i}");
        story = story.pod(own(pod(&name)).crash_looping()).pod(own(pod(&name)).pending().conditioned_since(0));
        story = story.pod(own(pod(&name)).conditioned_since(0)).pod(own(pod(&name)).terminating()).gone(&name);
    }
    story = story.until(61);
    assert_eq!(story.ledger.next_settle(), None);
    let fresh = Ledger::new(story.policy.criteria.clone());
    assert_eq!(story.ledger.remains(), fresh.remains());
}

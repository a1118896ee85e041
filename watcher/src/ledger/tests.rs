//! The ledger step by step, and against one that is made from scratch.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{NOW, at, node, pod};
use crate::object::Truth;
use crate::pod::Phase;

const READY: Footing<'static> = Footing::Firm { cordoned: false };

fn on(node: &str) -> Scope {
    Scope::Node(node.to_owned())
}

fn within(namespace: &str) -> Scope {
    Scope::Namespace(namespace.to_owned())
}

/// Two ready nodes, n1 and n2, and no pods; both lists complete, nothing changed since.
fn two_nodes() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.apply_node(node("n1"));
    ledger.apply_node(node("n2"));
    ledger.node(Change::Synced);
    ledger.pod(Change::Synced, NOW);
    ledger.take_changed();
    ledger
}

impl Ledger {
    fn apply(&mut self, pod: Pod) {
        self.pod(Change::Applied(pod), NOW);
    }

    fn apply_node(&mut self, node: Node) {
        self.node(Change::Applied(node));
    }

    fn delete(&mut self, pod: Pod) {
        self.pod(Change::Deleted(pod), NOW);
    }

    fn worst_state(&self, scope: &Scope) -> PodState {
        self.verdict(scope).tally.worst()
    }

    fn worst_name(&self, scope: &Scope) -> Option<String> {
        self.verdict(scope).worst.map(|worst| worst.name.to_string())
    }

    /// The nodes, the namespaces and whether the cluster may look different.
    fn changes(&mut self) -> (Vec<String>, Vec<String>, bool) {
        let changed = self.take_changed();
        let texts = |names: &BTreeSet<Arc<str>>| names.iter().map(|name| name.to_string()).collect();
        (texts(&changed.nodes), texts(&changed.namespaces), changed.cluster)
    }
}

fn nothing() -> (Vec<String>, Vec<String>, bool) {
    (Vec::new(), Vec::new(), false)
}

fn change(node: &str, namespace: &str) -> (Vec<String>, Vec<String>, bool) {
    (vec![node.to_owned()], vec![namespace.to_owned()], true)
}

#[test]
fn crash_looping_pod_turns_its_node_red() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").on("n1"));
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Running);
    ledger.apply(pod("a").on("n1").crash_looping());
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Failed);
    assert_eq!(ledger.worst_state(&on("n2")), PodState::Absent);
    assert_eq!(ledger.worst_state(&within("default")), PodState::Failed);
    assert_eq!(ledger.worst_state(&Scope::Cluster), PodState::Failed);
    ledger.delete(pod("a").on("n1"));
    assert!(ledger.verdict(&Scope::Cluster).tally.is_empty());
}

#[test]
fn pods_of_one_name_in_two_namespaces_are_two() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").within("shop").with_uid("1").on("n1"));
    ledger.apply(pod("a").within("bank").with_uid("2").on("n1").unready());
    assert_eq!(ledger.verdict(&on("n1")).tally.count(PodState::Running), 1);
    assert_eq!(ledger.worst_state(&within("shop")), PodState::Running);
    assert_eq!(ledger.worst_state(&within("bank")), PodState::Unready);
}

#[test]
fn a_late_deletion_leaves_the_successor_of_that_name() {
    let mut ledger = two_nodes();
    ledger.apply(pod("db-0").with_uid("old").on("n1"));
    ledger.apply(pod("db-0").with_uid("new").on("n1").pending());
    ledger.delete(pod("db-0").with_uid("old").on("n1"));
    let verdict = ledger.verdict(&on("n1")).tally;
    assert_eq!((verdict.count(PodState::Running), verdict.count(PodState::Pending)), (0, 1));
}

#[test]
fn what_a_list_did_not_name_goes_when_it_is_complete() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").on("n1"));
    ledger.apply(pod("b").on("n1").crash_looping());
    ledger.take_changed();
    ledger.pod(Change::Restart, NOW);
    ledger.pod(Change::Listed(pod("a").on("n1")), NOW);
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Failed, "old state stays visible");
    assert_eq!(ledger.changes(), nothing());
    ledger.pod(Change::Synced, NOW);
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Running);
    assert_eq!(ledger.changes(), change("n1", "default"));
}

#[test]
fn a_list_that_breaks_off_and_begins_anew_forgets_what_only_the_first_try_named() {
    let mut ledger = two_nodes();
    ledger.pod(Change::Restart, NOW);
    ledger.pod(Change::Listed(pod("a").on("n1")), NOW);
    ledger.pod(Change::Restart, NOW);
    ledger.pod(Change::Synced, NOW);
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Absent);
}

#[test]
fn what_changes_neither_color_nor_reason_marks_nothing() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").on("n1"));
    ledger.apply(pod("b").on("n1").crash_looping());
    assert_eq!(ledger.changes(), change("n1", "default"));
    ledger.apply(pod("a").on("n1").labelled("new", "label"));
    ledger.apply(pod("a").on("n1").annotated("podlight.dev/x", "y"));
    ledger.apply(pod("b").on("n1").crash_looping());
    ledger.apply_node(node("n1"));
    assert_eq!(ledger.changes(), nothing());
    assert!(ledger.take_changed().is_empty());

    let mut again = pod("b").on("n1").crash_looping();
    again.status.container_statuses[0].restart_count += 1;
    ledger.apply(again);
    assert_eq!(ledger.changes(), change("n1", "default"), "one more restart is another reason");
}

#[test]
fn the_worst_pod_is_the_one_that_has_been_so_for_longest() {
    let unready = |name, since| pod(name).on("n1").unready().conditioned_since(since);
    let mut ledger = two_nodes();
    for pod in [unready("young", -10), unready("old", -50), unready("b", -30), unready("a", -30)] {
        ledger.apply(pod);
    }
    for want in ["old", "a", "b", "young"] {
        for scope in [on("n1"), within("default"), Scope::Cluster] {
            assert_eq!(ledger.worst_name(&scope).as_deref(), Some(want), "{scope:?}");
        }
        ledger.delete(pod(want));
    }
    assert_eq!(ledger.worst_name(&Scope::Cluster), None);
}

#[test]
fn the_worst_pod_is_in_the_worst_state_however_short() {
    let mut ledger = two_nodes();
    ledger.apply(pod("old").on("n1").unready().conditioned_since(-900));
    ledger.apply(pod("new").on("n1").crash_looping().conditioned_since(-1));
    for scope in [on("n1"), within("default"), Scope::Cluster] {
        assert_eq!(ledger.worst_name(&scope).as_deref(), Some("new"), "{scope:?}");
        assert_eq!(ledger.verdict(&scope).worst.map(|worst| worst.state), Some(ledger.worst_state(&scope)));
    }
}

#[test]
fn pods_that_are_not_scheduled_count_for_namespace_and_cluster() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").pending());
    assert_eq!(ledger.worst_state(&within("default")), PodState::Pending);
    assert_eq!(ledger.worst_state(&Scope::Cluster), PodState::Pending);
    assert_eq!(ledger.changes().1, ["default"]);
    ledger.apply(pod("a").on("n2"));
    assert_eq!(ledger.worst_state(&on("n2")), PodState::Running);
    assert_eq!(ledger.verdict(&Scope::Cluster).tally.count(PodState::Pending), 0);
}

#[test]
fn a_pod_keeps_its_slot_and_the_next_one_takes_a_free_one() {
    use PodState::{Absent, Failed, Running};
    let mut ledger = two_nodes();
    for name in ["a", "b", "c"] {
        ledger.apply(pod(name).on("n1"));
    }
    ledger.apply(pod("b").on("n1").crash_looping());
    assert_eq!(ledger.verdict(&on("n1")).slots, [Running, Failed, Running]);
    ledger.delete(pod("a"));
    assert_eq!(ledger.verdict(&on("n1")).slots, [Absent, Failed, Running]);
    ledger.apply(pod("d").on("n1").completed());
    assert_eq!(ledger.verdict(&on("n1")).slots, [PodState::Completed, Failed, Running]);
    assert_eq!(ledger.verdict(&Scope::Cluster).slots, []);
}

#[test]
fn a_node_that_is_not_listed_is_unknown_and_not_well() {
    let mut ledger = Ledger::default();
    ledger.apply(pod("a").on("n1"));
    assert!(matches!(ledger.verdict(&on("n1")).footing, Footing::Unknown { node: "n1", .. }));
    ledger.take_changed();
    ledger.apply_node(node("n1"));
    assert_eq!(ledger.verdict(&on("n1")).footing, READY);
    assert_eq!(ledger.changes(), change("n1", "default"));
    ledger.node(Change::Deleted(node("n1")));
    assert!(matches!(ledger.verdict(&on("n1")).footing, Footing::Unknown { .. }));
    assert_eq!(ledger.worst_state(&Scope::Cluster), PodState::Running, "its pods count until they are gone");
}

#[test]
fn a_node_missed_by_a_list_is_unknown_when_the_list_is_complete() {
    let mut ledger = two_nodes();
    ledger.node(Change::Restart);
    ledger.node(Change::Listed(node("n2")));
    assert_eq!(ledger.verdict(&on("n1")).footing, READY);
    ledger.node(Change::Synced);
    assert!(matches!(ledger.verdict(&on("n1")).footing, Footing::Unknown { .. }));
    assert_eq!(ledger.changes(), (vec!["n1".to_owned()], vec![], true));
}

#[test]
fn a_silent_node_decides_over_the_cluster_and_the_namespaces_that_it_carries() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").within("shop").on("n1"));
    ledger.apply(pod("b").within("bank").on("n2"));
    ledger.take_changed();
    ledger.apply_node(node("n1").silent());
    let since = Some(at(-120));
    let silent = Footing::NotReady { node: "n1", why: "kubelet stopped posting node status", since };
    assert_eq!(ledger.verdict(&on("n1")).footing, silent);
    assert_eq!(ledger.verdict(&Scope::Cluster).footing, silent);
    assert_eq!(ledger.verdict(&within("shop")).footing, silent);
    assert_eq!(ledger.verdict(&within("bank")).footing, READY);
    assert_eq!(ledger.verdict(&on("n2")).footing, READY);
    assert_eq!(ledger.changes(), change("n1", "shop"));
    ledger.apply_node(node("n1"));
    assert_eq!(ledger.verdict(&Scope::Cluster).footing, READY);
}

#[test]
fn a_node_says_why_it_is_not_ready() {
    let mut ledger = two_nodes();
    ledger.apply_node(node("n1").ready(Truth::False, "container runtime is down."));
    ledger.apply_node(node("n2").ready(Truth::False, ""));
    let why = |name| match ledger.verdict(&on(name)).footing {
        Footing::NotReady { why, .. } => why.to_owned(),
        other @ (Footing::Firm { .. }
        | Footing::Cordoned { .. }
        | Footing::Pressed { .. }
        | Footing::Unknown { .. }) => panic!("{other:?}"),
    };
    assert_eq!((why("n1"), why("n2")), ("container runtime is down".to_owned(), "KubeletNotReady".to_owned()));
}

#[test]
fn a_node_without_a_ready_condition_is_unknown_and_yields_to_one_that_is_not_ready() {
    let mut ledger = two_nodes();
    let mut new = node("n0");
    new.status.conditions.clear();
    ledger.apply_node(new);
    let unknown = Footing::Unknown { node: "n0", why: "no Ready condition yet" };
    assert_eq!(ledger.verdict(&Scope::Cluster).footing, unknown);
    ledger.apply_node(node("n1").silent());
    assert!(matches!(ledger.verdict(&Scope::Cluster).footing, Footing::NotReady { node: "n1", .. }));
}

#[test]
fn a_cordoned_node_is_noted() {
    let mut ledger = two_nodes();
    ledger.apply_node(node("n1").cordoned());
    assert_eq!(ledger.verdict(&on("n1")).footing, Footing::Firm { cordoned: true });
    assert_eq!(ledger.verdict(&Scope::Cluster).footing, READY);
    assert_eq!(ledger.changes().0, ["n1"]);
}

#[test]
fn nothing_is_listed_before_both_lists_are_complete() {
    let mut ledger = Ledger::default();
    ledger.pod(Change::Restart, NOW);
    ledger.node(Change::Restart);
    ledger.pod(Change::Synced, NOW);
    assert!(!ledger.is_listed());
    ledger.node(Change::Synced);
    assert!(ledger.is_listed());
    ledger.pod(Change::Restart, NOW);
    assert!(ledger.is_listed(), "what was known is still shown while it is listed anew");
}

#[test]
fn time_alone_ends_a_doubt() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").on("n1").oom_killed(1, 1));
    ledger.take_changed();
    assert_eq!(ledger.next_settle(), Some(at(60)));
    ledger.settle(at(59));
    assert_eq!((ledger.worst_state(&on("n1")), ledger.changes()), (PodState::Failed, nothing()));
    ledger.settle(at(60));
    assert_eq!((ledger.worst_state(&on("n1")), ledger.changes()), (PodState::Running, change("n1", "default")));
    assert_eq!(ledger.next_settle(), None);
}

#[test]
fn what_is_heard_of_a_pod_replaces_what_time_would_make_of_it() {
    let mut ledger = two_nodes();
    ledger.apply(pod("a").on("n1").oom_killed(1, 1));
    ledger.apply(pod("a").on("n1").crash_looping());
    assert_eq!(ledger.next_settle(), None);
    ledger.apply(pod("a").on("n1").oom_killed(1, 1));
    ledger.delete(pod("a"));
    assert_eq!(ledger.next_settle(), None);
}

#[test]
fn only_pods_that_the_filter_admits_count() {
    let namespaces = BTreeSet::from(["shop".to_owned()]);
    let mut ledger = Ledger::new(Filter { namespaces, ..Filter::default() });
    ledger.apply(pod("a").on("n1").crash_looping());
    ledger.apply(pod("b").within("shop").on("n1"));
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Running);
    ledger.apply(pod("b").within("shop").on("n1").annotated(Pod::IGNORE, "true"));
    assert_eq!(ledger.worst_state(&on("n1")), PodState::Absent, "a pod may opt out while it runs");
}

#[test]
fn lights_are_found_whether_or_not_their_pods_count() {
    let excluded = BTreeSet::from(["podlight".to_owned()]);
    let mut ledger = Ledger::new(Filter { excluded, ..Filter::default() });
    let lightd = |name: &str, node, last| pod(name).on(node).lightd([10, 0, 0, last].into());
    let found = |ledger: &Ledger| {
        let lights = ledger.lights().map(|light| format!("{}={}", light.node, light.address));
        lights.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    ledger.apply(lightd("l1", "n1", 1));
    ledger.apply(lightd("l2", "n2", 2));
    assert_eq!(found(&ledger), "n1=10.0.0.1:50051 n2=10.0.0.2:50051");
    assert!(ledger.take_changed().lights);
    ledger.apply(lightd("l1", "n1", 1).labelled("a", "b"));
    assert!(!ledger.take_changed().lights);
    ledger.apply(lightd("l1", "n1", 3));
    ledger.apply(lightd("l2", "n2", 2).terminating());
    assert_eq!(found(&ledger), "n1=10.0.0.3:50051");
    assert!(ledger.take_changed().lights);
    ledger.pod(Change::Restart, NOW);
    assert_eq!(found(&ledger), "n1=10.0.0.3:50051");
    ledger.pod(Change::Synced, NOW);
    assert_eq!(found(&ledger), "");
    assert!(ledger.take_changed().lights);
    ledger.apply(lightd("l1", "n1", 1));
    ledger.delete(lightd("l1", "n1", 1));
    assert_eq!(found(&ledger), "");
}

#[test]
fn an_empty_ledger_keeps_nothing_of_those_who_were_there() {
    let mut ledger = two_nodes();
    for i in 0..50 {
        let pod = pod(&format!("p{i}")).within(&format!("ns{i}")).on(&format!("n{i}")).oom_killed(1, 1);
        ledger.apply(pod.clone());
        ledger.delete(pod);
    }
    assert_eq!(format!("{:?}", ledger.pods), format!("{:?}", Pods::default()));
}

/// What happens to a cluster, as the API or a gap in the watch lets one see it.
#[derive(Clone, Debug)]
enum Event {
    Pod(Pod),
    Gone(usize),
    Node(Node),
    NodeGone(usize),
    /// Time passes, in seconds.
    Time(i64),
    /// The watch of pods breaks; these pods come, go or change unseen; then it lists anew, at times after a vain try.
    PodGap(Vec<(usize, Option<Pod>)>, bool),
    /// The watch of nodes breaks; these nodes go unseen; then it lists anew.
    NodeGap(Vec<usize>),
}

const PODS: usize = 8;
const NODES: usize = 3;

fn any_pod() -> impl Strategy<Value = Pod> {
    (0..PODS, 0..=NODES, 0..2_usize, 0..9, 1..90_i64, 0..4_u32).prop_map(
        |(id, node, namespace, shape, ago, restarts)| {
            let pod = pod(&format!("pod{id}")).within(["shop", "bank"][namespace]);
            let pod = if node == NODES { pod } else { pod.on(&format!("n{node}")) };
            match shape {
                0 => pod,
                1 => pod.pending(),
                2 => pod.unready(),
                3 => pod.crash_looping(),
                4 => pod.completed(),
                5 => pod.terminating(),
                6 => pod.phase(Phase::Failed).bare().because("Evicted"),
                7 => pod.annotated(Pod::IGNORE, "true"),
                _ => pod.oom_killed(ago, restarts),
            }
        },
    )
}

fn any_node() -> impl Strategy<Value = Node> {
    (0..NODES, 0..4).prop_map(|(id, shape)| {
        let node = node(&format!("n{id}"));
        match shape {
            0 => node.silent(),
            1 => node.cordoned(),
            _ => node,
        }
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let unseen = prop::collection::vec((0..PODS, prop::option::of(any_pod())), 0..4);
    prop_oneof![
        8 => any_pod().prop_map(Event::Pod),
        2 => (0..PODS).prop_map(Event::Gone),
        2 => any_node().prop_map(Event::Node),
        1 => (0..NODES).prop_map(Event::NodeGone),
        2 => (0..100_i64).prop_map(Event::Time),
        1 => (unseen, any::<bool>()).prop_map(|(unseen, vain)| Event::PodGap(unseen, vain)),
        1 => prop::collection::vec(0..NODES, 0..2).prop_map(Event::NodeGap),
    ]
}

/// The cluster as it is.
#[derive(Default)]
struct Model {
    pods: BTreeMap<String, Pod>,
    nodes: BTreeMap<String, Node>,
    now: i64,
}

impl Model {
    /// Lets it happen, and tells the ledger what a watch would.
    fn happen(&mut self, event: Event, ledger: &mut Ledger) {
        let now = at(self.now);
        match event {
            Event::Pod(pod) => {
                self.pods.insert(pod.name().to_owned(), pod.clone());
                ledger.pod(Change::Applied(pod), now);
            }
            Event::Gone(id) => {
                if let Some(pod) = self.pods.remove(&format!("pod{id}")) {
                    ledger.pod(Change::Deleted(pod), now);
                }
            }
            Event::Node(node) => {
                self.nodes.insert(node.name().to_owned(), node.clone());
                ledger.node(Change::Applied(node));
            }
            Event::NodeGone(id) => {
                if let Some(node) = self.nodes.remove(&format!("n{id}")) {
                    ledger.node(Change::Deleted(node));
                }
            }
            Event::Time(seconds) => {
                self.now += seconds;
                ledger.settle(at(self.now));
            }
            Event::PodGap(unseen, vain) => {
                if vain {
                    ledger.pod(Change::Restart, now);
                    self.pods.values().take(2).for_each(|pod| ledger.pod(Change::Listed(pod.clone()), now));
                }
                for (id, pod) in unseen {
                    self.pods.remove(&format!("pod{id}"));
                    self.pods.extend(pod.map(|pod| (pod.name().to_owned(), pod)));
                }
                ledger.pod(Change::Restart, now);
                self.pods.values().for_each(|pod| ledger.pod(Change::Listed(pod.clone()), now));
                ledger.pod(Change::Synced, now);
            }
            Event::NodeGap(unseen) => {
                for id in unseen {
                    self.nodes.remove(&format!("n{id}"));
                }
                ledger.node(Change::Restart);
                self.nodes.values().for_each(|node| ledger.node(Change::Listed(node.clone())));
                ledger.node(Change::Synced);
            }
        }
    }

    /// A ledger that knows nothing but what is now.
    fn afresh(&self) -> Ledger {
        let mut ledger = Ledger::default();
        self.nodes.values().for_each(|node| ledger.apply_node(node.clone()));
        self.pods.values().for_each(|pod| ledger.pod(Change::Applied(pod.clone()), at(self.now)));
        ledger
    }
}

fn scopes() -> Vec<Scope> {
    let nodes = (0..=NODES).map(|id| on(&format!("n{id}")));
    nodes.chain(["shop", "bank", "none"].map(within)).chain([Scope::Cluster]).collect()
}

/// All that a verdict says but for the slots' places, which depend on what came first.
fn said(verdict: &Verdict<'_>) -> String {
    let mut slots: Vec<_> = verdict.slots.iter().filter(|state| **state != PodState::Absent).collect();
    slots.sort();
    format!("{:?} {:?} {:?} {slots:?}", verdict.footing, verdict.tally, verdict.worst)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn step_by_step_comes_to_the_same_as_afresh(events in prop::collection::vec(any_event(), 0..60)) {
        let (mut model, mut ledger) = (Model::default(), Ledger::default());
        let mut shown: Vec<String> = scopes().iter().map(|scope| said(&ledger.verdict(scope))).collect();
        for event in events {
            model.happen(event, &mut ledger);
            let scratch = model.afresh();
            let changed = ledger.take_changed();
            for (scope, shown) in scopes().iter().zip(&mut shown) {
                let now = said(&ledger.verdict(scope));
                prop_assert_eq!(&now, &said(&scratch.verdict(scope)), "{:?}", scope);
                prop_assert!(changed.touches(scope) || now == *shown, "{:?} changed unmarked", scope);
                *shown = now;
            }
            prop_assert_eq!(ledger.next_settle(), scratch.next_settle());
        }
    }

    #[test]
    fn a_pod_keeps_its_slot_for_life(events in prop::collection::vec(any_event(), 0..60)) {
        let (mut model, mut ledger) = (Model::default(), Ledger::default());
        for event in events {
            let before = places(&ledger);
            model.happen(event, &mut ledger);
            let after = places(&ledger);
            for (pod, place) in &before {
                let stays = after.get(pod).is_some_and(|(node, _)| *node == place.0);
                prop_assert!(!stays || after[pod] == *place, "{pod} moved");
            }
            let taken: BTreeSet<_> = after.values().collect();
            prop_assert_eq!(taken.len(), after.len(), "a slot is one pod's");
        }
    }
}

/// The troubled pods' nodes and slots, by name.
fn places(ledger: &Ledger) -> BTreeMap<String, (String, usize)> {
    let mut places = BTreeMap::new();
    for name in (0..NODES).map(|id| format!("n{id}")).chain([String::new()]) {
        for (slot, pod) in ledger.pods.on(&name).enumerate() {
            if let Some(trouble) = pod.and_then(Entry::trouble) {
                places.insert(trouble.name.to_string(), (name.clone(), slot));
            }
        }
    }
    places
}

//! The ledger's timers, against a model that looks at every pod every second.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::criteria::Criteria;
use crate::fixtures::{NOW, at, pod};
use crate::standing::Standing;
use crate::timing::Patience;

#[derive(Clone, Debug)]
enum Event {
    Pod(usize, usize, usize),
    Gone(usize),
    /// Time passes, in seconds.
    Time(i64),
}

/// A pod in one of these shapes, as the API would tell of it at `now`.
fn shaped(id: usize, owner: usize, shape: usize, now: i64) -> Pod {
    let pod = pod(&format!("p{id}")).on("n1");
    let pod = match shape {
        0 => pod.conditioned_since(now),
        1 => pod.pending().conditioned_since(now),
        2 => pod.unready().conditioned_since(now - 1),
        3 => pod.crash_looping().conditioned_since(now),
        4 => pod.terminating_since(now - 2),
        5 => pod.oom_killed(-now, 1),
        6 => pod.unready().conditioned_since(-3600),
        _ => pod,
    };
    if owner == 2 { pod } else { pod.owned_by("DaemonSet", &format!("d{owner}")) }
}

struct Model {
    timing: Timing,
    now: i64,
    pods: BTreeMap<usize, Known>,
    /// When each owner's pods became ready.
    steps: BTreeMap<String, Vec<Timestamp>>,
}

struct Known {
    standing: Standing<'static>,
    since: Timestamp,
    excused_by: Option<String>,
    shows: PodState,
    held: Option<(PodState, Timestamp)>,
}

impl Model {
    fn put(&mut self, id: usize, pod: &Pod) {
        let now = at(self.now);
        let standing = standing(pod, now).into_owned();
        let work = owner::work(pod, standing.state, now, |_| true);
        if let Some((owner, done)) = work.as_ref().and_then(|work| Some((work.owner.clone(), work.done?))) {
            self.steps.entry(owner).or_default().push(done);
        }
        let told = standing.since.unwrap_or(now).min(now);
        let old = self.pods.remove(&id);
        let same = old.as_ref().filter(|old| old.standing.state == standing.state);
        self.pods.insert(
            id,
            Known {
                since: same.map_or(told, |old| old.since.min(told)),
                excused_by: work.filter(|work| work.excusable).map(|work| work.owner),
                shows: old.as_ref().map_or(PodState::Absent, |old| old.shows),
                held: old.and_then(|old| old.held),
                standing,
            },
        );
        self.look();
    }

    fn look(&mut self) {
        let now = at(self.now);
        let Self { timing, pods, steps, .. } = self;
        let within = |from: Timestamp, time: Duration| now < later(from, time);
        for known in pods.values_mut() {
            if known.standing.later.as_ref().is_some_and(|later| later.at <= now) {
                known.standing.settle(now);
                known.since = known.standing.since.unwrap_or(now).min(now);
            }
            let steps = known.excused_by.as_ref().and_then(|owner| steps.get(owner));
            let progress = steps.is_some_and(|steps| steps.iter().any(|step| within(*step, timing.updating)));
            let young = |state: PodState| within(known.since, timing.of(state).after);
            let is = known.standing.state;
            let base = if progress && within(known.since, timing.updating) {
                PodState::Updating
            } else if is == PodState::Failed && young(is) && !young(PodState::Unready) {
                PodState::Unready
            } else if young(is) {
                PodState::Running
            } else {
                is
            };
            let hold = timing.of(known.shows).hold;
            known.held = match known.held {
                Some((state, until)) => Some((state, until)).filter(|_| state > base && until > now),
                None => Some((known.shows, later(now, hold))).filter(|_| known.shows > base && !hold.is_zero()),
            };
            known.shows = known.held.map_or(base, |(state, _)| state);
        }
    }
}

fn patience() -> impl Strategy<Value = Patience> {
    (0..9_u64, 0..9_u64)
        .prop_map(|(after, hold)| Patience { after: Duration::from_secs(after), hold: Duration::from_secs(hold) })
}

fn timing() -> impl Strategy<Value = Timing> {
    (patience(), patience(), patience(), patience(), 0..15_u64).prop_map(
        |(unready, pending, deleting, failed, updating)| Timing {
            unready,
            pending,
            deleting,
            failed,
            updating: Duration::from_secs(updating),
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..4_usize, 0..3_usize, 0..8_usize).prop_map(|(id, owner, shape)| Event::Pod(id, owner, shape)),
        1 => (0..4_usize).prop_map(Event::Gone),
        4 => (0..8_i64).prop_map(Event::Time),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_shows_is_what_a_look_each_second_comes_to(timing in timing(), events in prop::collection::vec(event(), 0..50)) {
        let mut ledger = Ledger::new(Criteria { timing, ..Criteria::default() });
        let mut model = Model { timing, now: 0, pods: BTreeMap::new(), steps: BTreeMap::new() };
        for event in events {
            match event {
                Event::Pod(id, owner, shape) => {
                    let pod = shaped(id, owner, shape, model.now);
                    model.put(id, &pod);
                    ledger.pod(Change::Applied(pod), at(model.now));
                }
                Event::Gone(id) => {
                    model.pods.remove(&id);
                    ledger.pod(Change::Deleted(pod(&format!("p{id}"))), at(model.now));
                }
                Event::Time(seconds) => {
                    for _ in 0..seconds {
                        model.now += 1;
                        model.look();
                        if ledger.next_settle().is_some_and(|next| next <= at(model.now)) {
                            ledger.settle(at(model.now));
                        }
                        prop_assert_eq!(tally(&ledger), tally_of(&model), "at {}", model.now);
                    }
                }
            }
            prop_assert_eq!(tally(&ledger), tally_of(&model), "at {}", model.now);
            prop_assert!(ledger.next_settle().is_none_or(|next| next > at(model.now)));
        }
        // In the end nothing moves any more, and nothing is left of pods that are gone.
        for _ in 0..100 {
            ledger.next_settle().into_iter().for_each(|next| ledger.settle(next));
        }
        prop_assert_eq!(ledger.next_settle(), None);
        (0..4).for_each(|id| ledger.pod(Change::Deleted(pod(&format!("p{id}"))), NOW));
        prop_assert_eq!(ledger.remains(), Ledger::new(Criteria { timing, ..Criteria::default() }).remains());
    }
}

fn tally(ledger: &Ledger) -> Tally {
    ledger.verdict(&Scope::Cluster).tally
}

fn tally_of(model: &Model) -> Tally {
    model.pods.values().map(|known| known.shows).collect()
}

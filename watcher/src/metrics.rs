//! Pure: what Prometheus reads of the watcher. docs/metrics.md says what each metric means, and how many series there are.

use std::time::{Duration, Instant};

use podlight_metrics::Page;
use podlight_proto::v1::Verdict;
use podlight_proto::v1::node_light::Condition;

use crate::figures::{Cluster, Counts, Figures};
use crate::freshness::{Freshness, Watch};
use crate::source::Reloads;
use crate::standing::PodState;
use crate::vouch::Term;

/// All metrics at `now`.
pub(crate) fn page(
    figures: &Figures,
    freshness: &Freshness,
    term: Option<Term>,
    reloads: &Reloads,
    now: Instant,
) -> Page {
    let mut page = Page::default();
    page.gauge("podlight_build_info", "1, with the version that runs.")
        .of(&[("component", "watcher"), ("version", env!("CARGO_PKG_VERSION"))], true);
    if let Some(known) = &figures.cluster {
        cluster(&mut page, known);
    }
    lights(&mut page, figures);
    api(&mut page, &figures.counts, freshness, now);
    page.gauge(
        "podlight_api_fresh",
        "1 while what is known may be told to lights, 0 once the API was silent for too long.",
    )
    .is(figures.fresh);
    page.gauge("podlight_leader", "1 for the watcher that tells the lights, 0 for one that stands by.")
        .is(figures.leads);
    page.gauge("podlight_epoch", "The epoch under which this watcher tells the lights; 0 while it doesn't.")
        .is(term.filter(|_| figures.leads).map_or(0, |term| term.epoch));
    page.counter("podlight_policy_reloads_total", "Changes of the policy file, by what became of them.")
        .of(&[("outcome", "taken")], reloads.taken)
        .of(&[("outcome", "refused")], reloads.refused);
    page.gauge("podlight_policy_refused", "1 while the policy file is a bad one, and the last good one holds.")
        .is(reloads.fault.is_some());
    page
}

fn cluster(page: &mut Page, known: &Cluster) {
    let mut pods = page.gauge("podlight_pods", "Pods that count, by what they are to a light.");
    for state in PodState::ALL.into_iter().filter(|state| *state > PodState::Absent) {
        pods.of(&[("state", state.word())], known.pods.count(state));
    }
    let help = "Pods that aren't as they should be, by node. None where there are none.";
    let mut pods = page.gauge("podlight_node_pods", help);
    for (node, tally) in &known.troubled {
        for state in PodState::ALL.into_iter().filter(|state| *state > PodState::Updating) {
            let count = tally.count(state);
            if count > 0 {
                pods.of(&[("node", node), ("state", state.word())], count);
            }
        }
    }
    let mut nodes = page.gauge("podlight_nodes", "Nodes, by what they have come to.");
    // As the contract calls them, in its order; 0 is none.
    for verdict in (1..).map_while(|number| Verdict::try_from(number).ok()) {
        let name = verdict.as_str_name().to_lowercase();
        nodes.of(&[("verdict", &name)], known.nodes.iter().filter(|known| **known == verdict).count());
    }
    let mut lights = page.gauge("podlight_lights", "Lights, by how they are; unknown to a watcher that stands by.");
    let conditions = (1..).map_while(|number| Condition::try_from(number).ok());
    for condition in conditions.filter(|condition| *condition != Condition::None) {
        let name = condition.as_str_name().to_lowercase();
        lights.of(&[("condition", &name)], known.lights.iter().filter(|known| **known == condition).count());
    }
}

fn lights(page: &mut Page, Figures { counts, .. }: &Figures) {
    page.counter("podlight_light_reconnects_total", "Streams to lights that were opened after a light's first.")
        .is(counts.reconnects);
    let help = "Time from when a change was taken in until a light acknowledged what it made of it.";
    page.histogram("podlight_light_acknowledgement_seconds", help, &counts.acknowledged);
}

fn api(page: &mut Page, counts: &Counts, freshness: &Freshness, now: Instant) {
    let watches = [Watch::Pods, Watch::Nodes];
    let age = |heard: Option<Instant>| heard.map(|heard| now.saturating_duration_since(heard));
    let heard = watches.map(|watch| (watch.resource(), age(freshness.read(watch))));
    let stored: (_, Option<Duration>) = ("store", age(freshness.stored()));
    let help =
        "Time since the last word of a watch, and since the API was last asked what only its store could answer.";
    let mut ages = page.gauge("podlight_api_silence_seconds", help);
    for (source, age) in heard.into_iter().chain([stored]) {
        if let Some(age) = age {
            ages.of(&[("source", source)], age);
        }
    }
    let mut changes = page.counter("podlight_watch_changes_total", "Changes that a watch told of, lists left out.");
    for watch in watches {
        changes.of(&[("resource", watch.resource())], counts.of(watch).changes);
    }
    let mut restarts =
        page.counter("podlight_watch_restarts_total", "Times that a watch began anew, with a list of all.");
    for watch in watches {
        restarts.of(&[("resource", watch.resource())], counts.of(watch).restarts());
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use super::*;
    use crate::ledger::Change;

    const SECOND: Duration = Duration::from_secs(1);

    fn figures() -> Figures {
        Figures { counts: Counts::default(), cluster: None, fresh: true, leads: true }
    }

    fn samples(figures: &Figures, freshness: &Freshness, now: Instant) -> Vec<String> {
        let reloads = Reloads { taken: 2, refused: 1, fault: Some("line 1".to_owned()) };
        let text = page(figures, freshness, Some(Term { epoch: 7, until: None }), &reloads, now).into_text();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    fn has(samples: &[String], sample: &str) {
        assert!(samples.iter().any(|known| known == sample), "{sample}: {samples:#?}");
    }

    #[test]
    fn a_node_is_named_only_for_pods_that_are_not_as_they_should_be() {
        use PodState::{Completed, Failed, Pending, Running};
        let cluster = Cluster {
            pods: [Running, Running, Failed, Pending, Pending].into_iter().collect(),
            troubled: vec![("n1".into(), [Running, Completed, Failed, Pending, Pending].into_iter().collect())],
            nodes: vec![Verdict::Failed, Verdict::Running, Verdict::Running],
            lights: vec![Condition::Shows, Condition::OutOfReach],
        };
        let now = Instant::now();
        let samples = samples(&Figures { cluster: Some(cluster), ..figures() }, &Freshness::new(SECOND, now), now);
        for sample in [
            "podlight_pods{state=\"running\"} 2",
            "podlight_pods{state=\"deleting\"} 0",
            "podlight_node_pods{node=\"n1\",state=\"failed\"} 1",
            "podlight_node_pods{node=\"n1\",state=\"pending\"} 2",
            "podlight_nodes{verdict=\"running\"} 2",
            "podlight_nodes{verdict=\"node_not_ready\"} 0",
            "podlight_lights{condition=\"out_of_reach\"} 1",
            "podlight_lights{condition=\"stale\"} 0",
            "podlight_leader 1",
            "podlight_epoch 7",
            "podlight_policy_reloads_total{outcome=\"taken\"} 2",
            "podlight_policy_reloads_total{outcome=\"refused\"} 1",
            "podlight_policy_refused 1",
        ] {
            has(&samples, sample);
        }
        assert_eq!(samples.iter().filter(|sample| sample.contains("node=")).count(), 2);
    }

    #[test]
    fn half_the_truth_is_not_counted() {
        let now = Instant::now();
        let samples = samples(&figures(), &Freshness::new(SECOND, now), now);
        assert!(!samples.iter().any(|sample| sample.starts_with("podlight_pods") || sample.contains("verdict")));
        has(&samples, "podlight_light_reconnects_total 0");
    }

    #[test]
    fn silence_is_measured_since_the_last_word_of_each_source() {
        let now = Instant::now();
        let mut freshness = Freshness::new(30 * SECOND, now);
        freshness.heard(Watch::Pods, now);
        freshness.reads(now + SECOND);
        let samples = samples(&figures(), &freshness, now + 3 * SECOND);
        has(&samples, "podlight_api_silence_seconds{source=\"pods\"} 3");
        has(&samples, "podlight_api_silence_seconds{source=\"store\"} 2");
        assert!(!samples.iter().any(|sample| sample.contains("{source=\"nodes\"")));
    }

    #[test]
    fn lists_are_restarts_but_for_the_first_and_a_listed_object_is_no_change() {
        let now = Instant::now();
        let mut figures = figures();
        let steps = [Change::Restart, Change::Listed(()), Change::Synced, Change::Applied(()), Change::Deleted(())];
        steps.iter().for_each(|step| figures.counts.pods.takes(step));
        figures.counts.pods.takes(&Change::<()>::Restart);
        let samples = samples(&Figures { leads: false, ..figures }, &Freshness::new(SECOND, now), now);
        has(&samples, "podlight_watch_changes_total{resource=\"pods\"} 2");
        has(&samples, "podlight_watch_restarts_total{resource=\"pods\"} 1");
        has(&samples, "podlight_watch_restarts_total{resource=\"nodes\"} 0");
        has(&samples, "podlight_epoch 0");
    }
}

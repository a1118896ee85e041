//! What is known of a light: what it said last, and on what terms it is with us. Refuses to know how it is reached, and what
//! it should show.

use std::time::{Duration, Instant};

use podlight_proto::v1::node_light::Condition;
use podlight_proto::v1::{Layer, LightState, NodeLight};

/// A light, as last heard of.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    terms: Terms,
    /// Why they aren't good.
    why: String,
    /// What it said, and when.
    state: Option<(LightState, Instant)>,
}

/// How we and a light are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Not tried yet.
    #[default]
    Untried,
    /// Shows what it was told.
    Obeys,
    /// Obeys a newer watcher.
    Fenced,
    /// Found fault with what it was told.
    Refuses,
    /// Can't be reached, or doesn't answer.
    Down,
}

const UNTRIED: &str = "not reached yet";

impl Seen {
    /// It says that it is so, at `now`. True where that is news: time that passes is none.
    pub(crate) fn says(&mut self, state: LightState, now: Instant) -> bool {
        let face = |state: &LightState| (state.layer, state.led_count);
        let news = self.state.as_ref().is_none_or(|(old, _)| {
            face(old) != face(&state)
                || (&old.reason, &old.owner) != (&state.reason, &state.owner)
                || (&old.leds, &old.sticks) != (&state.leds, &state.sticks)
        });
        self.state = Some((state, now));
        news
    }

    /// It says at `now` what it said last, with as much time left as then.
    pub(crate) fn repeats(&mut self, now: Instant) {
        if let Some((_, said)) = &mut self.state {
            *said = now;
        }
    }

    /// We are on these terms, and why. True where that is news.
    pub(crate) fn stands(&mut self, terms: Terms, why: String) -> bool {
        if terms == Terms::Down {
            // What it said is no longer so.
            self.state = None;
        }
        let news = (self.terms, &self.why) != (terms, &why);
        (self.terms, self.why) = (terms, why);
        news
    }

    /// How many LEDs it said that it has.
    pub(crate) fn leds(&self) -> Option<usize> {
        let (state, _) = self.state.as_ref()?;
        usize::try_from(state.led_count).ok().filter(|leds| *leds > 0)
    }

    /// Why it can't be reached, or doesn't do as it is told.
    pub(crate) fn why(&self) -> &str {
        if self.terms == Terms::Untried { UNTRIED } else { &self.why }
    }

    /// The light at `url`, as it is `now`. Only a watcher that `leads` can tell.
    pub(crate) fn light(&self, url: &str, leads: bool, now: Instant) -> NodeLight {
        let state = self.state.as_ref().map(|(state, said)| aged(state, now.saturating_duration_since(*said)));
        let (condition, problem) = self.stand(leads);
        NodeLight { condition: condition.into(), problem: problem.to_owned(), url: url.to_owned(), state }
    }

    /// How the light is. Only a watcher that `leads` can tell.
    pub(crate) fn condition(&self, leads: bool) -> Condition {
        self.stand(leads).0
    }

    /// How the light is, and what is wrong with it.
    fn stand(&self, leads: bool) -> (Condition, &str) {
        match (self.terms, &self.state) {
            _ if !leads => (Condition::Unknown, "only the watcher that leads can tell"),
            (Terms::Untried, _) => (Condition::OutOfReach, UNTRIED),
            (Terms::Down, _) => (Condition::OutOfReach, &self.why),
            (Terms::Fenced, _) => (Condition::Fenced, &self.why),
            (Terms::Refuses, _) => (Condition::Refuses, &self.why),
            (Terms::Obeys, Some((state, _))) => of(state),
            (Terms::Obeys, None) => (Condition::Shows, ""),
        }
    }
}

/// How a light is that can be reached.
fn of(state: &LightState) -> (Condition, &str) {
    let absent = state.sticks.iter().all(|stick| !stick.present);
    match (state.sticks.first(), state.layer()) {
        (Some(first), _) if absent => (Condition::NoStick, &first.problem),
        (_, Layer::Identify | Layer::Manual) => (Condition::Held, ""),
        (_, Layer::Stale | Layer::Idle) => (Condition::Stale, &state.reason),
        (_, Layer::Watcher | Layer::Unspecified) => (Condition::Shows, ""),
    }
}

/// The state, so long after it was said.
fn aged(state: &LightState, age: Duration) -> LightState {
    let left = |remaining: Option<prost_types::Duration>| {
        let left = Duration::try_from(remaining?).unwrap_or_default().saturating_sub(age);
        prost_types::Duration::try_from(left).ok()
    };
    let mut state = state.clone();
    state.remaining = left(state.remaining);
    if let Some(watcher) = &mut state.watcher {
        watcher.remaining = left(watcher.remaining);
    }
    state
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
mod tests {
    use podlight_proto::v1::{StickState, WatcherState};

    use super::*;

    fn state(layer: Layer) -> LightState {
        let stick = StickState { name: "usb".to_owned(), present: true, ..StickState::default() };
        LightState { layer: layer.into(), led_count: 2, sticks: vec![stick], ..LightState::default() }
    }

    fn seconds(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    #[test]
    fn a_light_is_as_it_says_and_on_the_terms_that_it_is_on() {
        let now = Instant::now();
        let absent = StickState { problem: "no BlinkStick found".to_owned(), ..StickState::default() };
        for (terms, state, want, problem) in [
            (Terms::Untried, None, Condition::OutOfReach, "not reached yet"),
            (Terms::Down, Some(state(Layer::Watcher)), Condition::OutOfReach, "why"),
            (Terms::Fenced, Some(state(Layer::Watcher)), Condition::Fenced, "why"),
            (Terms::Refuses, Some(state(Layer::Watcher)), Condition::Refuses, "why"),
            (Terms::Obeys, Some(state(Layer::Watcher)), Condition::Shows, ""),
            (Terms::Obeys, Some(state(Layer::Manual)), Condition::Held, ""),
            (Terms::Obeys, Some(state(Layer::Identify)), Condition::Held, ""),
            (Terms::Obeys, Some(state(Layer::Stale)), Condition::Stale, ""),
            (Terms::Obeys, Some(state(Layer::Idle)), Condition::Stale, ""),
            (
                Terms::Obeys,
                Some(LightState { sticks: vec![absent], ..state(Layer::Manual) }),
                Condition::NoStick,
                "no BlinkStick found",
            ),
        ] {
            let mut seen = Seen::default();
            if let Some(state) = state {
                seen.says(state, now);
            }
            seen.stands(terms, if terms == Terms::Obeys { String::new() } else { "why".to_owned() });
            let light = seen.light("http://desk:1", true, now);
            assert_eq!((light.condition(), light.problem.as_str()), (want, problem), "{terms:?}");
            assert_eq!(light.state.is_some(), terms != Terms::Untried && terms != Terms::Down);
            assert_eq!(seen.light("http://desk:1", false, now).condition(), Condition::Unknown);
        }
    }

    #[test]
    fn time_that_passes_is_no_news_and_shortens_what_is_left() {
        let now = Instant::now();
        let mut seen = Seen::default();
        let watcher = WatcherState { remaining: seconds(15), ..WatcherState::default() };
        let mut state = LightState { remaining: seconds(15), watcher: Some(watcher), ..state(Layer::Watcher) };
        assert!(seen.says(state.clone(), now) && seen.stands(Terms::Obeys, String::new()));
        state.remaining = seconds(14);
        assert!(!seen.says(state.clone(), now) && !seen.stands(Terms::Obeys, String::new()));
        for (later, left, lease) in [(4, 10, 11), (14, 0, 1), (60, 0, 0)] {
            let said = seen.light("", true, now + Duration::from_secs(later)).state.unwrap();
            assert_eq!((said.remaining, said.watcher.unwrap().remaining), (seconds(left), seconds(lease)));
        }
        let later = now + Duration::from_secs(60);
        seen.repeats(later);
        assert_eq!(seen.light("", true, later).state.unwrap().remaining, seconds(14));
        state.layer = Layer::Stale.into();
        assert!(seen.says(state, now));
    }

    #[test]
    fn how_many_leds_there_are_is_unknown_until_it_is_said() {
        let mut seen = Seen::default();
        assert_eq!(seen.leds(), None);
        seen.says(LightState::default(), Instant::now());
        assert_eq!(seen.leds(), None);
        seen.says(state(Layer::Idle), Instant::now());
        assert_eq!(seen.leds(), Some(2));
    }
}

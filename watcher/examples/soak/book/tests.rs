//! That what is a lie is called one, and nothing else.

use super::*;
use crate::face::Face;

const SECOND: Duration = Duration::from_secs(1);
const RED: Color = Color::rgb(50, 0, 0);
const GREEN: Color = Color::rgb(0, 25, 0);

/// A light, and the time that has passed.
struct Desk {
    book: Book,
    now: Instant,
}

const FIRM: Footing = Footing::Firm { cordoned: false };

fn crowd(color: Color, why: &str) -> Crowd {
    Crowd { look: (color, Effect::Solid), whys: vec![why.to_owned()], well: color == GREEN, later: None }
}

fn face(color: Color, why: &str) -> Shown {
    Shown::Face(Face { color, effect: Effect::Solid, why: why.to_owned() })
}

impl Desk {
    /// Long after the last fault, with a light that is to be green.
    fn calm() -> Self {
        #[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
        let mut desk = Self { book: Book::new(1, Instant::now()), now: Instant::now() };
        desk.is("well");
        desk.wait(HEALED + 20 * SECOND);
        desk
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    /// Green is true, for this reason.
    fn is(&mut self, why: &str) {
        self.book.truth(0, FIRM, crowd(GREEN, why), self.now);
    }

    fn begins(&mut self, kind: Kind) {
        self.book.begin(kind, &[0], self.now);
    }

    fn ends(&mut self, kind: Kind) {
        self.book.end(kind, &[0], self.now);
    }

    fn may(&mut self, shown: &Shown) -> bool {
        self.book.look(0, shown, (self.now, self.now), Duration::ZERO).is_ok()
    }
}

#[test]
fn in_calm_only_the_present_may_be_shown() {
    let mut desk = Desk::calm();
    assert!(desk.may(&face(GREEN, "well")));
    for lie in [face(RED, "well"), face(GREEN, "worse"), Shown::Stale, Shown::Idle, Shown::Odd(String::new())] {
        assert!(!desk.may(&lie), "{lie}");
    }
}

#[test]
fn a_change_may_be_in_flight_but_not_for_long() {
    let mut desk = Desk::calm();
    desk.is("better");
    assert!(desk.may(&face(GREEN, "better")) && desk.may(&face(GREEN, "well")));
    desk.wait(FLIGHT);
    assert!(desk.may(&face(GREEN, "well")));
    desk.wait(SECOND);
    assert!(desk.may(&face(GREEN, "better")) && !desk.may(&face(GREEN, "well")));
}

#[test]
fn what_was_known_goes_on_to_change_with_time() {
    let mut desk = Desk::calm();
    let later = Some((desk.now + SECOND, Box::new(crowd(GREEN, "in time"))));
    desk.book.truth(0, FIRM, Crowd { later, ..crowd(RED, "doubt") }, desk.now);
    assert!(!desk.may(&face(GREEN, "in time")));
    desk.wait(SECOND);
    desk.is("something else by then");
    assert!(desk.may(&face(GREEN, "in time")));
    desk.wait(FLIGHT + SECOND);
    assert!(!desk.may(&face(GREEN, "in time")));
}

#[test]
fn nodes_and_pods_may_be_known_from_different_moments() {
    let mut desk = Desk::calm();
    desk.book.truth(0, Footing::Firm { cordoned: true }, crowd(GREEN, "better"), desk.now);
    for why in ["well", "better", "well, node cordoned", "better, node cordoned"] {
        assert!(desk.may(&face(GREEN, why)), "{why}");
    }
    desk.wait(FLIGHT + SECOND);
    assert!(desk.may(&face(GREEN, "better, node cordoned")) && !desk.may(&face(GREEN, "better")));
}

#[test]
fn a_node_that_decides_beats_its_pods() {
    let mut desk = Desk::calm();
    let lost = Face { color: RED, effect: Effect::Blink, why: "node n NotReady:".to_owned() };
    desk.book.truth(0, Footing::Decides(lost.clone()), crowd(GREEN, "well"), desk.now);
    desk.wait(FLIGHT + SECOND);
    assert!(desk.may(&Shown::Face(lost)) && !desk.may(&face(GREEN, "well")));
}

#[test]
fn what_will_be_true_may_not_be_shown_yet() {
    let mut desk = Desk::calm();
    assert!(!desk.may(&face(GREEN, "better")));
    desk.is("better");
    assert!(desk.may(&face(GREEN, "better")));
}

#[test]
fn under_a_fault_a_light_may_be_stale_or_a_little_behind() {
    let mut desk = Desk::calm();
    desk.begins(Kind::ApiHangs);
    desk.is("better");
    desk.wait(SILENCE + LEASE);
    assert!(desk.may(&face(GREEN, "well")) && desk.may(&Shown::Stale));
    assert!(!desk.may(&face(RED, "well")));
}

#[test]
fn a_light_that_is_vouched_for_by_nobody_must_be_stale_in_time() {
    for kind in Kind::GLOBAL.into_iter().chain(Kind::LOCAL) {
        let Some(time) = kind.stale_within() else { continue };
        let mut desk = Desk::calm();
        desk.begins(kind);
        desk.wait(time);
        assert!(desk.may(&face(GREEN, "well")), "{}", kind.name());
        desk.wait(FLIGHT + SECOND);
        assert!(!desk.may(&face(GREEN, "well")), "{}", kind.name());
        assert!(desk.may(&Shown::Stale), "{}", kind.name());
    }
}

#[test]
fn after_a_fault_an_old_truth_stays_a_lie() {
    let mut desk = Desk::calm();
    desk.begins(Kind::LinkHangs);
    desk.is("better");
    desk.wait(20 * SECOND);
    desk.ends(Kind::LinkHangs);
    assert!(!desk.may(&face(GREEN, "well")));
    assert!(desk.may(&Shown::Stale) && desk.may(&face(GREEN, "better")));
}

#[test]
fn a_healed_light_must_show_the_truth_in_time() {
    let mut desk = Desk::calm();
    desk.begins(Kind::WatcherKilled);
    desk.ends(Kind::WatcherKilled);
    desk.wait(HEALED);
    assert!(desk.may(&Shown::Stale));
    desk.wait(SECOND);
    assert!(!desk.may(&Shown::Stale) && desk.may(&face(GREEN, "well")));
}

#[test]
fn a_light_is_idle_only_until_it_was_told_something() {
    let mut desk = Desk::calm();
    desk.begins(Kind::LightdKilled);
    desk.book.born(0);
    assert!(desk.may(&Shown::Idle));
    assert!(desk.may(&face(GREEN, "well")));
    desk.wait(SECOND);
    assert!(!desk.may(&Shown::Idle));
}

#[test]
fn leds_must_show_what_the_light_says() {
    let mut desk = Desk::calm();
    let mut may = |leds: Color| {
        desk.wait(SECOND);
        desk.book.frame(0, &face(GREEN, "well"), &[GREEN, leds], desk.now, Duration::ZERO).is_ok()
    };
    assert!(may(GREEN));
    // It may be on its way.
    assert!(may(RED));
    assert!(!may(RED));
    assert!(may(GREEN));
}

#[test]
fn the_toll_is_the_longest_time_to_stale_and_back_to_the_truth() {
    let mut desk = Desk::calm();
    for (stale, truth) in [(2, 4), (3, 1)] {
        desk.begins(Kind::ApiHangs);
        desk.wait(stale * SECOND);
        assert!(desk.may(&Shown::Stale));
        desk.wait(SECOND);
        assert!(desk.may(&Shown::Stale));
        desk.ends(Kind::ApiHangs);
        desk.wait(truth * SECOND);
        assert!(desk.may(&face(GREEN, "well")));
    }
    // While a light is down nobody sees what it would show.
    desk.begins(Kind::ApiHangs);
    desk.wait(9 * SECOND);
    desk.book.born(0);
    assert!(desk.may(&Shown::Idle));
    let toll = desk.book.tolls()[&Kind::ApiHangs];
    assert_eq!((toll.times, toll.to_stale, toll.to_truth), (3, Some(3 * SECOND), Some(4 * SECOND)));
}

//! Pure: one LED in time. Knows its look, since when, and what it showed before; says its color at any moment.

use std::time::{Duration, Instant};

use podlight_proto::{Color, Effect, Look};

/// Between two frames of a pulse: smooth to the eye at half the frames that a stick can take.
const PULSE_STEP: Duration = Duration::from_millis(40);
/// Between two frames of a morph: as fast as a stick takes them.
const MORPH_STEP: Duration = Duration::from_millis(20);

/// One LED on its way to a look, or there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Led {
    from: Color,
    look: Look,
    since: Instant,
}

impl Led {
    /// An LED that showed `from` when it got `look`, at `since`.
    pub(crate) const fn new(from: Color, look: Look, since: Instant) -> Self {
        Self { from, look, since }
    }

    /// Takes up `look`, from whatever shows at `now`. The same look again changes nothing: its rhythm goes on.
    pub(crate) fn aim(&mut self, look: Look, now: Instant) {
        if look != self.look {
            *self = Self::new(self.color(now), look, now);
        }
    }

    /// What shows at `now`.
    pub(crate) fn color(&self, now: Instant) -> Color {
        let elapsed = now.saturating_duration_since(self.since);
        match self.look.effect {
            Effect::Solid => self.look.color,
            Effect::Morph { over } if elapsed < over => blend(self.from, self.look.color, elapsed, over),
            Effect::Morph { .. } => self.look.color,
            Effect::Pulse { period } => {
                let half = period / 2;
                let phase = modulo(elapsed, period);
                let from_black = if phase < half { phase } else { period - phase };
                blend(Color::BLACK, self.look.color, from_black, half)
            }
            Effect::Blink { period } => {
                if modulo(elapsed, period) < period / 2 {
                    self.look.color
                } else {
                    Color::BLACK
                }
            }
        }
    }

    /// When the color next differs from that at `now`, or may; `None` if never.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Instant> {
        let elapsed = now.saturating_duration_since(self.since);
        match self.look.effect {
            Effect::Solid => None,
            Effect::Morph { over } => (elapsed < over).then(|| now + MORPH_STEP.min(over - elapsed)),
            Effect::Pulse { .. } => Some(now + PULSE_STEP),
            Effect::Blink { period } => Some(now + (period / 2 - modulo(elapsed, period / 2))),
        }
    }
}

/// The time into the present cycle. `period` isn't zero: a checked [`Effect`] has none below 350 ms.
fn modulo(elapsed: Duration, period: Duration) -> Duration {
    let cycle = period.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(elapsed.as_nanos() % cycle).unwrap_or_default())
}

/// The color `done` of the way of `whole` from `from` to `to`.
fn blend(from: Color, to: Color, done: Duration, whole: Duration) -> Color {
    let share = if whole.is_zero() { 1.0 } else { (done.as_secs_f32() / whole.as_secs_f32()).min(1.0) };
    // Rounded, and between two bytes: it fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
    let part = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8;
    Color::rgb(part(from.r, to.r), part(from.g, to.g), part(from.b, to.b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Color = Color::rgb(200, 0, 0);
    const BLUE: Color = Color::rgb(0, 0, 200);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[expect(clippy::disallowed_methods, reason = "any instant serves as the origin")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_morph_blends_in_a_line_and_ends_at_its_color() {
        let t = start();
        let led = Led::new(RED, Look { color: BLUE, effect: Effect::Morph { over: ms(300) } }, t);
        assert_eq!(led.color(t), RED);
        assert_eq!(led.color(t + ms(150)), Color::rgb(100, 0, 100));
        assert_eq!(led.next_change(t + ms(290)), Some(t + ms(300)));
        assert_eq!(led.color(t + ms(300)), BLUE);
        assert_eq!(led.next_change(t + ms(300)), None);
    }

    #[test]
    fn a_morph_is_retargeted_midway_from_what_shows() {
        let t = start();
        let mut led = Led::new(RED, Look::morph(BLUE), t);
        led.aim(Look::morph(RED), t + ms(150));
        assert_eq!(led.color(t + ms(150)), Color::rgb(100, 0, 100));
        assert_eq!(led.color(t + ms(450)), RED);
    }

    #[test]
    fn a_solid_look_shows_at_once() {
        let t = start();
        let mut led = Led::new(BLUE, Look::morph(BLUE), t);
        led.aim(Look::solid(RED), t + ms(1));
        assert_eq!(led.color(t + ms(1)), RED);
        assert_eq!(led.next_change(t + ms(1)), None);
    }

    #[test]
    fn a_pulse_rises_from_black_and_falls_back() {
        let t = start();
        let led = Led::new(BLUE, Look::pulse(RED, ms(2000)), t);
        let seen: Vec<u8> = [0, 500, 1000, 1500, 2000].map(|at| led.color(t + ms(at)).r).to_vec();
        assert_eq!(seen, [0, 100, 200, 100, 0]);
    }

    #[test]
    fn a_blink_says_when_it_turns() {
        let t = start();
        let led = Led::new(BLUE, Look::blink(RED, ms(1000)), t);
        assert_eq!(led.color(t + ms(499)), RED);
        assert_eq!(led.next_change(t + ms(100)), Some(t + ms(500)));
        assert_eq!(led.color(t + ms(500)), Color::BLACK);
        assert_eq!(led.next_change(t + ms(500)), Some(t + ms(1000)));
    }

    #[test]
    fn the_same_look_again_keeps_its_rhythm() {
        let t = start();
        let mut led = Led::new(BLUE, Look::blink(RED, ms(1000)), t);
        led.aim(Look::blink(RED, ms(1000)), t + ms(600));
        assert_eq!(led.color(t + ms(700)), Color::BLACK);
    }
}

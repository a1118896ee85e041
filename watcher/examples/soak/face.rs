//! What a light shows, as it says itself and as its LEDs do. Pure. Refuses to know whether that is true.

use std::fmt;

use podlight_proto::Color;
use podlight_proto::v1::{Effect, Layer, LedState, LightState, Reason};

/// The color of a light that doesn't know.
pub(crate) const UNKNOWN: (Color, Effect) = (Color::rgb(24, 0, 40), Effect::Pulse);
const IDLE: (Color, Effect) = (Color::rgb(6, 6, 6), Effect::Solid);

/// A color that the watcher vouches for, and why it is that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) color: Color,
    pub(crate) effect: Effect,
    pub(crate) why: String,
}

/// What a light says that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nobody has told it anything yet.
    Idle,
    /// It doesn't know.
    Stale,
    /// The watcher's word.
    Face(Face),
    /// Something that no light of the soak may show.
    Odd(String),
}

impl Shown {
    /// What a light of `node` says of itself.
    pub(crate) fn of(state: &LightState, node: &str) -> Self {
        let mut leds = state.leds.iter().map(|led| (led.color.parse().unwrap_or_default(), led.effect()));
        let (Some(look), true) = (leds.next(), alike(&state.leds)) else {
            return Self::Odd(format!("LEDs that differ: {:?}", state.leds));
        };
        match state.layer() {
            Layer::Idle if look == IDLE => Self::Idle,
            Layer::Stale if look == UNKNOWN => Self::Stale,
            Layer::Watcher => match &state.watcher {
                Some(watcher) if watcher.node == node => {
                    let why = watcher.reason.as_ref().map(why).unwrap_or_default();
                    Self::Face(Face { color: look.0, effect: look.1, why })
                }
                other => Self::Odd(format!("the word on another node than {node}: {other:?}")),
            },
            layer @ (Layer::Unspecified | Layer::Idle | Layer::Stale | Layer::Manual | Layer::Identify) => {
                Self::Odd(format!("{layer:?} with {} {:?}", look.0, look.1))
            }
        }
    }

    /// What its LEDs must show for that, at rest.
    pub(crate) fn look(&self) -> Option<(Color, Effect)> {
        match self {
            Self::Idle => Some(IDLE),
            Self::Stale => Some(UNKNOWN),
            Self::Face(Face { color, effect, .. }) => Some((*color, *effect)),
            Self::Odd(_) => None,
        }
    }
}

/// Whether LEDs may show this at some moment of a look, once that is at rest.
pub(crate) fn may_show(leds: &[Color], (color, effect): (Color, Effect)) -> bool {
    let fits = |led: &Color| match effect {
        Effect::Blink => *led == color || *led == Color::BLACK,
        Effect::Pulse => is_share(*led, color),
        Effect::Solid | Effect::Morph | Effect::Unspecified => *led == color,
    };
    leds.iter().all(fits)
}

/// Whether an LED shines in `color`, however bright, give or take the rounding of its parts.
fn is_share(led: Color, color: Color) -> bool {
    let brightest = |color: Color| color.parts().map(i32::from).into_iter().max().unwrap_or_default();
    let (share, whole) = (brightest(led), brightest(color).max(1));
    let near = |(led, full): (u8, u8)| (i32::from(led) * whole - i32::from(full) * share).abs() <= whole;
    share <= whole && led.parts().into_iter().zip(color.parts()).all(near)
}

fn alike(leds: &[LedState]) -> bool {
    leds.windows(2).all(|pair| (&pair[0].color, pair[0].effect) == (&pair[1].color, pair[1].effect))
}

/// A reason, in the words of a [`Truth`](crate::objects::Truth): of a node no more than which and what.
fn why(Reason { text, pod, state, restarts, .. }: &Reason) -> String {
    match pod.as_str() {
        "" if text.starts_with("node ") => text.split(' ').take(3).collect::<Vec<_>>().join(" "),
        "" => text.clone(),
        _ => format!("{pod} {state} ×{restarts}"),
    }
}

impl fmt::Display for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ({})", self.color, self.effect, self.why)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Stale => f.write_str("stale"),
            Self::Face(face) => face.fmt(f),
            Self::Odd(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIOLET: (Color, Effect) = UNKNOWN;

    fn state(layer: Layer, color: &str, effect: Effect) -> LightState {
        let led = |index| LedState { index, color: color.to_owned(), effect: effect.into(), layer: layer.into() };
        LightState { layer: layer.into(), leds: vec![led(0), led(1)], ..LightState::default() }
    }

    #[test]
    fn a_pulse_may_be_anywhere_between_black_and_its_color() {
        for (led, may) in [
            (Color::BLACK, true),
            (VIOLET.0, true),
            (Color::rgb(12, 0, 20), true),
            (Color::rgb(11, 0, 20), true),
            (Color::rgb(0, 25, 0), false),
            (Color::rgb(48, 0, 80), false),
            (Color::rgb(24, 0, 0), false),
        ] {
            assert_eq!(may_show(&[VIOLET.0, led], VIOLET), may, "{led}");
        }
    }

    #[test]
    fn a_light_is_stale_only_in_the_stale_look() {
        assert_eq!(Shown::of(&state(Layer::Stale, "#180028", Effect::Pulse), "n"), Shown::Stale);
        assert!(matches!(Shown::of(&state(Layer::Stale, "#001900", Effect::Morph), "n"), Shown::Odd(_)));
        assert!(matches!(Shown::of(&state(Layer::Manual, "#180028", Effect::Pulse), "n"), Shown::Odd(_)));
    }

    #[test]
    fn leds_must_be_alike() {
        let mut state = state(Layer::Idle, "#060606", Effect::Solid);
        assert_eq!(Shown::of(&state, "n"), Shown::Idle);
        state.leds[1].color = "#001900".to_owned();
        assert!(matches!(Shown::of(&state, "n"), Shown::Odd(_)));
    }
}

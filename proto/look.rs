//! What one LED shall show: a color, and how it gets there.

use std::time::Duration;

use crate::{Color, Invalid, v1};

/// What one LED shall show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The color at full.
    pub color: Color,
    /// How it gets there and stays.
    pub effect: Effect,
}

/// How an LED reaches and holds its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once.
    Solid,
    /// A linear blend from what shows now.
    Morph {
        /// The blend's length.
        over: Duration,
    },
    /// From black to the color and back.
    Pulse {
        /// One whole cycle.
        period: Duration,
    },
    /// On, then off, half the period each.
    Blink {
        /// One whole cycle.
        period: Duration,
    },
}

impl Effect {
    const MORPH: Duration = Duration::from_millis(300);
    const PULSE: Duration = Duration::from_secs(2);
    const BLINK: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);
    /// Just below three flashes a second, the most that is harmless (WCAG 2.3.1).
    const SHORTEST_CYCLE: Duration = Duration::from_millis(350);

    /// Parses an effect and its `period`; `unspecified` says what no effect means.
    pub(crate) fn parse(
        effect: i32,
        period: Option<prost_types::Duration>,
        unspecified: v1::Effect,
    ) -> Result<Self, Invalid> {
        let effect = v1::Effect::try_from(effect)
            .map_err(|_| Invalid::new("effect", effect.to_string(), "SOLID, MORPH, PULSE or BLINK"))?;
        let effect = if effect == v1::Effect::Unspecified { unspecified } else { effect };
        let period = period.map(|period| duration("period", period)).transpose()?;
        let within = |default: Duration, shortest: Duration, want| match period {
            Some(period) if !(shortest..=Self::LONGEST).contains(&period) => {
                Err(Invalid::new("period", format!("{period:?}"), want))
            }
            _ => Ok(period.unwrap_or(default)),
        };
        let cycle = "350ms to 60s: faster flashes can harm people";
        match effect {
            v1::Effect::Unspecified | v1::Effect::Solid => match period {
                Some(period) => Err(Invalid::new("period", format!("{period:?}"), "none with the effect SOLID")),
                None => Ok(Self::Solid),
            },
            v1::Effect::Morph => {
                Ok(Self::Morph { over: within(Self::MORPH, Duration::ZERO, "0s to 60s for a MORPH")? })
            }
            v1::Effect::Pulse => Ok(Self::Pulse { period: within(Self::PULSE, Self::SHORTEST_CYCLE, cycle)? }),
            v1::Effect::Blink => Ok(Self::Blink { period: within(Self::BLINK, Self::SHORTEST_CYCLE, cycle)? }),
        }
    }

    /// A morph of the default length.
    pub const fn morph() -> Self {
        Self::Morph { over: Self::MORPH }
    }

    /// The length of the effect's blend or cycle, if it has one.
    pub const fn period(self) -> Option<Duration> {
        match self {
            Self::Solid => None,
            Self::Morph { over } => Some(over),
            Self::Pulse { period } | Self::Blink { period } => Some(period),
        }
    }
}

impl From<Effect> for v1::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Solid => Self::Solid,
            Effect::Morph { .. } => Self::Morph,
            Effect::Pulse { .. } => Self::Pulse,
            Effect::Blink { .. } => Self::Blink,
        }
    }
}

impl Look {
    /// What shows where nobody knows: a slow dim violet pulse, which no known state has.
    pub const UNKNOWN: Self = Self::pulse(Color::rgb(24, 0, 40), Duration::from_secs(4));

    /// `color`, at once.
    pub const fn solid(color: Color) -> Self {
        Self { color, effect: Effect::Solid }
    }

    /// `color`, after a blend of the default length.
    pub const fn morph(color: Color) -> Self {
        Self { color, effect: Effect::morph() }
    }

    /// `color` rising from black and falling back, one cycle each `period`.
    pub const fn pulse(color: Color, period: Duration) -> Self {
        Self { color, effect: Effect::Pulse { period } }
    }

    /// `color` on and off, one cycle each `period`.
    pub const fn blink(color: Color, period: Duration) -> Self {
        Self { color, effect: Effect::Blink { period } }
    }
}

impl TryFrom<v1::Look> for Look {
    type Error = Invalid;

    fn try_from(look: v1::Look) -> Result<Self, Invalid> {
        Ok(Self { color: look.rgb.try_into()?, effect: Effect::parse(look.effect, look.period, v1::Effect::Morph)? })
    }
}

impl From<Look> for v1::Look {
    fn from(look: Look) -> Self {
        Self {
            rgb: look.color.into(),
            effect: v1::Effect::from(look.effect).into(),
            period: look.effect.period().map(wire),
        }
    }
}

/// A duration that is not negative.
pub(crate) fn duration(field: &str, wire: prost_types::Duration) -> Result<Duration, Invalid> {
    let wire = negatable(wire);
    Duration::try_from(wire).map_err(|_| Invalid::new(field, wire.to_string(), "a duration that is not negative"))
}

/// The duration, but for what lies below any that there can be: prost-types overflows where it negates the least number.
pub(crate) fn negatable(wire: prost_types::Duration) -> prost_types::Duration {
    /// 10,000 years, the longest `google.protobuf.Duration`.
    const LONGEST: i64 = 315_576_000_000;
    prost_types::Duration { seconds: wire.seconds.max(-LONGEST), ..wire }
}

/// A duration as it travels. Ours are far below what the wire can hold.
pub(crate) fn wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: duration.as_secs().try_into().unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().try_into().unwrap_or_default(),
    }
}

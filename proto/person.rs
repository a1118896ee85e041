//! What a person tells a light.

use std::time::Duration;

use crate::invalid::bounded;
use crate::look::negatable;
use crate::{Effect, Invalid, Look, v1};

/// A color that a person sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetColor {
    /// What to show.
    pub look: Look,
    /// The LED, or all. Whether the light has it, the light knows.
    pub index: Option<u32>,
    /// For how long.
    pub hold: Hold,
    /// Who asks, or nothing.
    pub owner: String,
}

/// A light that a person looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identify {
    /// For how long.
    pub hold: Hold,
    /// Who asks, or nothing.
    pub owner: String,
}

/// How long a person's wish holds: over 0, at most 24 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold(Duration);

impl Hold {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    const SET_COLOR: Self = Self(Duration::from_secs(5 * 60));
    const IDENTIFY: Self = Self(Duration::from_secs(60));

    fn parse(wire: Option<prost_types::Duration>, absent: Self) -> Result<Self, Invalid> {
        wire.map(negatable).map_or(Ok(absent), |wire| {
            let invalid = |value| Invalid::new("hold", value, "over 0s, at most 86400s (24h)");
            let hold = Duration::try_from(wire).map_err(|_| invalid(wire.to_string()))?;
            if hold.is_zero() || hold > Self::LONGEST { Err(invalid(wire.to_string())) } else { Ok(Self(hold)) }
        })
    }
}

impl From<Hold> for Duration {
    fn from(hold: Hold) -> Self {
        hold.0
    }
}

impl TryFrom<v1::SetColorRequest> for SetColor {
    type Error = Invalid;

    fn try_from(request: v1::SetColorRequest) -> Result<Self, Invalid> {
        Ok(Self {
            look: Look {
                color: request.color.parse()?,
                effect: Effect::parse(request.effect, request.period, v1::Effect::Solid)?,
            },
            index: request.index,
            hold: Hold::parse(request.hold, Hold::SET_COLOR)?,
            owner: owner(request.owner)?,
        })
    }
}

impl TryFrom<v1::IdentifyRequest> for Identify {
    type Error = Invalid;

    fn try_from(request: v1::IdentifyRequest) -> Result<Self, Invalid> {
        Ok(Self { hold: Hold::parse(request.hold, Hold::IDENTIFY)?, owner: owner(request.owner)? })
    }
}

fn owner(owner: String) -> Result<String, Invalid> {
    bounded("owner", owner, 64, "at most 64 bytes")
}

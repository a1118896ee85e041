//! What a person tells a light.

use std::time::Duration;

use crate::invalid::bounded;
use crate::look::{negatable, wire};
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

/// That somebody sees to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledge {
    /// Its name. Whether there is one, the watcher knows.
    pub node: String,
    /// Who, or nothing, and for how long: over 0, at most 30 days. Nothing where nobody does any longer.
    pub by: Option<(String, Duration)>,
}

impl Hold {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    const SET_COLOR: Self = Self(Duration::from_secs(5 * 60));
    const IDENTIFY: Self = Self(Duration::from_secs(60));

    fn parse(wire: Option<prost_types::Duration>, absent: Self) -> Result<Self, Invalid> {
        hold(wire, absent.0, Self::LONGEST, "over 0s, at most 86400s (24h)").map(Self)
    }
}

impl Acknowledge {
    const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    const USUAL: Duration = Duration::from_secs(8 * 60 * 60);
}

impl From<Hold> for prost_types::Duration {
    fn from(hold: Hold) -> Self {
        wire(hold.0)
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

impl TryFrom<v1::AcknowledgeNodeRequest> for Acknowledge {
    type Error = Invalid;

    fn try_from(request: v1::AcknowledgeNodeRequest) -> Result<Self, Invalid> {
        let v1::AcknowledgeNodeRequest { node, hold, owner, revoke } = request;
        let time = self::hold(hold, Self::USUAL, Self::LONGEST, "over 0s, at most 2592000s (30 days)")?;
        let owner = self::owner(owner)?;
        Ok(Self { node, by: (!revoke).then_some((owner, time)) })
    }
}

/// For so long; for as long as `absent` says, where nothing is said.
fn hold(
    wire: Option<prost_types::Duration>,
    absent: Duration,
    longest: Duration,
    want: &'static str,
) -> Result<Duration, Invalid> {
    wire.map(negatable).map_or(Ok(absent), |wire| {
        let invalid = || Invalid::new("hold", wire.to_string(), want);
        let hold = Duration::try_from(wire).map_err(|_| invalid())?;
        if hold.is_zero() || hold > longest { Err(invalid()) } else { Ok(hold) }
    })
}

fn owner(owner: String) -> Result<String, Invalid> {
    bounded("owner", owner, 64, "at most 64 bytes")
}

//! What the watcher tells a light.

use std::time::{Duration, SystemTime};

use crate::invalid::bounded;
use crate::look::{duration, wire};
use crate::{Invalid, Look, v1};

/// The whole desired look of a light, and how long it may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Grows with each new watcher.
    pub epoch: u64,
    /// Grows with each new look within an epoch.
    pub version: u64,
    /// For how long the looks may be shown.
    pub lease: Lease,
    /// The node, or other scope, that the looks speak of.
    pub node: String,
    /// Why.
    pub reason: Reason,
    /// Spread evenly over the LEDs. Never empty where the lease grants time.
    pub looks: Vec<Look>,
}

/// For how long a look may be shown without being renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// This long: 1 s to 10 min.
    For(Duration),
    /// No longer: the watcher hands the light back.
    Over,
}

/// Why a light shows what it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// For people.
    pub text: String,
    /// The pod that decided, `namespace/name`, or nothing.
    pub pod: String,
    /// The pod's state as kubectl prints it, or nothing.
    pub state: String,
    /// Restarts of the pod's containers, added up.
    pub restarts: u32,
    /// Since when it is so, where known.
    pub since: Option<SystemTime>,
}

impl Command {
    /// The most looks that a command may hold: the LEDs of the largest stick, a Pro's 3 × 64.
    pub const MOST_LOOKS: usize = 192;
}

impl Lease {
    const SHORTEST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(600);
}

impl Reason {
    /// The longest text, in bytes.
    pub const LONGEST: usize = 512;
}

impl TryFrom<v1::ColorCommand> for Command {
    type Error = Invalid;

    fn try_from(command: v1::ColorCommand) -> Result<Self, Invalid> {
        let lease =
            command.lease.ok_or_else(|| Invalid::missing("lease", "1s to 600s, or 0s to hand the light back"))?;
        let lease = Lease::try_from(duration("lease", lease)?)?;
        let count = command.looks.len();
        if count > Self::MOST_LOOKS || (count == 0 && lease != Lease::Over) {
            return Err(Invalid::new("looks", format!("a list of {count}"), "1 to 192 looks"));
        }
        let reason = command.reason.unwrap_or_default();
        if reason.text.is_empty() && lease != Lease::Over {
            return Err(Invalid::missing("reason.text", "why the light shows this"));
        }
        Ok(Self {
            epoch: command.epoch,
            version: command.version,
            lease,
            node: bounded("node", command.node, 253, "at most 253 bytes")?,
            reason: Reason::try_from(reason).map_err(|invalid| invalid.within("reason"))?,
            looks: command
                .looks
                .into_iter()
                .enumerate()
                .map(|(i, look)| Look::try_from(look).map_err(|invalid| invalid.within(&format!("looks[{i}]"))))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<Command> for v1::ColorCommand {
    fn from(command: Command) -> Self {
        Self {
            epoch: command.epoch,
            version: command.version,
            lease: Some(wire(command.lease.into())),
            node: command.node,
            reason: Some(command.reason.into()),
            looks: command.looks.into_iter().map(Into::into).collect(),
        }
    }
}

/// 1 s to 10 min, or zero.
impl TryFrom<Duration> for Lease {
    type Error = Invalid;

    fn try_from(lease: Duration) -> Result<Self, Invalid> {
        match lease {
            Duration::ZERO => Ok(Self::Over),
            lease if (Self::SHORTEST..=Self::LONGEST).contains(&lease) => Ok(Self::For(lease)),
            lease => Err(Invalid::new("lease", format!("{lease:?}"), "1s to 600s, or 0s to hand the light back")),
        }
    }
}

impl From<Lease> for Duration {
    fn from(lease: Lease) -> Self {
        match lease {
            Lease::For(time) => time,
            Lease::Over => Self::ZERO,
        }
    }
}

impl TryFrom<v1::Reason> for Reason {
    type Error = Invalid;

    fn try_from(reason: v1::Reason) -> Result<Self, Invalid> {
        let short = |field, text| bounded(field, text, Self::LONGEST, "at most 512 bytes");
        Ok(Self {
            text: short("text", reason.text)?,
            pod: short("pod", reason.pod)?,
            state: short("state", reason.state)?,
            restarts: reason.restarts,
            since: reason
                .since
                .map(|since| {
                    SystemTime::try_from(since)
                        .map_err(|_| Invalid::new("since", format!("{since:?}"), "a time of this era"))
                })
                .transpose()?,
        })
    }
}

impl From<Reason> for v1::Reason {
    fn from(reason: Reason) -> Self {
        Self {
            text: reason.text,
            pod: reason.pod,
            state: reason.state,
            restarts: reason.restarts,
            since: reason.since.map(Into::into),
        }
    }
}

//! The kinds of faults: what each cuts a light off from, and how long until that must show. Pure.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::book::{LEASE, SILENCE};

/// A fault. Each heals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The API server answers new requests with 503; open watches go on to their end.
    ApiRefuses,
    /// It is a black hole.
    ApiHangs,
    /// Its watches break off.
    WatchesBreak,
    /// Its history is compacted, under open watches that then break off: all is listed again.
    HistoryLost,
    /// It is gone for a while, and comes back on the same port.
    ApiRestarts,
    /// So it is, shortly; meanwhile all troubled pods are deleted, and the history of that is lost.
    DeletionsLost,
    /// The watcher is killed, and later another is started.
    WatcherKilled,
    /// It is stopped in good order, and later another is started.
    WatcherStopped,
    /// A lightd is killed, and started again on its port.
    LightdKilled,
    /// It is stopped in good order, and started again on its port.
    LightdStopped,
    /// The link between the watcher and a light is a black hole.
    LinkHangs,
    /// That link breaks, and can't be made anew for a while.
    LinkBreaks,
}

/// For how long a watch lasts at this silence, by the watcher's own choice: for so long a server that refuses is heard.
const WATCH: Duration = Duration::from_secs(2);

/// Faults at random: each kind once, before any comes again.
pub(crate) struct Bag {
    kinds: &'static [Kind],
    left: Vec<Kind>,
    rng: fastrand::Rng,
}

impl Bag {
    pub(crate) const fn new(kinds: &'static [Kind], rng: fastrand::Rng) -> Self {
        Self { kinds, left: Vec::new(), rng }
    }

    /// After how long what kind of fault comes next, and how long it lasts.
    pub(crate) fn next(&mut self, pauses: RangeInclusive<f64>) -> Option<(Duration, Kind, Duration)> {
        if self.left.is_empty() {
            self.left.extend_from_slice(self.kinds);
            self.rng.shuffle(&mut self.left);
        }
        let (least, most) = pauses.into_inner();
        let pause = Duration::from_secs_f64(least + (most - least) * self.rng.f64());
        let kind = self.left.pop()?;
        Some((pause, kind, kind.length(&mut self.rng)))
    }
}

impl Kind {
    /// Those that befall all lights.
    pub(crate) const GLOBAL: [Self; 8] = [
        Self::ApiRefuses,
        Self::ApiHangs,
        Self::WatchesBreak,
        Self::HistoryLost,
        Self::ApiRestarts,
        Self::DeletionsLost,
        Self::WatcherKilled,
        Self::WatcherStopped,
    ];
    /// Those that befall one.
    pub(crate) const LOCAL: [Self; 4] = [Self::LightdKilled, Self::LightdStopped, Self::LinkHangs, Self::LinkBreaks];

    /// When each of its lights must be stale, if it lasts. Nothing where it can't last, or takes the light itself.
    pub(crate) fn stale_within(self) -> Option<Duration> {
        match self {
            Self::ApiRefuses => Some(WATCH + SILENCE + LEASE),
            Self::ApiHangs | Self::ApiRestarts | Self::DeletionsLost => Some(SILENCE + LEASE),
            Self::WatcherKilled | Self::LinkHangs | Self::LinkBreaks => Some(LEASE),
            Self::WatcherStopped => Some(Duration::ZERO),
            Self::WatchesBreak | Self::HistoryLost | Self::LightdKilled | Self::LightdStopped => None,
        }
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ApiRefuses => "API refuses",
            Self::ApiHangs => "API hangs",
            Self::WatchesBreak => "watches break",
            Self::HistoryLost => "history lost",
            Self::ApiRestarts => "API restarts",
            Self::DeletionsLost => "deletions lost in a gap",
            Self::WatcherKilled => "watcher killed",
            Self::WatcherStopped => "watcher stopped",
            Self::LightdKilled => "lightd killed",
            Self::LightdStopped => "lightd stopped",
            Self::LinkHangs => "link hangs",
            Self::LinkBreaks => "link breaks",
        }
    }

    /// For how long it lasts: half of the times too short to be noticed by all, half for longer than a light may hold on
    /// to what it knew.
    fn length(self, rng: &mut fastrand::Rng) -> Duration {
        let (short, long) = (0.1 + 4.0 * rng.f64(), 3.0 + 8.0 * rng.f64());
        if matches!(self, Self::WatchesBreak | Self::HistoryLost) {
            Duration::ZERO
        } else if self == Self::DeletionsLost {
            Duration::from_secs_f64(short / 2.0)
        } else if rng.bool() {
            Duration::from_secs_f64(short)
        } else {
            self.stale_within().unwrap_or_default() + Duration::from_secs_f64(long)
        }
    }
}

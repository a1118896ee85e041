//! The policies that come with podlight. A file begins from one of them, and its keys override.

use std::time::Duration;

use podlight_proto::{Color, Effect, Look};

use super::{Brightness, Layout, Palette, Policy};
use crate::criteria::{Conditions, Criteria};
use crate::timing::Timing;

/// A policy that comes with podlight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Colors nearly as the origin's; what a node knows of itself counts, and rolling updates look like what they are.
    #[default]
    Default,
    /// The origin's colors and its slow changes. Only a node that is not ready counts besides.
    Origin,
    /// As the default, in looks that differ by rhythm as well as by hue.
    ColorBlindSafe,
}

/// For a pod to be made, pulled and started, and for the one before it to go.
const UPDATING: Duration = Duration::from_secs(120);

impl Preset {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 3] =
        [("default", Self::Default), ("origin", Self::Origin), ("color-blind-safe", Self::ColorBlindSafe)];

    /// Its policy.
    pub fn policy(self) -> Policy {
        let timing = Timing { updating: UPDATING, ..Timing::default() };
        let nodes = Conditions { not_ready: true, pressure: true, cordoned: false };
        let default = Policy {
            criteria: Criteria { timing, nodes, ..Criteria::default() },
            layout: Layout::Same,
            palette: Palette::default(),
            brightness: Brightness::default(),
            lights: Vec::new(),
        };
        match self {
            Self::Default => default,
            Self::Origin => Policy { criteria: Criteria::default(), palette: origin(), ..default },
            Self::ColorBlindSafe => Policy { palette: Palette::color_blind_safe(), ..default },
        }
    }
}

fn origin() -> Palette {
    let slow = |r, g, b| Look { color: Color::rgb(r, g, b), effect: Effect::Morph { over: Duration::from_secs(1) } };
    Palette {
        absent: slow(0, 0, 0),
        completed: slow(0, 0, 0),
        running: slow(0, 25, 0),
        updating: slow(0, 25, 0),
        unready: slow(50, 50, 0),
        pending: slow(50, 50, 0),
        deleting: slow(0, 0, 50),
        failed: slow(50, 0, 0),
        ..Palette::default()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Preset::default().policy()
    }
}

//! Pure: the state of a light and its sticks, in the words of the contract.

use std::time::Instant;

use podlight_proto::{Look, v1};

use crate::canvas::Scene;
use crate::light::{Layer, Light, Streamed, Verdict};
use crate::stick::{Identity, Report};

/// The whole state at `now`.
pub(crate) fn describe(light: &Light, sticks: &[(String, Report)], now: Instant) -> v1::LightState {
    let Verdict { layer, reason, owner, until } = light.verdict(now);
    let scene = light.scene(now);
    v1::LightState {
        layer: v1::Layer::from(layer).into(),
        reason,
        owner,
        remaining: until.map(|until| remaining(until, now)),
        // With no stick yet, the one LED that every stick has.
        leds: (0..light.leds().max(1)).map(|index| led(light, &scene, index, now)).collect(),
        led_count: number(light.leds()),
        sticks: sticks.iter().map(|(name, report)| stick(name, report)).collect(),
        watcher: light.watcher().map(|streamed| watcher(streamed, now)),
    }
}

/// The state without the time that is left, to tell a change from time that passes.
pub(crate) fn timeless(mut state: v1::LightState) -> v1::LightState {
    state.remaining = None;
    if let Some(watcher) = &mut state.watcher {
        watcher.remaining = None;
    }
    state
}

fn led(light: &Light, scene: &Scene, index: usize, now: Instant) -> v1::LedState {
    let Look { color, effect } = scene.look(index, light.leds().max(1));
    v1::LedState {
        index: number(index),
        color: color.to_string(),
        effect: v1::Effect::from(effect).into(),
        layer: v1::Layer::from(light.layer(index, now)).into(),
    }
}

fn stick(name: &str, report: &Report) -> v1::StickState {
    let mut state = v1::StickState {
        name: name.to_owned(),
        present: report.identity.is_some() && report.problem.is_none(),
        problem: report.problem.clone().unwrap_or_default(),
        ..Default::default()
    };
    if let Some(Identity { model, serial, path, leds, .. }) = report.identity.clone() {
        (state.model, state.serial, state.path, state.leds) = (model, serial, path, number(leds));
    }
    state
}

fn watcher(Streamed { command, until }: &Streamed, now: Instant) -> v1::WatcherState {
    v1::WatcherState {
        epoch: command.epoch,
        version: command.version,
        remaining: (now < *until).then(|| remaining(*until, now)),
        node: command.node.clone(),
        reason: Some(command.reason.clone().into()),
    }
}

fn remaining(until: Instant, now: Instant) -> prost_types::Duration {
    let left = until.saturating_duration_since(now);
    prost_types::Duration {
        seconds: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        // Below 10⁹.
        nanos: i32::try_from(left.subsec_nanos()).unwrap_or_default(),
    }
}

/// A count of LEDs: 192 at most.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<Layer> for v1::Layer {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Idle => Self::Idle,
            Layer::Stale => Self::Stale,
            Layer::Watcher => Self::Watcher,
            Layer::Manual => Self::Manual,
            Layer::Identify => Self::Identify,
        }
    }
}

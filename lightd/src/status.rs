//! Pure: the state of a light, as a person reads it in a terminal.

use std::fmt::Write as _;

use podlight_proto::{Color, v1};

/// `state` in a few lines; with swatches of its colors where the terminal has `color`.
pub(crate) fn text(state: &v1::LightState, color: bool) -> String {
    let mut rows = vec![("shows", headline(state))];
    for run in state.leds.chunk_by(|a, b| (&a.color, a.effect, a.layer) == (&b.color, b.effect, b.layer)) {
        rows.push(("led", led(run, state.layer(), color)));
    }
    for stick in &state.sticks {
        rows.push(("stick", self::stick(stick)));
    }
    if let Some(watcher) = &state.watcher {
        rows.push(("watcher", self::watcher(watcher)));
    }
    let mut text = String::new();
    let mut last = "";
    for (name, value) in rows {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{:<9}{value}", if name == last { "" } else { name });
        last = name;
    }
    text
}

fn headline(state: &v1::LightState) -> String {
    let mut text = format!("{}: {}", layer(state.layer()), state.reason);
    if !state.owner.is_empty() {
        let _ = write!(text, ", by {}", state.owner);
    }
    // A lease is renewed for ever; what a person holds ends.
    if let (Some(left), v1::Layer::Manual | v1::Layer::Identify) = (&state.remaining, state.layer()) {
        let _ = write!(text, ", {} left", seconds(left));
    }
    text
}

fn led(run: &[v1::LedState], top: v1::Layer, color: bool) -> String {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return String::new() };
    let mut text = match (first.index, last.index) {
        (one, other) if one == other => one.to_string(),
        (from, to) => format!("{from}–{to}"),
    };
    if let (true, Ok(led)) = (color, first.color.parse::<Color>()) {
        let _ = write!(text, " {}", led.paint("●"));
    }
    let _ = write!(text, " {} {}", first.color, first.effect().as_str_name().to_lowercase());
    if first.layer() != top {
        let _ = write!(text, " ({})", layer(first.layer()));
    }
    text
}

fn stick(stick: &v1::StickState) -> String {
    let mut text = stick.name.clone();
    for part in [&stick.model, &stick.serial, &stick.path].into_iter().filter(|part| !part.is_empty()) {
        let _ = write!(text, ", {part}");
    }
    if !stick.present {
        let problem = if stick.problem.is_empty() { "not opened yet" } else { &stick.problem };
        let _ = write!(text, ": NOT PRESENT: {problem}");
    }
    text
}

fn watcher(watcher: &v1::WatcherState) -> String {
    let lease = watcher
        .remaining
        .as_ref()
        .map_or("its lease has lapsed".to_owned(), |left| format!("lease for {} more", seconds(left)));
    let reason = watcher.reason.as_ref().map_or("", |reason| reason.text.as_str());
    format!("{}: {reason}; {lease}", watcher.node)
}

fn layer(layer: v1::Layer) -> String {
    layer.as_str_name().to_lowercase()
}

/// Whole seconds, rounded up, so that nothing is left only when it is.
fn seconds(duration: &prost_types::Duration) -> String {
    format!("{} s", duration.seconds + i64::from(duration.nanos > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_in_a_few_lines() {
        let led = |index, color: &str, layer: v1::Layer| v1::LedState {
            index,
            color: color.to_owned(),
            effect: v1::Effect::Morph.into(),
            layer: layer.into(),
        };
        let state = v1::LightState {
            layer: v1::Layer::Manual.into(),
            reason: "set by hand".to_owned(),
            owner: "ana".to_owned(),
            remaining: Some(prost_types::Duration { seconds: 59, nanos: 1 }),
            leds: vec![
                led(0, "#ff0000", v1::Layer::Manual),
                led(1, "#001900", v1::Layer::Watcher),
                led(2, "#001900", v1::Layer::Watcher),
            ],
            led_count: 3,
            sticks: vec![v1::StickState {
                name: "usb".to_owned(),
                problem: "no BlinkStick found; plug one in".to_owned(),
                ..Default::default()
            }],
            watcher: Some(v1::WatcherState { node: "pi-1".to_owned(), ..Default::default() }),
        };
        let want = "\
shows    manual: set by hand, by ana, 60 s left
led      0 #ff0000 morph
         1–2 #001900 morph (watcher)
stick    usb: NOT PRESENT: no BlinkStick found; plug one in
watcher  pi-1: ; its lease has lapsed
";
        assert_eq!(text(&state, false), want);
    }
}

//! What there is to see at a moment, and how LEDs look on a screen. Pure. Knows neither terminals nor SVG.

use std::net::SocketAddr;

use podlight_proto::{Color, v1};

use crate::story::Tally;

/// What is shown, however it is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Since the beginning.
    pub(crate) seconds: u64,
    /// What goes on, the newest last.
    pub(crate) captions: Vec<String>,
    pub(crate) tiles: Vec<Tile>,
    /// Where all of it is to be seen in a browser.
    pub(crate) wall: Option<SocketAddr>,
}

/// A node and its light.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tile {
    pub(crate) node: String,
    /// What people do to it: "cordoned". Empty where nothing.
    pub(crate) remark: &'static str,
    pub(crate) tally: Tally,
    /// "BlinkStick Nano".
    pub(crate) model: String,
    pub(crate) port: u16,
    /// What the LEDs show right now.
    pub(crate) colors: Vec<Color>,
    /// What lightd says of itself.
    pub(crate) state: v1::LightState,
}

impl View {
    /// `mm:ss`.
    pub(crate) fn clock(&self) -> String {
        format!("{:02}:{:02}", self.seconds / 60, self.seconds % 60)
    }

    /// How to set the first light by hand: the request, and where to send it.
    pub(crate) fn invitation(&self) -> (String, String) {
        let address = format!("127.0.0.1:{}", self.tiles.first().map_or(0, |tile| tile.port));
        let call = format!(
            r#"grpcurl -plaintext -d '{{"color":"magenta","hold":"20s"}}' {address} podlight.v1.Light/SetColor"#
        );
        (call, format!("lightd set magenta --hold 20s --server http://{address}"))
    }
}

impl Tile {
    /// The stick's model in short: "Nano".
    pub(crate) fn short_model(&self) -> &str {
        self.model.strip_prefix("BlinkStick ").unwrap_or(&self.model)
    }

    /// Who decides, where that isn't the watcher.
    pub(crate) fn layer(&self) -> &'static str {
        match self.state.layer() {
            v1::Layer::Unspecified | v1::Layer::Watcher => "",
            v1::Layer::Idle => "idle",
            v1::Layer::Stale => "stale",
            v1::Layer::Manual => "manual",
            v1::Layer::Identify => "identify",
        }
    }

    /// What the LEDs are meant to show, in words: each look once, in the order of the LEDs.
    pub(crate) fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for led in &self.state.leds {
            let name = led.color.parse().map_or_else(|_| led.color.clone(), name);
            let word = match led.effect() {
                v1::Effect::Pulse => format!("{name} pulse"),
                v1::Effect::Blink => format!("{name} blink"),
                v1::Effect::Unspecified | v1::Effect::Solid | v1::Effect::Morph => name,
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        // That some are dark says little where others aren't.
        if words.len() > 1 {
            words.retain(|word| word != "dark");
        }
        words.join("+")
    }

    /// How many pods are in which state, worst first, where there are any.
    pub(crate) fn counts(&self) -> Vec<(Kind, usize)> {
        let Tally { running, pending, deleting, failed, completed } = self.tally;
        let all = [
            (Kind::Failed, failed),
            (Kind::Deleting, deleting),
            (Kind::Pending, pending),
            (Kind::Running, running),
            (Kind::Completed, completed),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// Kinds of pods that are counted, and the color of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Failed,
    Deleting,
    Pending,
    Running,
    Completed,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
        }
    }

    /// As the watcher's palette has it, on a screen.
    pub(crate) fn color(self) -> Color {
        let led = match self {
            Self::Failed => Color::rgb(50, 0, 0),
            Self::Deleting => Color::rgb(0, 0, 50),
            Self::Pending => Color::rgb(50, 50, 0),
            Self::Running => Color::rgb(0, 25, 0),
            Self::Completed => return Color::rgb(120, 120, 130),
        };
        legible(shine(led))
    }
}

/// How an LED of this color looks: an LED's value is linear in light and a screen's is not, and who looks at an LED looks
/// into a lamp: 50 of 255 is already bright. So: a camera's exposure, 1 - e^(-value / 36), then sRGB's curve. 25 becomes
/// 186, 50 becomes 226, and 255 stays.
pub(crate) fn shine(led: Color) -> Color {
    // Rounded, and between two bytes: it fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
    led.map(|part| {
        let light = 1.0 - (-f32::from(part) / 36.0).exp();
        (light.powf(1.0 / 2.2) * 255.0).round() as u8
    })
}

/// `color` with enough white in it to be read as text, or to be the heart of a glow, on a dark ground.
pub(crate) fn legible(color: Color) -> Color {
    mix(color, Color::WHITE, 0.35)
}

/// `share` of the way from `from` to `to`.
pub(crate) fn mix(from: Color, to: Color, share: f32) -> Color {
    Color::rgb(part(from.r, to.r, share), part(from.g, to.g, share), part(from.b, to.b, share))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
fn part(from: u8, to: u8, share: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8
}

/// The nearest word for a color of few lights.
fn name(Color { r, g, b }: Color) -> String {
    let most = r.max(g).max(b);
    let lit = |part: u8| u16::from(part) * 3 > u16::from(most);
    let word = match (most, lit(r), lit(g), lit(b)) {
        (0, ..) => "dark",
        (_, true, false, false) => "red",
        (_, false, true, false) => "green",
        (_, false, false, true) => "blue",
        (_, true, true, false) => "yellow",
        (_, true, false, true) => "violet",
        (_, false, true, true) => "cyan",
        _ => "white",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(leds: &[(&str, v1::Effect)]) -> Tile {
        let leds = leds.iter().map(|(color, effect)| v1::LedState {
            color: (*color).to_owned(),
            effect: (*effect).into(),
            ..Default::default()
        });
        Tile { state: v1::LightState { leds: leds.collect(), ..Default::default() }, ..Default::default() }
    }

    #[test]
    fn looks_are_told_in_words_each_once() {
        use v1::Effect::{Blink, Morph, Pulse};
        assert_eq!(tile(&[("#003200", Morph), ("#001900", Morph)]).words(), "green");
        assert_eq!(tile(&[("#320000", Blink), ("#323200", Morph), ("#320000", Blink)]).words(), "red blink+yellow");
        assert_eq!(tile(&[("#180028", Pulse), ("#000000", Morph)]).words(), "violet pulse");
    }

    #[test]
    fn a_dim_led_is_bright_on_a_screen_and_a_dark_one_dark() {
        assert_eq!(shine(Color::rgb(0, 25, 255)), Color::rgb(0, 186, 255));
        assert_eq!(shine(Color::BLACK), Color::BLACK);
    }
}

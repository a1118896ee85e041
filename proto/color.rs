//! One color: three bytes, how people write it, and how it travels.

use std::fmt;
use std::str::FromStr;

use crate::Invalid;

/// A color as an LED knows it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// No light.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// All the light there is.
    pub const WHITE: Self = Self::rgb(255, 255, 255);

    /// The color of these three parts.
    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }

    /// The parts in the order r, g, b.
    pub const fn parts(self) -> [u8; 3] {
        [self.r, self.g, self.b]
    }

    /// The color with each part put through `f`.
    #[must_use]
    pub fn map(self, f: impl Fn(u8) -> u8) -> Self {
        Self::rgb(f(self.r), f(self.g), f(self.b))
    }

    /// The color on a screen that looks like an LED of this one: an LED's value is linear in light, a screen's isn't, so that
    /// an LED at 25 of 255 is bright where a screen's pixel would be all but black. The exponent is sRGB's, about 1 / 2.2.
    #[must_use]
    pub fn on_screen(self) -> Self {
        // Rounded, and between two bytes: it fits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        self.map(|part| ((f32::from(part) / 255.0).powf(1.0 / 2.2) * 255.0).round() as u8)
    }

    /// `text` in this color as an LED of it looks, by an escape sequence of the terminal.
    #[must_use]
    pub fn paint(self, text: &str) -> String {
        let Self { r, g, b } = self.on_screen();
        format!("\x1b[38;2;{r};{g};{b}m{text}\x1b[0m")
    }
}

/// `0xRRGGBB`; more than 24 bits are invalid.
impl TryFrom<u32> for Color {
    type Error = Invalid;

    fn try_from(rgb: u32) -> Result<Self, Invalid> {
        match rgb.to_be_bytes() {
            [0, r, g, b] => Ok(Self { r, g, b }),
            _ => Err(Invalid::new("rgb", format!("{rgb:#x}"), "0xRRGGBB, at most 0xffffff")),
        }
    }
}

impl From<Color> for u32 {
    fn from(Color { r, g, b }: Color) -> Self {
        Self::from_be_bytes([0, r, g, b])
    }
}

/// An opaque CSS color: a name, `#rrggbb` or another of the forms that CSS has.
impl FromStr for Color {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = |value| Invalid::new("color", value, "a CSS color: a name such as \"green\", or \"#rrggbb\"");
        if text.trim().is_empty() {
            return Err(invalid("nothing".to_owned()));
        }
        match csscolorparser::parse(text).map(|color| color.to_rgba8()) {
            Ok([r, g, b, 255]) => Ok(Self { r, g, b }),
            // What a person typed may be long; the error stays short.
            Ok(_) | Err(_) => Err(invalid(format!("{:?}", text.chars().take(40).collect::<String>()))),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

impl fmt::Debug for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn css_names_and_hex_are_colors() {
        for (text, want) in [
            ("green", Color::rgb(0, 128, 0)),
            ("RebeccaPurple", Color::rgb(0x66, 0x33, 0x99)),
            ("#002800", Color::rgb(0, 40, 0)),
            ("#FFF", Color::WHITE),
        ] {
            assert_eq!(text.parse(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_color_says_what_would_be() {
        for text in ["", " ", "grene", "#12", "#12345g", "transparent", "#11223344"] {
            let error = text.parse::<Color>().unwrap_err().to_string();
            assert!(error.starts_with("color: ") && error.contains("#rrggbb"), "{text}: {error}");
        }
    }

    #[test]
    fn a_number_has_24_bits() {
        assert_eq!(Color::try_from(0x0000_28ff), Ok(Color::rgb(0, 0x28, 0xff)));
        assert_eq!(u32::from(Color::rgb(1, 2, 3)), 0x01_0203);
        assert!(Color::try_from(0x0100_0000).is_err());
    }

    #[test]
    fn a_dim_led_is_seen_on_a_screen() {
        assert_eq!(Color::rgb(0, 25, 255).on_screen(), Color::rgb(0, 89, 255));
        assert_eq!(Color::rgb(0, 25, 255).paint("●"), "\x1b[38;2;0;89;255m●\x1b[0m");
    }
}

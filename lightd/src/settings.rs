//! What lightd can be told on its command line or by its environment, checked.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::ensure;
use clap::Args;

use crate::blinkstick::Model;
use crate::canvas::Mount;

/// How to serve: where to listen, and which sticks to drive.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Address and port of the gRPC service; port 0 takes a free one
    #[arg(long, env = "PODLIGHT_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Listen beyond loopback although nothing is encrypted and anyone who connects may set the light
    #[arg(long, env = "PODLIGHT_INSECURE")]
    pub insecure: bool,

    /// A stick to drive; repeat it to drive several alike.
    ///
    /// `usb`: the BlinkStick that is plugged in (the first port's, where there are several). `usb:SERIAL`: this one;
    /// the bus and port path of `lightd list` does as well. `virtual[:nano|square|strip|flex|pro|blinkstick]`: none, but
    /// drawn in the terminal.
    #[arg(long, env = "PODLIGHT_STICK", default_value = "usb", value_delimiter = ',')]
    pub stick: Vec<StickName>,

    /// The brightest that red, green or blue may be, 1 to 255; everything scales with it
    #[arg(long, env = "PODLIGHT_MAX_BRIGHTNESS", default_value_t = 255, value_parser = clap::value_parser!(u8).range(1..))]
    pub max_brightness: u8,

    /// The stick is mounted upside down: its first LED is the last
    #[arg(long, env = "PODLIGHT_FLIP")]
    pub flip: bool,

    /// The LEDs are lit by low values: send 255 minus each
    #[arg(long, env = "PODLIGHT_INVERSE")]
    pub inverse: bool,

    /// Never write a stick's mode; a Pro that isn't in mode 2 is then driven as one RGB LED
    #[arg(long, env = "PODLIGHT_KEEP_MODE")]
    pub keep_mode: bool,
}

impl Settings {
    /// Checks what one flag alone can't tell.
    ///
    /// # Errors
    /// An address beyond loopback without `--insecure`, or a stick named twice.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.insecure || self.listen.ip().is_loopback(),
            "--listen {}: this is not a loopback address, so anyone who reaches it could set the light; listen on \
             127.0.0.1, or add --insecure where the network is fenced off",
            self.listen
        );
        for (i, stick) in self.stick.iter().enumerate() {
            let twice = matches!(stick, StickName::Usb(_)) && self.stick[..i].contains(stick);
            ensure!(
                !twice,
                "--stick {stick}: named twice; give each stick once, by the serial that `lightd list` shows"
            );
        }
        Ok(())
    }

    pub(crate) const fn mount(&self) -> Mount {
        Mount { max_brightness: self.max_brightness, flip: self.flip, inverse: self.inverse }
    }
}

/// A stick as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StickName {
    /// A real one: that of this serial or port path, or whichever is there.
    Usb(Option<String>),
    /// One that is drawn.
    Virtual(VirtualModel),
}

/// The model of a virtual stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualModel(pub(crate) Model);

impl FromStr for StickName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').map_or((text, None), |(kind, name)| (kind, Some(name)));
        match (kind, name) {
            ("usb", None) => Ok(Self::Usb(None)),
            ("usb", Some(name)) if !name.is_empty() => Ok(Self::Usb(Some(name.to_owned()))),
            ("virtual", name) => VirtualModel::named(name.unwrap_or("nano")).map(Self::Virtual),
            _ => Err("give usb, usb:SERIAL, virtual or virtual:MODEL".to_owned()),
        }
    }
}

impl VirtualModel {
    const NAMES: [(&str, Model); 6] = [
        ("nano", Model::Nano),
        ("square", Model::Square),
        ("strip", Model::Strip),
        ("flex", Model::Flex),
        ("pro", Model::Pro),
        ("blinkstick", Model::BlinkStick),
    ];

    fn named(name: &str) -> Result<Self, String> {
        let names = Self::NAMES.map(|(name, _)| name).join(", ");
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, model)| Self(*model)).ok_or(format!("there is no model {name:?}; give one of {names}"))
    }
}

impl fmt::Display for StickName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usb(None) => f.write_str("usb"),
            Self::Usb(Some(name)) => write!(f, "usb:{name}"),
            Self::Virtual(VirtualModel(model)) => {
                let name =
                    VirtualModel::NAMES.iter().find(|(_, known)| known == model).map_or("nano", |(name, _)| name);
                write!(f, "virtual:{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sticks_are_named_as_documented() {
        for name in ["usb", "usb:BS012345-3.0", "usb:1-1.2", "virtual:nano", "virtual:pro", "virtual:blinkstick"] {
            assert_eq!(name.parse::<StickName>().map(|stick| stick.to_string()), Ok(name.to_owned()));
        }
        assert_eq!("virtual".parse(), "virtual:nano".parse::<StickName>());
    }

    #[test]
    fn a_wrong_stick_says_what_would_be_right() {
        for name in ["", "usb:", "hid", "virtual:mega"] {
            let error = name.parse::<StickName>().unwrap_err();
            assert!(error.contains("give"), "{name}: {error}");
        }
    }
}

//! What lightd can be told on its command line or by its environment, checked.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::ensure;
use clap::Parser;
use podlight_tls::Files;

use crate::blinkstick::Model;
use crate::canvas::Mount;

/// How to serve: where to listen, and which sticks to drive.
#[derive(Clone, Debug, Parser)]
pub struct Settings {
    /// Address and port of the gRPC service; port 0 takes a free one
    #[arg(long, env = "PODLIGHT_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Listen beyond loopback although nothing is encrypted and anyone who connects may set the light
    #[arg(long, env = "PODLIGHT_INSECURE")]
    pub insecure: bool,

    /// The certificate to show to whoever connects, in PEM; with it nothing is spoken but TLS 1.3, and only by those who
    /// show a certificate of a CA in --client-ca. The three files may change at any time
    #[arg(long, env = "PODLIGHT_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, in PEM
    #[arg(long, env = "PODLIGHT_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The CAs, in PEM: whoever shows a certificate of one may set the light
    #[arg(long, env = "PODLIGHT_CLIENT_CA", value_name = "FILE")]
    pub client_ca: Option<PathBuf>,

    /// A loopback address and port besides, always without TLS: for `lightd status` and other commands on this host, or
    /// in this pod
    #[arg(long, env = "PODLIGHT_LOCAL", value_name = "ADDRESS")]
    pub local: Option<SocketAddr>,

    /// Where metrics and probes can be read over HTTP (`/metrics`, `/livez`, `/readyz`), or off
    #[arg(long, env = "PODLIGHT_HTTP", value_name = "ADDRESS|off", default_value = "127.0.0.1:8081")]
    pub http: Http,

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
    /// An address beyond loopback with neither TLS nor `--insecure`, TLS by halves, or a stick named twice.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let tls = self.tls()?.is_some();
        ensure!(
            tls || self.insecure || self.listen.ip().is_loopback(),
            "--listen {}: this is not a loopback address, so anyone who reaches it could set the light; listen on \
             127.0.0.1, give --tls-cert, --tls-key and --client-ca, or add --insecure where the network is fenced off",
            self.listen
        );
        ensure!(!(tls && self.insecure), "--insecure and --tls-cert: with TLS nothing is insecure; give one of them");
        if let Some(local) = self.local {
            ensure!(local.ip().is_loopback(), "--local {local}: give a loopback address such as 127.0.0.1:50050");
        }
        for (i, stick) in self.stick.iter().enumerate() {
            let twice = matches!(stick, StickName::Usb(_)) && self.stick[..i].contains(stick);
            ensure!(
                !twice,
                "--stick {stick}: named twice; give each stick once, by the serial that `lightd list` shows"
            );
        }
        Ok(())
    }

    /// What TLS takes. Nothing where there is none.
    ///
    /// # Errors
    /// Something of it is missing.
    pub(crate) fn tls(&self) -> Result<Option<Files>, podlight_tls::Missing> {
        podlight_tls::all_or_none(
            ("--tls-cert", self.tls_cert.clone()),
            ("--tls-key", self.tls_key.clone()),
            ("--client-ca", self.client_ca.clone()),
        )
    }

    pub(crate) const fn mount(&self) -> Mount {
        Mount { max_brightness: self.max_brightness, flip: self.flip, inverse: self.inverse }
    }
}

/// Where lightd can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// Nowhere.
    Off,
    /// Here; on any free port where that is 0.
    At(SocketAddr),
}

impl FromStr for Http {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At).map_err(|_| "give ADDRESS:PORT, as in 127.0.0.1:8081, or off"),
        }
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
    fn http_is_somewhere_or_off() {
        assert_eq!("off".parse(), Ok(Http::Off));
        assert_eq!("[::1]:0".parse(), Ok(Http::At("[::1]:0".parse().unwrap())));
        assert!("8081".parse::<Http>().unwrap_err().contains("give ADDRESS:PORT"));
    }

    #[test]
    fn a_wrong_stick_says_what_would_be_right() {
        for name in ["", "usb:", "hid", "virtual:mega"] {
            let error = name.parse::<StickName>().unwrap_err();
            assert!(error.contains("give"), "{name}: {error}");
        }
    }
}

//! Which lights there are: those found in the pod stream, and those given by hand. Keeps a light's scope and address;
//! refuses to know what it shows and whether it answers.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

use crate::ledger::{FoundLight, Scope};

const PLAIN: &str = "http://";
const SECURE: &str = "https://";

/// A light: what it speaks of, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Light {
    /// What the light speaks of.
    pub scope: Scope,
    /// `http://host:port`, or `https://host:port`.
    pub url: String,
}

/// What is wrong with a light given by hand, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidLight {
    /// There is no `=`.
    #[error("there is no \"=\"; give NAME=URL, as in desk=http://127.0.0.1:50051")]
    NoUrl,
    /// The name is none that a node or a namespace can have.
    #[error("the name {0:?} is not valid; give the name of a node, node/NAME, namespace/NAME, or cluster")]
    Name(String),
    /// The URL leads to no light.
    #[error("the URL {0:?} is not valid; give http://HOST:PORT or https://HOST:PORT, as in http://127.0.0.1:50051")]
    Url(String),
}

impl Light {
    /// The light of `node`, whose lightd listens at `address`, by TLS where it is `secure`.
    pub(crate) fn found(node: &str, address: SocketAddr, secure: bool) -> Self {
        let scheme = if secure { SECURE } else { PLAIN };
        Self { scope: Scope::Node(node.to_owned()), url: format!("{scheme}{address}") }
    }

    /// Whether it is spoken to by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.starts_with(SECURE)
    }

    /// Host and port.
    fn place(&self) -> &str {
        self.url.trim_start_matches(SECURE).trim_start_matches(PLAIN)
    }
}

impl Light {
    /// What it speaks of, by a name that can't be taken for another.
    pub(crate) fn full_name(&self) -> String {
        match &self.scope {
            Scope::Node(name) => format!("node/{name}"),
            Scope::Namespace(_) | Scope::Cluster => self.to_string(),
        }
    }
}

/// `NAME=URL`.
impl FromStr for Light {
    type Err = InvalidLight;

    fn from_str(text: &str) -> Result<Self, InvalidLight> {
        let (name, url) = text.split_once('=').ok_or(InvalidLight::NoUrl)?;
        Ok(Self { scope: scope(name)?, url: endpoint(url)? })
    }
}

/// As the contract's `node` field says it.
impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Node(node) => f.write_str(node),
            Scope::Namespace(namespace) => write!(f, "namespace/{namespace}"),
            Scope::Cluster => f.write_str("cluster"),
        }
    }
}

/// All lights there are now; those that were found are spoken to by TLS where that is `secure`. Where one was found that is
/// also given by hand, the hand decides what it speaks of, and how: a light has one session.
pub(crate) fn all<'a>(given: &[Light], found: impl Iterator<Item = FoundLight<'a>>, secure: bool) -> HashSet<Light> {
    let found = found.map(|light| Light::found(light.node, light.address, secure));
    let unclaimed = found.filter(|light| given.iter().all(|claimed| claimed.place() != light.place()));
    given.iter().cloned().chain(unclaimed).collect()
}

fn scope(name: &str) -> Result<Scope, InvalidLight> {
    let (scope, name): (fn(String) -> Scope, _) = match name.split_once('/') {
        None if name == "cluster" => return Ok(Scope::Cluster),
        None => (Scope::Node, name),
        Some(("node", node)) => (Scope::Node, node),
        Some(("namespace", namespace)) => (Scope::Namespace, namespace),
        Some(_) => return Err(InvalidLight::Name(name.to_owned())),
    };
    // A DNS subdomain, as Kubernetes names its objects (RFC 1123).
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() || name.len() > 253 || !name.chars().all(sound) {
        return Err(InvalidLight::Name(name.to_owned()));
    }
    Ok(scope(name.to_owned()))
}

/// Without a port HTTP means 80, which no lightd listens on: so it must be there.
fn endpoint(url: &str) -> Result<String, InvalidLight> {
    let invalid = || InvalidLight::Url(url.to_owned());
    let uri = url.parse::<Uri>().map_err(|_| invalid())?;
    let (Some(host), Some(port)) = (uri.host().filter(|host| !host.is_empty()), uri.port_u16()) else {
        return Err(invalid());
    };
    let scheme = if uri.scheme_str() == Some("https") { SECURE } else { PLAIN };
    let bare = format!("{scheme}{host}:{port}");
    if port == 0 || url.trim_end_matches('/') != bare { Err(invalid()) } else { Ok(bare) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Scope {
        Scope::Node(name.to_owned())
    }

    #[test]
    fn a_light_is_given_by_name_and_url() {
        let url = "http://desk.local:50051";
        for (name, scope, shown) in [
            ("n1", node("n1"), "n1"),
            ("node/n1", node("n1"), "n1"),
            ("node/cluster", node("cluster"), "cluster"),
            ("ip-10-0-0-1.ec2.internal", node("ip-10-0-0-1.ec2.internal"), "ip-10-0-0-1.ec2.internal"),
            ("namespace/shop", Scope::Namespace("shop".to_owned()), "namespace/shop"),
            ("cluster", Scope::Cluster, "cluster"),
        ] {
            let light: Light = format!("{name}={url}").parse().unwrap();
            assert_eq!((&light.scope, light.url.as_str()), (&scope, url));
            assert_eq!(light.to_string(), shown);
        }
    }

    #[test]
    fn hosts_are_names_or_addresses_and_a_last_slash_is_dropped() {
        for (url, want) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            ("http://[::1]:50051/", "http://[::1]:50051"),
            ("http://localhost:50051/", "http://localhost:50051"),
            ("https://desk:50051/", "https://desk:50051"),
        ] {
            assert_eq!(format!("n1={url}").parse::<Light>().unwrap().url, want);
        }
    }

    #[test]
    fn a_bad_url_is_refused_with_what_would_be_right() {
        for url in [
            "",
            "127.0.0.1:50051",
            "desk",
            "grpc://desk:50051",
            "http://desk",
            "http://desk:0",
            "http://:50051",
            "http://desk:99999",
            "http://desk:50051/light",
            "http://desk:50051?x=y",
            "http://ana@desk:50051",
        ] {
            let error = format!("n1={url}").parse::<Light>().unwrap_err();
            assert_eq!(error, InvalidLight::Url(url.to_owned()));
            assert!(error.to_string().contains("give http://HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn a_bad_name_is_refused_with_what_would_be_right() {
        for name in ["", "node/", "namespace/", "pod/cart", "N1", "a b", "namespace/shop/cart", "node/node/n1"] {
            let error = format!("{name}=http://desk:50051").parse::<Light>().unwrap_err();
            assert!(matches!(error, InvalidLight::Name(_)), "{name}: {error}");
        }
        assert_eq!("http://desk:50051".parse::<Light>(), Err(InvalidLight::NoUrl));
    }

    #[test]
    fn what_is_given_by_hand_beats_what_is_found() {
        let address = SocketAddr::from(([10, 0, 0, 1], 50051));
        let other = SocketAddr::from(([10, 0, 0, 2], 50051));
        let given = ["cluster=http://10.0.0.1:50051".parse().unwrap(), "n1=http://desk:50051".parse().unwrap()];
        let found = [FoundLight { node: "n1", address }, FoundLight { node: "n1", address: other }];
        for secure in [false, true] {
            let lights = all(&given, found.into_iter(), secure);
            assert_eq!(lights, given.iter().cloned().chain([Light::found("n1", other, secure)]).collect());
        }
    }
}

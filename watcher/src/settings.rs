//! What the watcher is told on the command line or by the environment. Keeps only what is valid; refuses to connect.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use podlight_tls::Files;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::filter::{Filter, Selector};
use crate::lights::Light;
use crate::policy::{Layout, Policy};
use crate::wall::Wall;

/// What the watcher watches, and which lights it tells.
#[derive(Clone, Debug, Parser)]
pub struct Settings {
    /// The kubeconfig file to connect by [default: as kubectl: $KUBECONFIG, ~/.kube/config, or in a cluster the pod's
    /// service account]
    #[arg(long, env = "PODLIGHT_KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context [default: its current one]
    #[arg(long, env = "PODLIGHT_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,

    /// Only pods of this namespace count; may be given more than once [default: all]
    #[arg(long = "namespace", env = "PODLIGHT_NAMESPACE", value_name = "NAME", value_delimiter = ',')]
    pub namespaces: Vec<String>,

    /// Pods of this namespace don't count; may be given more than once
    #[arg(long = "exclude-namespace", env = "PODLIGHT_EXCLUDE_NAMESPACE", value_name = "NAME", value_delimiter = ',')]
    pub excluded_namespaces: Vec<String>,

    /// Only pods with these labels count, in kubectl's syntax: "app=cart,tier!=test"
    #[arg(long, env = "PODLIGHT_SELECTOR", value_name = "LABELS", default_value = "", hide_default_value = true)]
    pub selector: Selector,

    /// How a verdict is spread over the LEDs of a light [default: the policy's, which is same]
    #[arg(long, env = "PODLIGHT_LAYOUT", value_enum)]
    pub layout: Option<Layout>,

    /// The policy: what counts, and what it looks like; a file that is read again when it changes. `watcher policy show`
    /// prints one with all its keys. What a flag says beats what the file says; lights of both are told
    /// [default: the default policy]
    #[arg(long, env = "PODLIGHT_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// A light besides those found in the cluster; may be given more than once. NAME is a node, node/NAME,
    /// namespace/NAME or cluster: what the light speaks of. URL is http://HOST:PORT, or https://HOST:PORT with
    /// --tls-cert
    #[arg(long = "light", env = "PODLIGHT_LIGHT", value_name = "NAME=URL", value_delimiter = ',')]
    pub lights: Vec<Light>,

    /// The certificate to show to lights, in PEM. With it all lights found in the cluster are spoken to by TLS 1.3, and so
    /// are those given by https://. The three files may change at any time
    #[arg(long, env = "PODLIGHT_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, in PEM
    #[arg(long, env = "PODLIGHT_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The CAs, in PEM, of which lights' certificates have to be; and they have to be for lightd.podlight, or for the
    /// light's node or the URL's host
    #[arg(long, env = "PODLIGHT_LIGHT_CA", value_name = "FILE")]
    pub light_ca: Option<PathBuf>,

    /// For how long a light may believe what it was told last: 1s to 10m. Renewed three times as often
    #[arg(long, env = "PODLIGHT_LEASE", value_name = "TIME", default_value = "15s", value_parser = lease)]
    pub lease: Duration,

    /// After how long without a word from the Kubernetes API leases are no longer renewed: 2s to 10m. The lights turn
    /// stale when the lease has lapsed, too
    #[arg(long, env = "PODLIGHT_API_SILENCE", value_name = "TIME", default_value = "30s", value_parser = api_silence)]
    pub api_silence: Duration,

    /// The Lease of which one watcher of several is the holder, who alone tells lights while the others stand by, or off
    /// for a watcher that is the only one [default: in a cluster the Lease "watcher" in the pod's own namespace, by
    /// kubeconfig off]
    #[arg(long, env = "PODLIGHT_ELECTION", value_name = "NAMESPACE/NAME|off")]
    pub election: Option<Election>,

    /// Where people can ask (the Cluster service, over gRPC), or off
    #[arg(long, env = "PODLIGHT_LISTEN", value_name = "ADDRESS:PORT|off", default_value = "127.0.0.1:50052")]
    pub listen: Listen,

    /// Where to be read over HTTP (the wall at `/`; `/metrics`, `/livez`, `/readyz`), or off
    #[arg(long, env = "PODLIGHT_HTTP", value_name = "ADDRESS:PORT|off", default_value = "127.0.0.1:8080")]
    pub http: Listen,

    /// Let people identify and acknowledge nodes from the wall: whoever reaches --http may
    #[arg(long, env = "PODLIGHT_WALL_ACTIONS")]
    pub wall_actions: bool,

    /// A public name that the wall is reached by, as "wall.example.com"; may be given more than once. Addresses and names
    /// of private networks need none
    #[arg(long = "wall-host", env = "PODLIGHT_WALL_HOST", value_name = "NAME", value_delimiter = ',')]
    pub wall_hosts: Vec<String>,

    /// Let --listen be beyond this host, where whoever reaches the port may set lights
    #[arg(long, env = "PODLIGHT_INSECURE")]
    pub insecure: bool,
}

/// Where somebody can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Off,
    /// Here; on any free port where that is 0.
    At(SocketAddr),
}

impl Listen {
    /// Listens.
    ///
    /// # Errors
    /// Nobody can listen there: `flag` says so.
    pub(crate) async fn bind(self, flag: &str) -> anyhow::Result<Option<TcpListener>> {
        match self {
            Self::Off => Ok(None),
            Self::At(address) => {
                TcpListener::bind(address).await.map(Some).with_context(|| format!("{flag} {address}"))
            }
        }
    }
}

/// The Lease of the watchers of a cluster, where none was named.
pub(crate) const LEASE: &str = "watcher";

/// Whether a watcher is one of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Election {
    /// It is the only one.
    Off,
    /// Whoever holds this Lease tells the lights.
    Lease {
        /// The Lease's namespace.
        namespace: String,
        /// The Lease's name.
        name: String,
    },
}

/// What keeps the watcher from starting, and what would be right: trying again won't help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Misconfigured(String);

impl Misconfigured {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Settings {
    /// # Errors
    /// Two settings contradict each other.
    pub(crate) fn check(&self) -> Result<(), Misconfigured> {
        if let Some(name) = self.namespaces.iter().find(|name| self.excluded_namespaces.contains(name)) {
            let why = format!("--namespace {name} and --exclude-namespace {name} leave no pod of it; give one of them");
            return Err(Misconfigured(why));
        }
        if let Listen::At(address) = self.listen
            && !address.ip().is_loopback()
            && !self.insecure
        {
            let why = format!(
                "--listen {address}: whoever reaches it may set lights; give 127.0.0.1:{0}, or --insecure where the network \
                 keeps others out",
                address.port()
            );
            return Err(Misconfigured(why));
        }
        let mut urls = HashSet::new();
        if let Some(light) = self.lights.iter().find(|light| !urls.insert(&light.url)) {
            let why =
                format!("--light {light}={}: this light has been given before; a light speaks of one thing", light.url);
            return Err(Misconfigured(why));
        }
        let tls = self.tls()?.is_some();
        if let Some(light) = self.lights.iter().find(|light| light.is_secure() && !tls) {
            let why = format!("--light {light}={}: https takes --tls-cert, --tls-key and --light-ca", light.url);
            return Err(Misconfigured(why));
        }
        Ok(())
    }

    /// What TLS takes. Nothing where there is none.
    pub(crate) fn tls(&self) -> Result<Option<Files>, Misconfigured> {
        podlight_tls::all_or_none(
            ("--tls-cert", self.tls_cert.clone()),
            ("--tls-key", self.tls_key.clone()),
            ("--light-ca", self.light_ca.clone()),
        )
        .map_err(|missing| Misconfigured(missing.to_string()))
    }

    /// How the wall is served.
    pub(crate) fn wall(&self) -> Wall {
        Wall { actions: self.wall_actions, hosts: self.wall_hosts.clone() }
    }

    /// The policy with what is told here instead of what it says itself. Lights of both are told; of those with one URL,
    /// the one that is given here.
    ///
    /// # Errors
    /// What is told here contradicts the rest of the policy.
    pub(crate) fn over(&self, mut policy: Policy) -> Result<Policy, Misconfigured> {
        let Filter { namespaces, excluded, selector } = &mut policy.criteria.filter;
        if !self.namespaces.is_empty() {
            *namespaces = self.namespaces.iter().cloned().collect();
        }
        if !self.excluded_namespaces.is_empty() {
            *excluded = self.excluded_namespaces.iter().cloned().collect();
        }
        if let Some(name) = namespaces.intersection(excluded).next() {
            let why = format!("namespace {name} is to count by --namespace or the policy, and not to by the other");
            return Err(Misconfigured(why));
        }
        if self.selector != Selector::default() {
            *selector = self.selector.clone();
        }
        policy.layout = self.layout.unwrap_or(policy.layout);
        policy.lights.retain(|light| self.lights.iter().all(|given| given.url != light.url));
        policy.lights.splice(0..0, self.lights.iter().cloned());
        let tls = self.tls()?.is_some();
        if let Some(light) = policy.lights.iter().find(|light| light.is_secure() && !tls) {
            return Err(Misconfigured(format!(
                "light {light}={}: https takes --tls-cert, --tls-key and --light-ca",
                light.url
            )));
        }
        Ok(policy)
    }
}

impl Election {
    /// Where it wasn't said: in a cluster, `inside` of this namespace, the rights to the Lease come with the deployment; at
    /// a desk there is nobody to share with.
    pub(crate) fn unless_told(inside: Option<String>) -> Self {
        inside.map_or(Self::Off, |namespace| Self::Lease { namespace, name: LEASE.to_owned() })
    }
}

impl FromStr for Election {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // As Kubernetes names namespaces, and stricter than it names Leases (RFC 1123).
        let sound = |name: &str| {
            (1..=63).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        match text.split_once('/') {
            None if text == "off" => Ok(Self::Off),
            Some((namespace, name)) if sound(namespace) && sound(name) => {
                Ok(Self::Lease { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("give NAMESPACE/NAME of a Lease, as in podlight/watcher, or off"),
        }
    }
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At).map_err(|_| "give ADDRESS:PORT, as in 127.0.0.1:50052, or off"),
        }
    }
}

impl ValueEnum for Layout {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Same, Self::Split, Self::Pods]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Same => PossibleValue::new("same").help("all LEDs alike: the worst"),
            Self::Split => PossibleValue::new("split").help("the top: whether anything runs; the bottom: the worst"),
            Self::Pods => PossibleValue::new("pods").help("an LED a pod; the last one sums up those that don't fit"),
        })
    }
}

fn lease(text: &str) -> Result<Duration, String> {
    time(text, Duration::from_secs(1)..=Duration::from_secs(600), "1s to 10m")
}

fn api_silence(text: &str) -> Result<Duration, String> {
    time(text, Duration::from_secs(2)..=Duration::from_secs(600), "2s to 10m")
}

fn time(text: &str, range: RangeInclusive<Duration>, want: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).ok().filter(|time| range.contains(time)).ok_or_else(|| format!("give {want}"))
}

#[cfg(test)]
mod tests {

    use super::*;

    fn parse(args: &[&str]) -> Result<Settings, clap::Error> {
        Settings::try_parse_from([&["watcher"], args].concat())
    }

    #[test]
    fn defaults_are_those_of_the_design() {
        let settings = parse(&[]).unwrap();
        assert_eq!(settings.lease, Duration::from_secs(15));
        assert_eq!(settings.api_silence, Duration::from_secs(30));
        assert_eq!(settings.over(Policy::default()), Ok(Policy::default()));
        assert!(settings.lights.is_empty() && settings.namespaces.is_empty() && settings.election.is_none());
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn flags_are_given_again_or_parted_by_commas() {
        let settings = parse(&["--namespace", "a,b", "--namespace", "c", "--selector", "x=y,z!=w"]).unwrap();
        assert_eq!(settings.namespaces, ["a", "b", "c"]);
        let lights = parse(&["--light", "n1=http://a:1,cluster=http://b:2"]).unwrap().lights;
        assert_eq!(lights.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_with_flag_value_and_remedy() {
        for (flag, value, want) in [
            ("--light", "desk", "give NAME=URL"),
            ("--light", "n1=desk:1", "give http://HOST:PORT"),
            ("--light", "Desk=http://desk:1", "the name of a node"),
            ("--lease", "0s", "give 1s to 10m"),
            ("--lease", "soon", "give 1s to 10m"),
            ("--api-silence", "1s", "give 2s to 10m"),
            ("--selector", "a b", "key=value"),
            ("--layout", "rainbow", "same, split, pods"),
            ("--election", "watcher", "give NAMESPACE/NAME"),
            ("--listen", "50052", "give ADDRESS:PORT"),
            ("--election", "podlight/", "give NAMESPACE/NAME"),
            ("--election", "podlight/a/b", "give NAMESPACE/NAME"),
        ] {
            let error = parse(&[flag, value]).unwrap_err().to_string();
            for part in [flag, value, want] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }

    #[test]
    fn flags_beat_the_policy_and_lights_add_up() {
        let file = "pods: {namespaces: {only: [a, b], except: [c]}, labels: x=y}\nlayout: split\n\
                    lights: ['n1=http://a:1', 'n2=http://b:2']";
        let policy = Policy::parse(file).unwrap();
        assert_eq!(parse(&[]).unwrap().over(policy.clone()), Ok(policy.clone()));
        let flags = ["--namespace", "d", "--selector", "z", "--layout", "pods", "--light", "cluster=http://a:1"];
        let over = parse(&flags).unwrap().over(policy.clone()).unwrap();
        let file = "pods: {namespaces: {only: d, except: c}, labels: z}\nlayout: pods\n\
                    lights: ['cluster=http://a:1', 'n2=http://b:2']";
        assert_eq!(over, Policy::parse(file).unwrap());
        let error = parse(&["--exclude-namespace", "b"]).unwrap().over(policy).unwrap_err().to_string();
        assert!(error.contains("namespace b"), "{error}");
    }

    #[test]
    fn an_election_is_for_a_lease_or_off() {
        let election = |value| parse(&["--election", value]).unwrap().election;
        assert_eq!(election("off"), Some(Election::Off));
        let lease = Election::Lease { namespace: "podlight".to_owned(), name: "watcher".to_owned() };
        assert_eq!(election("podlight/watcher"), Some(lease));
    }

    #[test]
    fn contradictions_are_refused() {
        for (args, part) in [
            (["--namespace", "a", "--exclude-namespace", "a"], "--exclude-namespace a"),
            (["--light", "n1=http://a:1", "--light", "n2=http://a:1"], "--light n2=http://a:1"),
            (["--listen", "0.0.0.0:50052", "--lease", "15s"], "--insecure"),
            (["--light", "n1=https://a:1", "--layout", "same"], "--light n1=https://a:1: https takes --tls-cert"),
            (["--tls-cert", "a", "--light-ca", "b"], "--tls-cert and --light-ca without --tls-key"),
        ] {
            let error = parse(&args).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}

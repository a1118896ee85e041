//! The watcher and its lights by mutual TLS, and certificates that change meanwhile.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use podlight_proto::v1;
use podlight_proto::v1::cluster_client::ClusterClient;
use podlight_sim::NodeBuilder;
use podlight_tls::EVERY_LIGHT;
use podlight_tls::authority::{Authority, Pair};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;

use crate::rig::{Api, GREEN, Light, PATIENCE, RED};
use crate::{LONG, cart};

const HOUR: Duration = Duration::from_secs(3_600);

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
fn an_hour_ago() -> SystemTime {
    SystemTime::now() - HOUR
}

fn authority() -> Authority {
    Authority::new(an_hour_ago(), 2 * HOUR).unwrap()
}

/// A folder as a Secret is mounted: each file is a link through one to the newest.
struct Secret {
    folder: TempDir,
    count: u32,
}

impl Secret {
    /// `pair`, and the CA of this authority.
    fn new(authority: &Authority, pair: &Pair) -> Self {
        let mut secret = Self { folder: TempDir::new().unwrap(), count: 0 };
        secret.becomes(authority, pair);
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            std::os::unix::fs::symlink(Path::new("..data").join(name), secret.folder.path().join(name)).unwrap();
        }
        secret
    }

    fn light(authority: &Authority, names: &[&str]) -> Self {
        Self::new(authority, &authority.light(names, an_hour_ago(), 2 * HOUR).unwrap())
    }

    fn watcher(authority: &Authority) -> Self {
        Self::new(authority, &authority.caller("watcher", an_hour_ago(), 2 * HOUR).unwrap())
    }

    /// As the kubelet changes one: a new folder, and then the one link.
    fn becomes(&mut self, authority: &Authority, pair: &Pair) {
        self.count += 1;
        let (name, folder) = (format!("..{}", self.count), self.folder.path());
        fs::create_dir(folder.join(&name)).unwrap();
        let ca = authority.certificate();
        for (file, text) in [("tls.crt", &pair.certificate), ("tls.key", &pair.key), ("ca.crt", &ca)] {
            fs::write(folder.join(&name).join(file), text).unwrap();
        }
        std::os::unix::fs::symlink(&name, folder.join("..new")).unwrap();
        fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    }

    /// The flags of a daemon that has it.
    fn flags(&self, ca: &str) -> Vec<String> {
        let path = |name| self.folder.path().join(name).to_str().unwrap().to_owned();
        let flags = [("--tls-cert", "tls.crt"), ("--tls-key", "tls.key"), (ca, "ca.crt")];
        flags.into_iter().flat_map(|(flag, name)| [flag.to_owned(), path(name)]).collect()
    }
}

fn all<'a>(flags: &'a [String], others: &[&'a str]) -> Vec<&'a str> {
    flags.iter().map(String::as_str).chain(others.iter().copied()).collect()
}

async fn light(secret: &Secret) -> Light {
    let flags = secret.flags("--client-ca");
    Light::told(&all(&flags, &["--stick", "virtual:nano", "--local", "127.0.0.1:0"])).await
}

async fn cluster(lights: &[(&Light, &str)]) -> Api {
    let api = Api::start().await;
    for (light, node) in lights {
        api.cluster.apply_node(NodeBuilder::new(node));
        api.find(light, node);
    }
    api
}

/// What is wrong with this node's light, once something is.
async fn problem(cluster: &mut ClusterClient<Channel>, node: &str) -> String {
    let wrong = async {
        loop {
            let nodes = cluster.list_nodes(v1::ListNodesRequest {}).await;
            let nodes = nodes.map(|nodes| nodes.into_inner().nodes).unwrap_or_default();
            let light = nodes.into_iter().find(|known| known.name == node).and_then(|node| node.light);
            match light {
                Some(light) if !light.problem.is_empty() => return light.problem,
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, wrong).await.unwrap()
}

#[tokio::test]
async fn lights_are_told_by_mutual_tls_whether_one_certificate_is_for_all_or_one_for_each() {
    let authority = authority();
    let (shared, own) = (Secret::light(&authority, &[EVERY_LIGHT]), Secret::light(&authority, &["n2"]));
    let (mut first, mut second) = (light(&shared).await, light(&own).await);
    let api = cluster(&[(&first, "n1"), (&second, "n2")]).await;
    let mut desk = light(&Secret::light(&authority, &["127.0.0.1"])).await;
    let given = format!("cluster=https://{}", desk.address);
    let flags = Secret::watcher(&authority);
    let flags = flags.flags("--light-ca");
    let watcher = api.watcher(&all(&flags, &[&LONG[..], &["--light", &given]].concat()));
    for light in [&mut first, &mut second, &mut desk] {
        light.shows(&[GREEN; 2]).await;
    }
    api.cluster.apply_pod(cart().crash_looping(1));
    first.shows(&[RED; 2]).await;
    watcher.stop().await;
    first.is_stale().await;
}

#[tokio::test]
async fn what_is_wrong_between_a_light_and_the_watcher_is_told_by_node() {
    let (ours, theirs) = (authority(), authority());
    let foreign = light(&Secret::light(&theirs, &[EVERY_LIGHT])).await;
    let misnamed = light(&Secret::light(&ours, &["n1", "n7"])).await;
    let plain = Light::start("virtual:nano").await;
    let distrusts = Secret::new(&theirs, &ours.light(&[EVERY_LIGHT], an_hour_ago(), 2 * HOUR).unwrap());
    let distrusts = light(&distrusts).await;
    let api = cluster(&[(&foreign, "n1"), (&misnamed, "n2"), (&plain, "n3"), (&distrusts, "n4")]).await;
    let flags = Secret::watcher(&ours);
    let flags = flags.flags("--light-ca");
    let (watcher, mut asked) = api.asked(&all(&flags, &LONG)).await;
    for (node, want) in [
        ("n1", "the light's certificate is of an unknown CA"),
        ("n2", "it must be for n2 or lightd.podlight"),
        ("n3", "what answers there speaks no TLS"),
        ("n4", "it is of a CA that isn't in its --client-ca"),
    ] {
        let problem = problem(&mut asked, node).await;
        assert!(problem.contains(want), "{node}: {problem}");
    }
    watcher.stop().await;
    // And the other way round.
    let (watcher, mut asked) = api.asked(&LONG).await;
    let problem = problem(&mut asked, "n1").await;
    assert!(problem.contains("this port speaks TLS: give https://"), "{problem}");
    watcher.stop().await;
}

/// The ports from which this one is connected to now, as the kernel lists them.
fn callers(port: u16) -> Vec<String> {
    const ESTABLISHED: &str = "01";
    let ours = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let connections = table.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let to_us = connections.filter(|(local, _, state)| local.ends_with(&ours) && *state == ESTABLISHED);
    to_us.map(|(_, remote, _)| remote.to_owned()).collect()
}

/// Changes the color again and again until `done`, and looks on that there always is a connection. The longest that a change took
/// to show.
async fn longest(api: &Api, light: &mut Light, done: impl Future<Output = ()>) -> Duration {
    let mut longest = Duration::ZERO;
    let mut done = std::pin::pin!(done);
    for color in [RED, GREEN].into_iter().cycle() {
        let start = Instant::now();
        api.cluster.apply_pod(if color == RED { cart().crash_looping(1) } else { cart().running() });
        let port = light.address.port();
        let connected = async {
            loop {
                assert!(!callers(port).is_empty(), "a gap");
                sleep(Duration::from_millis(1)).await;
            }
        };
        let shown = light.until(color, |state| {
            assert_ne!(state.layer(), v1::Layer::Stale, "a gap");
            state.leds[0].color == color
        });
        tokio::select! {
            _ = shown => {}
            () = connected => {}
        }
        longest = longest.max(start.elapsed());
        // It ends as it began.
        if color == GREEN && timeout(Duration::from_millis(20), &mut done).await.is_ok() {
            break;
        }
    }
    longest
}

#[tokio::test]
async fn a_new_ca_comes_to_one_after_the_other_without_a_gap() {
    let (old, new) = (authority(), authority());
    let (mut shown, mut told) = (Secret::light(&old, &[EVERY_LIGHT]), Secret::watcher(&old));
    let mut light = light(&shown).await;
    let api = cluster(&[(&light, "n1")]).await;
    let flags = told.flags("--light-ca");
    // It outlasts a pause of the machine. A gap that is shorter is seen by the connection.
    let watcher = api.watcher(&all(&flags, &["--lease", "10s", "--api-silence", "10m"]));
    light.shows(&[GREEN; 2]).await;
    let before = callers(light.address.port());
    assert_eq!(before.len(), 1);

    // The watcher has new ones, and the light has the old ones for some time yet.
    let pair = new.caller("watcher", an_hour_ago(), 2 * HOUR).unwrap();
    told.becomes(&new, &pair);
    let first = longest(&api, &mut light, sleep(Duration::from_secs(12))).await;
    let pair = new.light(&[EVERY_LIGHT], an_hour_ago(), 2 * HOUR).unwrap();
    shown.becomes(&new, &pair);
    let second = longest(&api, &mut light, sleep(Duration::from_secs(12))).await;
    let _ = writeln!(std::io::stderr(), "a change took {first:?} at most, and {second:?} at most, to show");

    // The stream is one of the new CA by now: one of the old would be shown out in the end.
    let after = callers(light.address.port());
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    watcher.stop().await;
    light.is_stale().await;
}

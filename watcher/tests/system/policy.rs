//! A policy file that changes while the watcher runs.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use podlight_proto::v1;
use podlight_sim::{NodeBuilder, PodBuilder};
use tempfile::TempDir;

use crate::rig::{Api, BLACK, GREEN, Light, RED, YELLOW};
use crate::{LONG, cart, node};

/// A folder as a kubelet mounts a `ConfigMap`: what it holds is swapped as a whole, by renaming a symbolic link.
struct ConfigMap {
    folder: TempDir,
    versions: u32,
}

impl ConfigMap {
    fn new(policy: &str) -> Self {
        let mut map = Self { folder: tempfile::tempdir().unwrap(), versions: 0 };
        map.swap(policy);
        symlink("..data/policy.yaml", map.file()).unwrap();
        map
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    fn swap(&mut self, policy: &str) {
        self.versions += 1;
        let name = format!("..{}", self.versions);
        let at = |name: &str| self.folder.path().join(name);
        std::fs::create_dir(at(&name)).unwrap();
        std::fs::write(at(&name).join("policy.yaml"), policy).unwrap();
        symlink(Path::new(&name), at("..data_tmp")).unwrap();
        std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    }
}

async fn begin(policy: &str) -> (Api, Light, ConfigMap, crate::rig::Running) {
    let (api, light) = node("n1").await;
    let map = ConfigMap::new(policy);
    let watcher = api.watcher(&[&LONG[..], &["--policy", map.file().to_str().unwrap()]].concat());
    (api, light, map, watcher)
}

#[tokio::test]
async fn a_policy_that_changes_holds_at_once_and_a_bad_one_never() {
    let (api, mut light, mut map, watcher) = begin("").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    light.shows(&[RED; 2]).await;

    map.swap("states: {failed: {color: '#400000'}}");
    light.shows(&["#400000"; 2]).await;

    // The bad one came before the good one, and changed nothing.
    map.swap("states: {failed: {color: '#500000'}}\nlayout: rainbow");
    assert!(light.keeps(std::time::Duration::from_secs(5), |state| state.leds[0].color == "#400000").await);
    map.swap("states: {failed: {color: '#600000'}}");
    let state = light.until("another red", |state| state.leds[0].color != "#400000").await;
    assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, "#600000"));
    watcher.stop().await;
}

#[tokio::test]
async fn what_counts_by_a_new_policy_is_listed_anew_without_a_light_turning_stale() {
    let (api, mut light, mut map, watcher) = begin("pods: {namespaces: {except: [shop]}}").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    light.shows(&[GREEN; 2]).await;

    // The shop's pod was told of before, and not kept.
    map.swap("pods: {namespaces: {only: [shop]}}");
    let state = light.until("other than green", |state| state.leds[0].color != GREEN).await;
    assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, RED));

    map.swap("pods: {labels: 'app!=cart'}");
    let state = light.until("other than red", |state| state.leds[0].color != RED).await;
    assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, GREEN));

    // Both watches go on after that.
    api.cluster.apply_node(NodeBuilder::new("n1").lost());
    light.until("a node in trouble", |state| state.leds[0].effect() == v1::Effect::Blink).await;
    api.cluster.apply_node(NodeBuilder::new("n1"));
    api.cluster.apply_pod(PodBuilder::new("bank", "vault").on("n1").running().ready(false));
    light.shows(&[YELLOW; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn desk_lights_come_and_go_with_the_policy_and_flags_beat_it() {
    let (api, mut light) = node("n1").await;
    let mut desk = Light::start("virtual:nano").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let mut map = ConfigMap::new("layout: same");
    let flags = ["--policy", map.file().to_str().unwrap(), "--layout", "split"].map(ToOwned::to_owned);
    let flags: Vec<&str> = LONG.into_iter().chain(flags.iter().map(String::as_str)).collect();
    let watcher = api.watcher(&flags);
    light.shows(&[GREEN, RED]).await;

    map.swap(&format!("lights: ['namespace/shop={}']\nlayout: same", desk.url()));
    // Nothing in the shop runs.
    desk.shows(&[BLACK, RED]).await;
    map.swap("");
    desk.is_stale().await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_grace_that_is_over_shows_by_itself_and_a_rolling_update_is_no_trouble() {
    let (api, mut light, _map, watcher) = begin("states: {failed: {after: 2s}}\nupdates: {within: 10m}").await;
    light.shows(&[GREEN; 2]).await;
    api.cluster.apply_pod(cart().crash_looping(1));
    light.shows(&[YELLOW; 2]).await;
    light.shows(&[RED; 2]).await;

    let owned = |pod: PodBuilder| pod.owner("DaemonSet", "till");
    api.cluster.apply_pod(cart().running());
    api.cluster.apply_pod(owned(PodBuilder::new("shop", "till-1").on("n1").running()));
    light.shows(&[GREEN; 2]).await;
    api.cluster.apply_pod(owned(PodBuilder::new("shop", "till-2").on("n1").running().terminating()));
    let state = light.until("an update", |state| state.leds[0].effect() == v1::Effect::Pulse).await;
    assert_eq!(state.leds[0].color, GREEN);
    assert!(state.reason.contains("shop/till-2 Terminating, updating"), "{}", state.reason);
    watcher.stop().await;
}

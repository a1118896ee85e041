//! The watcher between a simulated cluster and real lightds: what happens there is what shows here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asked;
mod commands;
mod election;
mod metrics;
mod policy;
mod rig;
mod tls;
mod wall;
mod web;

use std::time::Duration;

use podlight_proto::v1;
use podlight_sim::{NodeBuilder, PodBuilder};
use rig::{Api, BLACK, GREEN, Light, RED, YELLOW};

/// Short, so that going stale doesn't take long.
const SHORT: [&str; 4] = ["--lease", "2s", "--api-silence", "3s"];
/// Long, so that no lease lapses while a test runs.
const LONG: [&str; 4] = ["--lease", "10m", "--api-silence", "10m"];

fn cart() -> PodBuilder {
    PodBuilder::new("shop", "cart").uid("cart").on("n1")
}

/// A cluster of this node, and the light of it.
async fn node(name: &str) -> (Api, Light) {
    let (api, light) = (Api::start().await, Light::start("virtual:nano").await);
    api.cluster.apply_node(NodeBuilder::new(name));
    api.find(&light, name);
    (api, light)
}

#[tokio::test]
async fn pods_become_the_color_of_their_node_and_of_no_other() {
    let (api, mut first) = node("n1").await;
    let mut second = Light::start("virtual:nano").await;
    api.cluster.apply_node(NodeBuilder::new("n2"));
    api.find(&second, "n2");
    api.cluster.apply_pod(cart().running());
    let watcher = api.watcher(&LONG);
    first.shows(&[GREEN; 2]).await;
    second.shows(&[GREEN; 2]).await;
    assert_eq!(api.cluster.watches(), 2);

    api.cluster.apply_pod(cart().crash_looping(12));
    let state = first.shows(&[RED; 2]).await;
    assert!(state.reason.contains("shop/cart CrashLoopBackOff"), "{}", state.reason);
    let reason = state.watcher.unwrap().reason.unwrap();
    assert_eq!((reason.pod.as_str(), reason.state.as_str(), reason.restarts), ("shop/cart", "CrashLoopBackOff", 12));

    api.cluster.delete_pod("shop", "cart");
    first.shows(&[GREEN; 2]).await;
    assert!(second.keeps(Duration::ZERO, |state| state.leds[0].color == GREEN).await);
    watcher.stop().await;
}

#[tokio::test]
async fn a_quiet_cluster_stays_fresh_and_a_silent_one_turns_its_lights_stale() {
    let (api, mut light) = node("n1").await;
    let watcher = api.watcher(&SHORT);
    light.shows(&[GREEN; 2]).await;
    assert!(light.keeps(Duration::from_secs(8), |state| state.layer() == v1::Layer::Watcher).await);

    api.cluster.hang(true);
    light.is_stale().await;
    assert!(light.keeps(Duration::from_secs(2), |state| state.layer() == v1::Layer::Stale).await);

    api.cluster.apply_pod(cart().crash_looping(3));
    api.cluster.hang(false);
    light.shows(&[RED; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn an_api_that_goes_and_comes_back_is_watched_again() {
    let (mut api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().running());
    let watcher = api.watcher(&SHORT);
    light.shows(&[GREEN; 2]).await;
    api.server.stop().await;
    light.is_stale().await;
    api.cluster.apply_pod(cart().crash_looping(1));
    api.server.restart().await.unwrap();
    light.shows(&[RED; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_pod_deleted_in_a_gap_is_not_shown_for_ever() {
    let (mut api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let watcher = api.watcher(&LONG);
    light.shows(&[RED; 2]).await;
    api.server.stop().await;
    api.cluster.delete_pod("shop", "cart");
    api.cluster.compact();
    api.server.restart().await.unwrap();
    // It goes from red to green without a stale look between: the old state stays until the list is complete.
    let state = light.until("other than red", |state| state.leds[0].color != RED).await;
    assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, GREEN));
    watcher.stop().await;
}

#[tokio::test]
async fn an_api_that_is_not_there_yet_is_waited_for() {
    let (mut api, mut light) = node("n1").await;
    api.server.stop().await;
    let watcher = api.watcher(&LONG);
    assert!(light.keeps(Duration::from_secs(1), |state| state.layer() == v1::Layer::Idle).await);
    api.server.restart().await.unwrap();
    light.shows(&[GREEN; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn desk_lights_speak_of_a_node_a_namespace_or_the_cluster() {
    let api = Api::start().await;
    for name in ["n1", "n2"] {
        api.cluster.apply_node(NodeBuilder::new(name));
    }
    api.cluster.apply_pod(cart().crash_looping(1));
    api.cluster.apply_pod(PodBuilder::new("bank", "vault").on("n2").running());
    let mut flags = LONG.map(str::to_owned).to_vec();
    let mut lights = Vec::new();
    for (scope, color) in
        [("n1", RED), ("node/n2", GREEN), ("namespace/shop", RED), ("namespace/bank", GREEN), ("cluster", RED)]
    {
        let light = Light::start("virtual:nano").await;
        flags.extend(["--light".to_owned(), format!("{scope}={}", light.url())]);
        lights.push((light, scope, color));
    }
    let watcher = api.watcher(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    for (light, scope, color) in &mut lights {
        let state = light.shows(&[*color; 2]).await;
        assert_eq!(state.watcher.unwrap().node, scope.trim_start_matches("node/"));
    }
    watcher.stop().await;
}

#[tokio::test]
async fn pods_out_of_view_do_not_count() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    api.cluster.apply_pod(PodBuilder::new("bank", "vault").on("n1").pending());
    let watcher = api.watcher(&[&LONG[..], &["--exclude-namespace", "shop"]].concat());
    light.shows(&[YELLOW; 2]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn the_layout_pods_has_an_led_for_each_pod_of_as_many_as_the_light_has() {
    let (api, mut light) = node("n1").await;
    for name in ["a", "b"] {
        api.cluster.apply_pod(PodBuilder::new("shop", name).on("n1").running());
    }
    api.cluster.apply_pod(cart().crash_looping(1));
    let watcher = api.watcher(&[&LONG[..], &["--layout", "pods"]].concat());
    // Until the light has said how many LEDs it has, both are red.
    let state =
        light.until("two colors", |state| state.leds.len() == 2 && state.leds[0].color != state.leds[1].color).await;
    assert_eq!((state.leds[0].color.as_str(), state.leds[1].color.as_str()), (GREEN, RED));
    watcher.stop().await;
}

#[tokio::test]
async fn a_watcher_that_stops_hands_its_lights_back_at_once() {
    let (api, mut light) = node("n1").await;
    let watcher = api.watcher(&LONG);
    light.shows(&[GREEN; 2]).await;
    watcher.stop().await;
    light.is_stale().await;
}

#[tokio::test]
async fn a_watcher_that_dies_leaves_lights_that_turn_stale_by_themselves() {
    let (api, mut light) = node("n1").await;
    let watcher = api.watcher(&SHORT);
    light.shows(&[GREEN; 2]).await;
    watcher.kill().await;
    light.is_stale().await;
}

#[tokio::test]
async fn a_light_that_moves_is_told_where_it_is_now() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let watcher = api.watcher(&LONG);
    light.shows(&[RED; 2]).await;
    light.stop().await;
    let mut moved = Light::start("virtual:square").await;
    api.find(&moved, "n1");
    moved.shows(&[RED; 8]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_node_that_is_not_ready_beats_its_pods() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().running());
    let watcher = api.watcher(&LONG);
    light.shows(&[GREEN; 2]).await;
    api.cluster.apply_node(NodeBuilder::new("n1").lost());
    let state = light.until("a node in trouble", |state| state.leds[0].effect() == v1::Effect::Blink).await;
    assert!(state.reason.contains("n1"), "{}", state.reason);
    watcher.stop().await;
}

#[tokio::test]
async fn a_person_beats_the_watcher_and_the_newest_shows_after() {
    use podlight_proto::v1::light_client::LightClient;
    let (api, mut light) = node("n1").await;
    let watcher = api.watcher(&LONG);
    light.shows(&[GREEN; 2]).await;
    let endpoint = tonic::transport::Endpoint::from_shared(light.url()).unwrap();
    let mut person = LightClient::new(endpoint.connect().await.unwrap());
    let set = v1::SetColorRequest { color: "black".to_owned(), ..v1::SetColorRequest::default() };
    let state = person.set_color(set).await.unwrap().into_inner();
    assert_eq!(state.leds[0].color, BLACK);
    api.cluster.apply_pod(cart().crash_looping(1));
    light.until("told beneath", |state| state.watcher.as_ref().is_some_and(|told| told.version > 1)).await;
    person.release(v1::ReleaseRequest {}).await.unwrap();
    light.shows(&[RED; 2]).await;
    watcher.stop().await;
}

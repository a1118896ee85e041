//! What the watcher tells over HTTP: its metrics follow the cluster and its lights, its probes what Kubernetes expects.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use podlight_sim::NodeBuilder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::rig::{Api, GREEN, Light, PATIENCE, RED};
use crate::{LONG, SHORT, cart, node};

const FAILED: &str = "podlight_pods{state=\"failed\"}";
const FAILED_ON_N1: &str = "podlight_node_pods{node=\"n1\",state=\"failed\"}";
const NODES_FAILED: &str = "podlight_nodes{verdict=\"failed\"}";
const SHOWS: &str = "podlight_lights{condition=\"shows\"}";
const OUT_OF_REACH: &str = "podlight_lights{condition=\"out_of_reach\"}";
const RECONNECTS: &str = "podlight_light_reconnects_total";
const ACKNOWLEDGED: &str = "podlight_light_acknowledgement_seconds_count";
const FRESH: &str = "podlight_api_fresh";
const LEADS: &str = "podlight_leader";
const EPOCH: &str = "podlight_epoch";

/// What is answered to a GET there: the status, and the text.
async fn read(address: SocketAddr, path: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: watcher\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), text.to_owned())
}

/// This sample, if there is one.
fn sample(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Waits until the samples are as wanted.
async fn until(address: SocketAddr, wanted: &[(&str, Option<f64>)]) -> String {
    let mut last = String::new();
    let wait = async {
        loop {
            last = read(address, "/metrics").await.1;
            if wanted.iter().all(|(name, value)| sample(&last, name) == *value) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let come = timeout(PATIENCE, wait).await.is_ok();
    assert!(come, "never {wanted:?}, but {last}");
    last
}

#[tokio::test]
async fn a_crash_looping_pod_changes_the_counts_and_is_timed() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().running());
    let (watcher, address) = api.read(&LONG).await;
    light.shows(&[GREEN; 2]).await;
    // What it was told first is no change.
    let whole = [(FAILED, Some(0.0)), (FAILED_ON_N1, None), (NODES_FAILED, Some(0.0)), (ACKNOWLEDGED, Some(0.0))];
    until(address, &whole).await;
    api.cluster.apply_pod(cart().crash_looping(12));
    light.shows(&[RED; 2]).await;
    let broken = [(FAILED, Some(1.0)), (FAILED_ON_N1, Some(1.0)), (NODES_FAILED, Some(1.0)), (ACKNOWLEDGED, Some(1.0))];
    let text = until(address, &broken).await;
    assert!(sample(&text, "podlight_watch_changes_total{resource=\"pods\"}") >= Some(1.0));
    let took = sample(&text, "podlight_light_acknowledgement_seconds_sum").unwrap();
    assert!(took > 0.0 && took < PATIENCE.as_secs_f64(), "{took}");
    api.cluster.delete_pod("shop", "cart");
    light.shows(&[GREEN; 2]).await;
    until(address, &[(FAILED, Some(0.0)), (FAILED_ON_N1, None), (ACKNOWLEDGED, Some(2.0))]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_light_that_dies_and_comes_back_is_counted() {
    let (api, mut light) = node("n1").await;
    let (watcher, address) = api.read(&LONG).await;
    light.shows(&[GREEN; 2]).await;
    until(address, &[(SHOWS, Some(1.0)), (OUT_OF_REACH, Some(0.0)), (RECONNECTS, Some(0.0))]).await;
    let listened = light.address;
    light.stop().await;
    until(address, &[(SHOWS, Some(0.0)), (OUT_OF_REACH, Some(1.0)), (RECONNECTS, Some(0.0))]).await;
    let mut light = Light::start_at(listened, "virtual:nano").await;
    light.shows(&[GREEN; 2]).await;
    until(address, &[(SHOWS, Some(1.0)), (OUT_OF_REACH, Some(0.0)), (RECONNECTS, Some(1.0))]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_light_without_a_stick_is_counted_as_such() {
    let api = Api::start().await;
    api.cluster.apply_node(NodeBuilder::new("n1"));
    let light = Light::start("usb:NONE").await;
    api.find(&light, "n1");
    let (watcher, address) = api.read(&LONG).await;
    until(address, &[("podlight_lights{condition=\"no_stick\"}", Some(1.0)), (SHOWS, Some(0.0))]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn an_api_that_falls_silent_is_measured_and_the_watcher_still_lives() {
    let (api, mut light) = node("n1").await;
    let (watcher, address) = api.read(&SHORT).await;
    light.shows(&[GREEN; 2]).await;
    until(address, &[(FRESH, Some(1.0))]).await;
    api.cluster.hang(true);
    let text = until(address, &[(FRESH, Some(0.0))]).await;
    let silence =
        ["pods", "nodes", "store"].map(|source| format!("podlight_api_silence_seconds{{source=\"{source}\"}}"));
    // Three seconds are allowed.
    assert!(silence.iter().any(|silence| sample(&text, silence) >= Some(2.5)), "{text}");
    assert_eq!(read(address, "/livez").await.0, 200);
    api.cluster.hang(false);
    let text = until(address, &[(FRESH, Some(1.0))]).await;
    assert!(sample(&text, "podlight_watch_restarts_total{resource=\"pods\"}") >= Some(1.0), "{text}");
    watcher.stop().await;
}

#[tokio::test]
async fn a_watcher_is_ready_once_both_lists_are_complete_and_counts_nothing_before() {
    let (mut api, mut light) = node("n1").await;
    api.server.stop().await;
    let (watcher, address) = api.read(&LONG).await;
    assert_eq!(read(address, "/livez").await, (200, "ok\n".to_owned()));
    let (status, why) = read(address, "/readyz").await;
    assert_eq!((status, why.contains("first lists")), (503, true), "{why}");
    until(address, &[(FAILED, None), (SHOWS, None), (RECONNECTS, Some(0.0))]).await;
    api.server.restart().await.unwrap();
    light.shows(&[GREEN; 2]).await;
    assert_eq!(read(address, "/readyz").await.0, 200);
    until(address, &[(FAILED, Some(0.0)), (SHOWS, Some(1.0))]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn a_watcher_that_stands_by_counts_pods_and_knows_no_light() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let flags = [&LONG[..], &["--election", "podlight/watcher"]].concat();
    let (leads, leader) = api.read(&flags).await;
    light.shows(&[RED; 2]).await;
    let (stands_by, other) = api.read(&flags).await;
    let text = until(leader, &[(LEADS, Some(1.0)), (SHOWS, Some(1.0)), (FAILED, Some(1.0))]).await;
    assert!(sample(&text, EPOCH) > Some(0.0), "{text}");
    let unknown = "podlight_lights{condition=\"unknown\"}";
    until(other, &[(LEADS, Some(0.0)), (unknown, Some(1.0)), (FAILED, Some(1.0)), (EPOCH, Some(0.0))]).await;
    assert_eq!(read(other, "/readyz").await.0, 200);
    stands_by.stop().await;
    leads.stop().await;
}

#[tokio::test]
async fn what_can_be_read_is_what_is_documented() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let (watcher, address) = api.read(&LONG).await;
    light.shows(&[RED; 2]).await;
    let text = until(address, &[(FAILED_ON_N1, Some(1.0))]).await + &read(light.http, "/metrics").await.1;
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let read: BTreeSet<_> = names.collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let firsts = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let documented: BTreeSet<_> = firsts
        .flat_map(|names| names.split(", "))
        .map(|name| name.trim_matches('`').split('{').next().unwrap())
        .filter(|name| name.starts_with("podlight_") || name.starts_with("process_"))
        .collect();
    assert_eq!(read, documented);
    watcher.stop().await;
}

#[tokio::test]
#[ignore = "needs promtool; .ci/run has it"]
async fn promtool_finds_no_fault_with_the_metrics() {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let (watcher, address) = api.read(&LONG).await;
    light.shows(&[RED; 2]).await;
    let text = until(address, &[(FAILED_ON_N1, Some(1.0))]).await;
    let mut promtool = Command::new("promtool");
    let mut promtool =
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert_eq!((output.status.success(), String::from_utf8_lossy(&output.stderr)), (true, "".into()), "{text}");
    watcher.stop().await;
}

//! What people ask on the command line.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::rig::{Api, Light, RED, Running};
use crate::{LONG, cart, node};

/// A crash-looping pod on n1, and the URL of its watcher.
async fn asked() -> (Api, Light, Running, String) {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().crash_looping(12));
    let (watcher, url) = api.served(&LONG).await;
    light.shows(&[RED; 2]).await;
    (api, light, watcher, url)
}

fn command(args: &[&str], url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command.args(args).args(["--server", url]).env_clear().kill_on_drop(true);
    command
}

/// What it prints, and whether it succeeds.
async fn says(args: &[&str], url: &str) -> (String, bool) {
    let output = command(args, url).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

async fn prints(args: &[&str], url: &str, words: &[&str]) {
    let (text, well) = says(args, url).await;
    assert!(well && words.iter().all(|word| text.contains(word)), "{args:?}: {text}");
}

#[tokio::test]
async fn each_command_does_as_it_says() {
    let (_api, mut light, watcher, url) = asked().await;
    prints(&["status"], &url, &["NODE", "n1", "failed", "shop/cart CrashLoopBackOff ×12"]).await;
    prints(&["explain", "n1"], &url, &["n1: failed", "pod-failed", "1 running, 1 failed"]).await;
    prints(&["identify", "n1", "--for", "5m", "--owner", "ana"], &url, &["n1 flashes, 5m left"]).await;
    light.until("found", |state| state.owner == "ana").await;
    prints(&["release", "n1"], &url, &["n1 shows watcher"]).await;
    prints(&["set", "n1", "blue", "--hold", "10m"], &url, &["n1 shows set by hand, 10m left"]).await;
    light.until("set", |state| state.leds[0].color == "#0000ff").await;
    prints(&["ack", "n1", "--owner", "ana"], &url, &["(seen to by ana)"]).await;
    prints(&["ack", "n1", "--revoke"], &url, &["n1: shop/cart CrashLoopBackOff ×12"]).await;
    watcher.stop().await;
}

#[tokio::test]
async fn programs_get_json() {
    let (_api, _light, watcher, url) = asked().await;
    let (text, _) = says(&["status", "-o", "json"], &url).await;
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list["nodes"][0]["verdict"], "FAILED");
    assert_eq!(list["vouching"]["leads"], true);
    for args in [&["explain", "n1"][..], &["identify", "n1"], &["release", "n1"], &["set", "n1", "red"], &["ack", "n1"]]
    {
        let (text, _) = says(&[args, &["--output", "json"]].concat(), &url).await;
        assert!(serde_json::from_str::<Value>(&text).is_ok_and(|answer| answer.is_object()), "{args:?}: {text}");
    }
    watcher.stop().await;
}

#[tokio::test]
async fn what_is_refused_says_what_would_be_right() {
    let (_api, _light, watcher, url) = asked().await;
    for (args, words) in [
        (&["explain", "n2"][..], "as n1"),
        (&["set", "n1", "grene"], "#rrggbb"),
        (&["identify", "n1", "--for", "25h"], "24h"),
    ] {
        let (text, well) = says(args, &url).await;
        assert!(!well && text.contains("error: ") && text.contains(words), "{args:?}: {text}");
    }
    watcher.stop().await;
    let (text, well) = says(&["status"], &url).await;
    assert!(!well && text.contains("no watcher answers at"), "{text}");
}

#[tokio::test]
async fn whoever_reads_only_the_first_line_is_no_error() {
    let (_api, _light, watcher, url) = asked().await;
    let mut status = command(&["status"], &url).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(status.stdout.take());
    let output = status.wait_with_output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    watcher.stop().await;
}

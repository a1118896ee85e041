//! The watcher under pressure: lights that stall, and thousands that come back at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lights;
mod watcher;

use std::net::{SocketAddr, TcpListener};

use lights::{Lights, Told};
use podlight_sim::{Cluster, NodeBuilder, PodBuilder, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use watcher::Watcher;

const GREEN: u32 = 0x00_1900;
const RED: u32 = 0x32_0000;
/// What lights that stall may cost the watcher, in bytes.
const MOST_FOR_STALLED: u64 = 2 << 20;
/// So that nothing lapses while a test runs.
const LONG: [&str; 4] = ["--lease", "10m", "--api-silence", "10m"];

/// The lights' ends of their connections are files of this process.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let enough = limit.maximum.is_none_or(|most| most > LIGHTS as u64 + 200);
    assert!(enough, "this test needs {} open files: raise the hard limit (ulimit -H -n)", LIGHTS + 200);
}

async fn serve(cluster: &Cluster) -> Server {
    cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

/// A node with a light at this address.
fn node(cluster: &Cluster, name: &str, light: SocketAddr) {
    cluster.apply_node(NodeBuilder::new(name));
    cluster.apply_pod(PodBuilder::lightd(name, &light.ip().to_string(), light.port()));
}

fn crash(cluster: &Cluster, node: &str, restarts: u32) {
    cluster.apply_pod(PodBuilder::new("shop", &format!("cart-{node}")).on(node).crash_looping(restarts));
}

fn color(told: &Told, node: &str) -> Option<u32> {
    told.get(node).map(|command| command.looks[0].rgb)
}

const LIGHTS: usize = 5_000;
/// What they may cost the watcher, in bytes: the manifests let it have 512 MiB.
const MOST_FOR_ALL: u64 = 448 << 20;

#[tokio::test]
async fn five_thousand_lights_that_come_back_at_once_are_all_told_the_truth() {
    raise_own_limit();
    let (cluster, mut lights) = (Cluster::new(), Lights::start());
    let names: Vec<String> = (0..LIGHTS).map(|i| format!("n{i}")).collect();
    for name in &names {
        node(&cluster, name, lights.address);
    }
    let crash_each = |nth: usize| names.iter().step_by(nth).for_each(|name| crash(&cluster, name, 1));
    let right = |told: &Told, red: &dyn Fn(usize) -> bool| {
        let want = |i| if red(i) { RED } else { GREEN };
        told.len() == LIGHTS && names.iter().enumerate().all(|(i, name)| color(told, name) == Some(want(i)))
    };
    crash_each(10);
    let server = serve(&cluster).await;
    // As a container runtime may start it.
    let watcher = Watcher::start(&server, "-S -n 1024", &LONG);
    lights.until("all told", |told| right(told, &|i| i % 10 == 0)).await;

    lights.vanish();
    crash_each(7);
    lights.come_back();
    lights.until("all told anew", |told| right(told, &|i| i % 10 == 0 || i % 7 == 0)).await;
    let usage = watcher.process.usage();
    assert!(usage.memory <= MOST_FOR_ALL, "{usage:?}");
    assert_eq!(watcher.process.says("is silent"), None, "it went on to hear the API");
}

#[tokio::test]
async fn more_lights_than_files_are_told_in_part_and_the_api_is_heard() {
    let (cluster, lights) = (Cluster::new(), Lights::start());
    let names: Vec<String> = (0..40).map(|i| format!("n{i}")).collect();
    for name in &names {
        node(&cluster, name, lights.address);
    }
    let server = serve(&cluster).await;
    // Room for 32 lights.
    let watcher = Watcher::start(&server, "-n 96", &LONG);
    lights.until("32 told", |told| told.len() == 32).await;
    let files = watcher.process.usage().files;
    assert!(files <= 64, "{files} files");
    watcher.until_says("too few open files are allowed for all lights").await;

    for name in &names {
        crash(&cluster, name, 1);
    }
    let red = |told: &Told| names.iter().filter(|name| color(told, name) == Some(RED)).count();
    lights.until("32 told of it", |told| red(told) == 32).await;
    // Where some go, others get in.
    let told: Vec<_> = names.iter().filter(|name| lights.told(name)).take(8).collect();
    for name in told {
        assert!(cluster.delete_pod("podlight", &format!("lightd-{name}")));
    }
    lights.until("the others told", |told| red(told) == 40).await;
}

#[tokio::test]
async fn lights_that_stall_cost_nothing_and_delay_no_other() {
    let (cluster, lights) = (Cluster::new(), Lights::start());
    // It connects, for the kernel does that, and then says nothing.
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    node(&cluster, "n1", lights.address);
    node(&cluster, "stalled-1", lights.address);
    node(&cluster, "hole-1", hole.local_addr().unwrap());
    let server = serve(&cluster).await;
    let watcher = Watcher::start(&server, "-S -n 1024", &LONG);
    lights.until("told", |told| told.len() == 2).await;

    let mut before = 0;
    for round in 1..=12 {
        for restarts in 1..=1_000 {
            for node in ["stalled-1", "hole-1", "n1"] {
                crash(&cluster, node, 1_000 * round + restarts);
            }
        }
        let last =
            |told: &Told| told["n1"].reason.as_ref().is_some_and(|reason| reason.restarts == 1_000 * round + 1_000);
        lights.until("told of the last", last).await;
        if round == 6 {
            before = watcher.process.usage().memory;
        }
    }
    let more = watcher.process.usage().memory.saturating_sub(before);
    assert!(more <= MOST_FOR_STALLED, "{more} bytes more");
}

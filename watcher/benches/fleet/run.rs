//! One run: so many lights, plain or by TLS, and the figures of it. Refuses to know how they are printed.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use podlight_bed::Usage;
use podlight_sim::{Cluster, NodeBuilder, PodBuilder, Server};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep};

use crate::node;
use crate::process::{self, Part};

/// For lists that follow the first ones, and for leases to be renewed at times of their own.
const SETTLES: Duration = Duration::from_secs(10);
/// Red when a watcher is started: that all are right says more than that all were told.
const SOME: usize = 10;

/// What came out of a run.
pub(crate) struct Figures {
    /// After a time in which nothing happened.
    pub(crate) idle: Usage,
    /// Of a core, meanwhile.
    pub(crate) cpu: f64,
    lasted: Duration,
    /// Commands that all lights heard meanwhile, and their bytes and those of the answers; how often the watcher slept.
    pub(crate) heard: [usize; 3],
    sleeps: u64,
    /// From a pod's crash on each node to the last light that was told.
    pub(crate) recolored: Duration,
    /// From the start of the watcher that follows one that was killed to the last light that is right.
    pub(crate) restarted: Duration,
    /// What that watcher cost.
    pub(crate) again: Usage,
}

impl Figures {
    /// What a minute sends.
    pub(crate) fn minute(&self) -> String {
        let a_minute = |figure: usize| figure as f64 * 60.0 / self.lasted.as_secs_f64();
        let [commands, sent, answered] = self.heard.map(a_minute);
        if commands == 0.0 {
            return "no command".to_owned();
        }
        format!(
            "{commands:.0} commands of {:.0} B, answers of {:.0} B; {:.0} wake-ups, {:.1} µs of CPU a command",
            sent / commands,
            answered / commands,
            a_minute(usize::try_from(self.sleeps).unwrap()),
            self.cpu * 60e6 / commands,
        )
    }
}

/// What a peer cost.
pub(crate) struct Held {
    pub(crate) usage: Usage,
    /// Of a core.
    pub(crate) cpu: f64,
}

/// The watcher with so many lights.
pub(crate) async fn watcher(count: usize, lease: Duration, idle: Duration, tls: Option<&Path>) -> Figures {
    let mut lights = Part::start(&["lights", &count.to_string()], tls);
    let address: SocketAddr = lights.says().await.parse().unwrap();
    let (cluster, _server, kubeconfig) = cluster(count, address).await;
    let mut watcher = process::watcher(kubeconfig.path(), lease, tls);
    assert_eq!(lights.ask(&format!("right {SOME}")).await, "right");

    sleep(SETTLES.min(idle)).await;
    let (before, heard_before, start) = (watcher.usage(), heard(&mut lights).await, Instant::now());
    sleep(idle).await;
    let (after, heard_after, lasted) = (watcher.usage(), heard(&mut lights).await, start.elapsed());

    let pods: Vec<Value> = (0..count).map(|number| pod(number).crash_looping(1).into()).collect();
    let start = Instant::now();
    pods.into_iter().for_each(|pod| cluster.apply_pod(pod));
    assert_eq!(lights.ask("right 1").await, "right");
    let recolored = start.elapsed();
    (0..count)
        .filter(|number| !number.is_multiple_of(SOME))
        .for_each(|number| cluster.apply_pod(pod(number).running()));
    assert_eq!(lights.ask(&format!("right {SOME}")).await, "right");

    watcher.kill();
    assert_eq!(lights.ask("forget").await, "forgotten");
    let start = Instant::now();
    let watcher = process::watcher(kubeconfig.path(), lease, tls);
    assert_eq!(lights.ask(&format!("right {SOME}")).await, "right");
    let restarted = start.elapsed();
    sleep(SETTLES.min(idle)).await;
    Figures {
        idle: after,
        cpu: (after.cpu - before.cpu).as_secs_f64() / lasted.as_secs_f64(),
        lasted,
        heard: std::array::from_fn(|figure| heard_after[figure] - heard_before[figure]),
        sleeps: after.sleeps - before.sleeps,
        recolored,
        restarted,
        again: watcher.usage(),
    }
}

/// Connections to so many lights, opened by tonic's defaults.
pub(crate) async fn peer(count: usize, idle: Duration, tls: Option<&Path>) -> Held {
    let count = count.to_string();
    let mut lights = Part::start(&["lights", &count], tls);
    let address = lights.says().await;
    let mut peer = Part::start(&["peer", &count, &address], tls);
    assert_eq!(peer.says().await, "open");
    sleep(SETTLES.min(idle)).await;
    let (before, start) = (peer.process.usage(), Instant::now());
    sleep(idle).await;
    let usage = peer.process.usage();
    Held { usage, cpu: (usage.cpu - before.cpu).as_secs_f64() / start.elapsed().as_secs_f64() }
}

/// A cluster with so many nodes, each with a light at this address and a pod.
async fn cluster(count: usize, lights: SocketAddr) -> (Cluster, Server, NamedTempFile) {
    let cluster = Cluster::new();
    for number in 0..count {
        let name = node(number);
        cluster.apply_node(NodeBuilder::new(&name));
        cluster.apply_pod(PodBuilder::lightd(&name, &lights.ip().to_string(), lights.port()));
        let pod = pod(number);
        cluster.apply_pod(if number.is_multiple_of(SOME) { pod.crash_looping(1) } else { pod.running() });
    }
    let server = cluster.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let kubeconfig = server.kubeconfig().unwrap();
    (cluster, server, kubeconfig)
}

fn pod(number: usize) -> PodBuilder {
    PodBuilder::new("shop", &format!("cart-{number}")).on(&node(number))
}

async fn heard(lights: &mut Part) -> [usize; 3] {
    let heard = lights.ask("heard").await;
    let figures: Vec<usize> = heard.split(' ').map(|figure| figure.parse().unwrap()).collect();
    figures.try_into().unwrap()
}

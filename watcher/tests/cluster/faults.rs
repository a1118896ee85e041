//! Every fault against the real daemons: the light leaves its color, doesn't come back to it while it isn't known to be
//! true, and shows the truth once the fault has healed. How long both took is printed, not judged.
//!
//! ```text
//!  store ── API server ──wire── watcher ──wire── lightd ── Nano
//! ```

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use http::Request;
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::kubelet::{Node, Pod, phase, plan, ready, running, waiting};
use crate::light::{GREEN, Light, RED};
use crate::server::Server;
use crate::stage::{say, staged, until};
use crate::watcher::Watcher;
use crate::wire::{Line, Wire};

const SILENCE: u64 = 5;
const LEASE: u64 = 3;
/// For how long a fault lasts on, so that a light that doesn't stay stale is seen.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ServerKilled,
    ServerStopped,
    ServerForgets,
    StoreStopped,
    ApiHole,
    ApiCut,
    LightHole,
    WatcherStopped,
    WatcherKilled,
    LightdKilled,
}

const FAULTS: [Fault; 10] = [
    Fault::ServerKilled,
    Fault::ServerStopped,
    Fault::ServerForgets,
    Fault::StoreStopped,
    Fault::ApiHole,
    Fault::ApiCut,
    Fault::LightHole,
    Fault::WatcherStopped,
    Fault::WatcherKilled,
    Fault::LightdKilled,
];

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "API server killed, started *",
            Self::ServerStopped => "API server stopped, continued *",
            Self::ServerForgets => "API server killed, started without history",
            Self::StoreStopped => "API server's store stopped, continued *",
            Self::ApiHole => "black hole between watcher and API",
            Self::ApiCut => "API out of reach",
            Self::LightHole => "black hole between watcher and lightd",
            Self::WatcherStopped => "watcher stopped, continued",
            Self::WatcherKilled => "watcher killed, started",
            Self::LightdKilled => "lightd killed, started",
        }
    }

    const fn needs_server(self) -> bool {
        matches!(self, Self::ServerKilled | Self::ServerStopped | Self::ServerForgets | Self::StoreStopped)
    }

    /// Whether the cluster can be changed while it lasts.
    const fn leaves_api(self) -> bool {
        !matches!(self, Self::ServerKilled | Self::ServerStopped | Self::StoreStopped)
    }
}

/// A light that is green for a pod that runs, and all that can fail on the way.
struct Scene<'a> {
    cluster: &'a Cluster,
    server: &'a mut Option<Server>,
    pod: &'a Pod,
    light: Light,
    watcher: Option<Watcher>,
    to_api: Wire,
    to_light: Wire,
    told: [String; 3],
}

impl<'a> Scene<'a> {
    async fn set(cluster: &'a Cluster, server: &'a mut Option<Server>, node: &Node, pod: &'a Pod) -> Self {
        let light = Light::start().await;
        let to_light = Wire::lay_to(("127.0.0.1".to_owned(), light.port)).await;
        let to_api = Wire::lay(cluster).await;
        let told = [
            format!("--api-silence={SILENCE}s"),
            format!("--lease={LEASE}s"),
            format!("--light=node/{}=http://{}", node.name, to_light.address()),
        ];
        let mut scene = Self { cluster, server, pod, light, watcher: None, to_api, to_light, told };
        scene.start_watcher().await;
        // The node controller may have lost faith in both during the last fault.
        until("the light is green", async || {
            node.is_ready("True", "").await;
            pod.is(ready()).await;
            scene.light.shows(GREEN, |_| true).await
        })
        .await;
        scene
    }

    async fn start_watcher(&mut self) {
        let told = self.told.each_ref().map(String::as_str);
        self.watcher = Some(Watcher::start_over(&self.to_api, self.cluster, &told).await);
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("faults of it are left out where it isn't known")
    }

    fn watcher(&self) -> &Watcher {
        self.watcher.as_ref().expect("it was started")
    }

    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::ServerKilled => self.server().kill(),
            Fault::ServerStopped => self.server().pause(),
            Fault::StoreStopped => self.server().pause_store(),
            Fault::ApiHole => self.to_api.turn(Line::Dead),
            // That it forgets only matters to whoever doesn't see what it forgets.
            Fault::ApiCut | Fault::ServerForgets => self.to_api.turn(Line::Cut),
            Fault::LightHole => self.to_light.turn(Line::Dead),
            Fault::WatcherStopped => self.watcher().stop(),
            Fault::WatcherKilled => self.watcher = None,
            Fault::LightdKilled => self.light.kill(),
        }
    }

    async fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::ServerKilled | Fault::ServerStopped | Fault::StoreStopped => {
                let cluster = self.cluster;
                self.server().start(cluster).await;
            }
            Fault::ApiHole | Fault::ApiCut | Fault::ServerForgets => self.to_api.turn(Line::Open),
            Fault::LightHole => self.to_light.turn(Line::Open),
            Fault::WatcherStopped => self.watcher().go_on(),
            Fault::WatcherKilled => self.start_watcher().await,
            Fault::LightdKilled => self.light.restart().await,
        }
    }

    async fn crash(&self) {
        self.pod.is(phase("Running").containers([waiting("CrashLoopBackOff"), running()])).await;
    }

    /// Starts the API server again without its history: nobody can go on from before.
    async fn forget(&mut self) {
        let past = version(self.cluster).await;
        self.crash().await;
        let cluster = self.cluster;
        let server = self.server();
        server.compact();
        server.kill();
        server.start(cluster).await;
        let path = format!("/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion={past}");
        let answer = cluster.client.request_text(Request::get(path).body(Vec::new()).unwrap()).await;
        let answer = answer.unwrap_or_else(|error| error.to_string());
        assert!(answer.contains("too old"), "it remembers: {answer}");
    }

    /// How long after the fault began the light was stale, if it can be, and how long after it healed it showed the truth.
    async fn play(&mut self, fault: Fault) -> (Option<Duration>, Duration) {
        // At any moment between two renewals.
        sleep(Duration::from_millis(fastrand::u64(..LEASE * 1000 / 3))).await;
        let begun = now();
        self.begin(fault);
        let stale = if fault == Fault::LightdKilled {
            sleep(Duration::from_secs(LEASE)).await;
            assert!(self.light.was_left(GREEN), "who changed the stick?");
            None
        } else {
            self.light.until_stale().await;
            Some(begun.elapsed())
        };
        let count = self.light.count();
        if fault == Fault::ServerForgets {
            self.forget().await;
        } else if fault.leaves_api() {
            self.crash().await;
        }
        sleep(LINGER).await;
        assert!(!self.light.was_green_since(count), "green again, before the fault had healed");
        let healing = now();
        self.heal(fault).await;
        // A server takes its time to start, which isn't the watcher's.
        let healed = if fault.needs_server() { now() } else { healing };
        if fault.leaves_api() {
            self.light.until_shows(RED, &format!("{} CrashLoopBackOff", self.pod.full_name)).await;
            let truth = healed.elapsed();
            assert!(!self.light.was_green_since(count), "what was no longer so was told again");
            (stale, truth)
        } else {
            self.light.until_shows(GREEN, "1 pod running").await;
            let truth = healed.elapsed();
            self.crash().await;
            self.light.until_shows(RED, &format!("{} CrashLoopBackOff", self.pod.full_name)).await;
            (stale, truth)
        }
    }
}

/// What the present is called.
async fn version(cluster: &Cluster) -> String {
    let request = Request::get("/api/v1/pods?limit=1").body(Vec::new()).unwrap();
    let list: serde_json::Value = cluster.client.request(request).await.unwrap();
    list["metadata"]["resourceVersion"].as_str().expect("a list has a version").to_owned()
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn every_fault_turns_the_light_stale_and_heals() {
    staged(async |cluster| {
        let mut server = Server::known();
        let node = Node::join(cluster).await;
        let pod = plan("cart", cluster).on(&node).create(cluster).await;
        let bound = SILENCE + LEASE;
        say(&format!("\n--api-silence={SILENCE}s --lease={LEASE}s: stale within {bound} s\n"));
        row(&"fault", &"stale after", &"true after");
        let mut failed = Vec::new();
        let can_harm = server.is_some();
        for fault in FAULTS.into_iter().filter(|fault| can_harm || !fault.needs_server()) {
            let played = AssertUnwindSafe(async {
                let mut scene = Scene::set(cluster, &mut server, &node, &pod).await;
                scene.play(fault).await
            });
            if let Ok((stale, truth)) = played.catch_unwind().await {
                row(&fault.name(), &stale.map_or_else(|| "never".to_owned(), seconds), &seconds(truth));
            } else {
                row(&fault.name(), &"failed", &"");
                failed.push(fault);
            }
            if let Some(server) = &mut server {
                server.start(cluster).await;
            }
        }
        say(
            "* The truth can't change meanwhile. \"Never\": a stick without a lightd keeps its color; it has no clock.\n",
        );
        assert_eq!(failed, [], "the light lied, or stayed in doubt");
    });
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn row(fault: &dyn Display, stale: &dyn Display, truth: &dyn Display) {
    say(&format!("{fault:<44}{stale:>12}{truth:>12}\n"));
}

#[expect(clippy::disallowed_methods, reason = "a test that measures")]
fn now() -> Instant {
    Instant::now()
}

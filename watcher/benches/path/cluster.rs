//! Edge: a simulated cluster that is served by a thread of its own, changes of it, and the watcher of it.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use podlight_bed::Process;
use podlight_sim::{Cluster, NodeBuilder, PodBuilder};
use tempfile::NamedTempFile;

use crate::light::{Color, GREEN, PATIENCE, RED, YELLOW, now};

/// The node whose light is looked at.
pub(crate) const NODE: &str = "pi-1";
/// Other nodes, for the noise that they make, and pods of each.
const OTHERS: u32 = 50;
const PODS: u32 = 20;

/// At once, so that the first frame of a change is its last.
pub(crate) const AT_ONCE: &str = "states:
  running: {effect: solid}
  pending: {effect: solid}
  failed: {effect: solid}
";

/// A cluster, for as long as this process lives.
pub(crate) struct Stage {
    cluster: Cluster,
    /// Of the node's pod.
    color: Cell<Color>,
    /// When the API server wrote something to a client.
    writes: Receiver<Instant>,
    pub(crate) kubeconfig: NamedTempFile,
}

/// The watcher, under a policy.
pub(crate) struct Watcher {
    process: Process,
    http: String,
    _policy: NamedTempFile,
}

/// Events of other nodes, until it is dropped.
pub(crate) struct Noise {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    pub(crate) fn start() -> Self {
        let cluster = Cluster::new();
        cluster.apply_node(NodeBuilder::new(NODE));
        cluster.apply_pod(pod(GREEN));
        for other in 0..OTHERS {
            cluster.apply_node(NodeBuilder::new(&format!("other-{other}")));
            (0..PODS).for_each(|number| cluster.apply_pod(neighbor(other, number).running()));
        }
        let (served, serving) = channel();
        let theirs = cluster.clone();
        thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let server = theirs.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
                    served.send((server.kubeconfig().unwrap(), server.writes())).unwrap();
                    std::future::pending::<()>().await;
                });
            })
            .unwrap();
        let (kubeconfig, writes) = serving.recv().unwrap();
        Self { cluster, color: Cell::new(GREEN), writes, kubeconfig }
    }

    /// The color of the node's pod.
    pub(crate) fn color(&self) -> Color {
        self.color.get()
    }

    /// Changes the pod of the node. When that was begun.
    pub(crate) fn turn(&self, color: Color) -> Instant {
        self.color.set(color);
        self.writes.try_iter().for_each(drop);
        let pod = pod(color);
        let begun = now();
        self.cluster.apply_pod(pod);
        begun
    }

    /// When the API server handed the first word since the last change to the kernel.
    pub(crate) fn written(&self) -> Instant {
        self.writes.recv_timeout(PATIENCE).expect("what has arrived was written")
    }

    /// The watcher of this cluster, for the light that listens at this address.
    pub(crate) fn watch(&self, light: &str, policy: &str) -> Watcher {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(policy.as_bytes()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command.arg("--kubeconfig").arg(self.kubeconfig.path()).arg("--policy").arg(file.path());
        command.args(["--listen", "off", "--http", "127.0.0.1:0"]);
        let process = Process::start(command.arg(format!("--light={NODE}=http://{light}")));
        let http = process.until_says("HTTP can be read address=");
        Watcher { process, http, _policy: file }
    }

    /// So many events a second of pods on other nodes.
    pub(crate) fn noise(&self, rate: u32) -> Noise {
        let over = Arc::new(AtomicBool::new(false));
        let (cluster, ends) = (self.cluster.clone(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let begun = now();
            for event in (0..).take_while(|_| !ends.load(Ordering::Relaxed)) {
                thread::sleep((begun + event * Duration::from_secs(1) / rate).saturating_duration_since(now()));
                let pod = neighbor(event % OTHERS, event / OTHERS % PODS);
                let restarts = event / OTHERS / PODS;
                cluster.apply_pod(if restarts.is_multiple_of(2) { pod.crash_looping(restarts) } else { pod.running() });
            }
        });
        Noise { over, thread: Some(thread) }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).unwrap().unwrap();
    }
}

impl Watcher {
    /// From a change that was taken in until the light acknowledged it, on average; and how many such changes there were.
    pub(crate) fn acknowledged(&self) -> (Duration, u64) {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: watcher\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let figure = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().parse().unwrap()
        };
        let count = figure("podlight_light_acknowledgement_seconds_count");
        let sum = figure("podlight_light_acknowledgement_seconds_sum");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        (Duration::from_secs_f64(sum / count.max(1.0)), count as u64)
    }

    /// Stops it in good order: the next one is obeyed at once.
    pub(crate) fn stop(mut self) {
        self.process.terminate();
    }
}

/// The pod of the node, in a state that has this color; by the phase alone, too, as the origin looks at it.
fn pod(color: Color) -> PodBuilder {
    let pod = PodBuilder::new("default", "cart").on(NODE);
    match color {
        GREEN => pod.running(),
        YELLOW => pod,
        RED => pod.image_pull_back_off(),
        _ => panic!("no state has the color {color:?}"),
    }
}

fn neighbor(node: u32, number: u32) -> PodBuilder {
    PodBuilder::new("default", &format!("neighbor-{node}-{number}")).on(&format!("other-{node}"))
}

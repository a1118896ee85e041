//! The watcher under test, as a process of its own: what it costs until it knows the cluster, and to follow it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use podlight_bed::{Process, Usage};
use podlight_proto::v1;
use podlight_proto::v1::cluster_client::ClusterClient;
use tempfile::NamedTempFile;
use tonic::transport::Endpoint;

/// Between two questions whether it knows the cluster yet. Each costs it some 0.1 ms.
const LOOK: Duration = Duration::from_millis(20);
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Dropped, it is killed.
pub(crate) struct Subject {
    process: Process,
    began: Instant,
    http: SocketAddr,
    asked: SocketAddr,
    _kubeconfig: NamedTempFile,
}

/// What it cost, and how long it took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
    /// The most that it had in RAM since its start, in bytes.
    pub(crate) peak: u64,
}

/// What it cost, since its start, to list all.
pub(crate) struct Listed {
    /// Until it knew all.
    pub(crate) known: Cost,
    /// Until it had said what each node has come to, in an answer that names them all.
    pub(crate) answered: Cost,
    pub(crate) nodes: Vec<v1::Node>,
}

impl Cost {
    /// From `before` to now.
    pub(crate) fn since(before: (Instant, Usage), process: &Process) -> Self {
        let (began, usage) = before;
        let time = began.elapsed();
        let now = process.usage();
        Self { time, cpu: now.cpu.saturating_sub(usage.cpu), peak: now.peak }
    }
}

impl Subject {
    /// Watches the cluster at `url`.
    pub(crate) fn start(url: &str, flags: &[&str]) -> Self {
        let kubeconfig = podlight_sim::kubeconfig(url).unwrap();
        let [http, asked] = [free(), free()];
        // Another one can be named, to compare with.
        let watcher =
            std::env::var_os("PODLIGHT_BENCH_WATCHER").unwrap_or_else(|| env!("CARGO_BIN_EXE_watcher").into());
        let mut command = Command::new(watcher);
        command
            .arg("--kubeconfig")
            .arg(kubeconfig.path())
            .args(["--http", &http.to_string(), "--listen", &asked.to_string()])
            .args(flags)
            .env("PODLIGHT_LOG", "error,kube_client=off");
        let began = Instant::now();
        Self { process: Process::start(&mut command), began, http, asked, _kubeconfig: kubeconfig }
    }

    /// Waits until it knows all, then asks for each node's verdict.
    pub(crate) fn lists(&self) -> Listed {
        while self.get("/readyz").is_none_or(|(status, _)| status != 200) {
            assert!(self.began.elapsed() < PATIENCE, "it never knew the cluster");
            thread::sleep(LOOK);
        }
        let cost = || Cost::since((self.began, Usage::default()), &self.process);
        let known = cost();
        let nodes = self.nodes();
        Listed { known, answered: cost(), nodes }
    }

    /// What each node has come to.
    fn nodes(&self) -> Vec<v1::Node> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let channel = Endpoint::from_shared(format!("http://{}", self.asked)).unwrap().connect().await.unwrap();
            let mut cluster = ClusterClient::new(channel).max_decoding_message_size(usize::MAX);
            cluster.list_nodes(v1::ListNodesRequest::default()).await.unwrap().into_inner().nodes
        })
    }

    /// What all that is done by `act` costs until it has taken in `events` events of pods since its start.
    pub(crate) fn takes(&self, events: u64, act: impl FnOnce()) -> Cost {
        let before = (Instant::now(), self.usage());
        act();
        while self.changes() < events {
            assert!(before.0.elapsed() < PATIENCE, "it took {} of {events} events", self.changes());
            thread::sleep(LOOK);
        }
        Cost::since(before, &self.process)
    }

    /// Events of pods that it took in since its start.
    fn changes(&self) -> u64 {
        let metrics = self.metrics();
        let line =
            metrics.lines().find_map(|line| line.strip_prefix(r#"podlight_watch_changes_total{resource="pods"} "#));
        line.map_or(0, |count| count.parse().unwrap())
    }

    /// What Prometheus would read.
    pub(crate) fn metrics(&self) -> String {
        self.get("/metrics").unwrap().1
    }

    /// What it costs so far.
    pub(crate) fn usage(&self) -> Usage {
        self.process.usage()
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.http).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.http.port())
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer))
    }
}

/// An address that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

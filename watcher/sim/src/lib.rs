//! A simulated Kubernetes API server of pods, nodes and Leases, over plain HTTP/1.1, for tests and the demo.
//!
//! It answers what a client needs to list and watch: pages pinned to one version, watches from a version, bookmarks,
//! `410 Gone` for what is compacted, label and field selectors by equality. It misbehaves on request: see
//! [`Cluster::refuse`], [`Cluster::hang`], [`Cluster::drop_watches`] and [`Server::stop`]. It runs no pods: what a
//! cluster would do by itself, its owner applies. It knows neither podlight's rules nor authentication.
//!
//! ```text
//! PodBuilder, NodeBuilder ──apply──► Cluster (store.rs: objects, changes) ──api.rs──► Server ◄── kube's client
//! ```
//!
//! And, for those who tell lights, a light: [`PlayedLight`]. For benchmarks, [`Crowd`] makes up pods and nodes of a large cluster, in bytes.

mod api;
mod crowd;
mod lease;
mod light;
mod node;
mod pod;
pub mod protobuf;
mod query;
mod serve;
mod store;
#[cfg(test)]
mod tests;

pub use crowd::Crowd;
pub use light::{Answers, Play, PlayedLight};
pub use node::NodeBuilder;
pub use pod::PodBuilder;
pub use serve::{Server, kubeconfig};

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::sync::watch;

use lease::Leases;
use store::{Kind, Store};

/// A handle on a simulated cluster: clones speak of the same one.
#[derive(Clone)]
pub struct Cluster(watch::Sender<State>);

/// The objects, and how their server behaves.
#[derive(Default)]
struct State {
    store: Store,
    leases: Leases,
    refuse: bool,
    hang: bool,
    /// How often watches were dropped, and asked for a bookmark: a watch acts when it sees the number grow.
    drops: u64,
    bookmarks: u64,
}

impl Default for Cluster {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Cluster {
    /// A cluster with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the cluster on `address`; port 0 takes any that is free.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<Server> {
        Server::bind(self.clone(), address).await
    }

    /// Creates or replaces a pod. What every stored object has is filled in where absent: a replaced pod's uid, or a
    /// fresh one, and the time of creation.
    pub fn apply_pod(&self, pod: impl Into<Value>) {
        let pod = pod.into();
        self.0.send_modify(|state| state.store.apply(Kind::Pod, pod));
    }

    /// Deletes a pod at once. False where there was none.
    pub fn delete_pod(&self, namespace: &str, name: &str) -> bool {
        self.0.send_if_modified(|state| state.store.delete(Kind::Pod, namespace, name))
    }

    /// Creates or replaces a node, as [`Cluster::apply_pod`] does a pod.
    pub fn apply_node(&self, node: impl Into<Value>) {
        let node = node.into();
        self.0.send_modify(|state| state.store.apply(Kind::Node, node));
    }

    /// Deletes a node at once. False where there was none. Its pods stay.
    pub fn delete_node(&self, name: &str) -> bool {
        self.0.send_if_modified(|state| state.store.delete(Kind::Node, "", name))
    }

    /// Keeps no more than this many of the last changes, for watches that lag: 10,000 where this is not called.
    pub fn keep(&self, changes: usize) {
        self.0.send_modify(|state| state.store.history = changes);
    }

    /// Forgets how it came to this: whoever asks for changes since an older version, or for the next page of an older
    /// list, is told 410 Gone. So is an open watch that hasn't been sent the latest change yet.
    pub fn compact(&self) {
        self.0.send_modify(|state| state.store.compact());
    }

    /// Sends a bookmark now on each open watch that allows them. They come by themselves each minute, and two seconds
    /// before a watch ends, as a real server's do.
    pub fn bookmark(&self) {
        self.0.send_modify(|state| state.bookmarks += 1);
    }

    /// Answers each new request with 503, or no longer. Open watches go on.
    pub fn refuse(&self, refuse: bool) {
        self.0.send_modify(|state| state.refuse = refuse);
    }

    /// Falls silent: accepts connections and requests, sends nothing, closes nothing. `false` heals it, and what was
    /// held back is sent, as when a network path comes back.
    pub fn hang(&self, hang: bool) {
        self.0.send_modify(|state| state.hang = hang);
    }

    /// Breaks each open watch in the middle of its response.
    pub fn drop_watches(&self) {
        self.0.send_modify(|state| state.drops += 1);
    }

    /// The pod as it is stored.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        self.0.borrow().store.find(Kind::Pod, namespace, name)
    }

    /// Creates or replaces a Lease, whatever version it is of.
    pub fn apply_lease(&self, lease: Value) {
        self.0.send_modify(|state| state.leases.apply(lease));
    }

    /// The Lease as it is stored.
    pub fn lease(&self, namespace: &str, name: &str) -> Option<Value> {
        self.0.borrow().leases.lease(namespace, name)
    }

    /// Deletes a Lease at once. False where there was none.
    pub fn delete_lease(&self, namespace: &str, name: &str) -> bool {
        self.0.send_if_modified(|state| state.leases.delete(namespace, name))
    }

    /// Watches that are open now.
    pub fn watches(&self) -> usize {
        self.0.receiver_count()
    }
}

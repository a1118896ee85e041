//! The cluster tier: a real API server, the real watcher with the rights that are shipped, the real lightd and, under the
//! real libusb, an emulated Nano. What is done to the cluster is checked by the bytes at the stick.
//!
//! ```text
//!  test ──objects, and what a kubelet would say of them──▶ API server ──(wire)──▶ watcher ──▶ lightd ──▶ Nano ──▶ test
//! ```
//!
//! `KUBECONFIG` names the API server, with every right and without other users; no node of its own is needed. Names are
//! unique to each run, and what a test made goes with it. Where `PODLIGHT_TEST_API_RESTART` is a shell command that takes
//! `stop`, `start` and the like, the API server itself is harmed, too. Left out, by name, where umockdev isn't installed; a failure
//! where `CI` is set.

#![expect(clippy::unwrap_used, reason = "all of this is a test, and a panic fails it")]

mod access;
mod cluster;
mod explain;
mod faults;
mod finding;
mod kubelet;
mod life;
mod light;
mod node;
mod outage;
mod server;
mod stage;
mod watcher;
mod wire;
mod words;

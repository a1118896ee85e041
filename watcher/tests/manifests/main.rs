//! The manifests of `deploy/`: rendered by kubectl as they are committed, parsed strictly, held to what the daemons take and
//! to the Pod Security profile that each overlay promises; and, in the cluster tier, taken by a real API server.
//!
//! What is rendered is committed in `deploy/rendered/`, so that all but the rendering itself is tested without kubectl.

#![expect(clippy::unwrap_used, reason = "all of this is a test, and a panic fails it")]

mod monitoring;
mod objects;
mod overlay;
mod profile;
mod server;
mod settings;
mod tls;

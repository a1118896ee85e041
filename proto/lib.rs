//! The contract between podlight's watcher, its lights and the people who ask them.
//!
//! ```text
//!  podlight/v1/*.proto ──build.rs──▶ v1 (messages, clients, servers)
//!                                     │ parse once, at the edge
//!                                     ▼
//!                      Color, Look, Reason, Command, SetColor, Identify, Acknowledge
//! ```
//!
//! Generated messages hold whatever a peer sent. The types beside them hold only what the contract allows: to have one
//! is to know that it is right. What breaks an obligation is [`Invalid`], with field, value and remedy.

mod codec;
mod color;
mod command;
mod invalid;
mod look;
mod person;

pub use codec::{buffers, read};
pub use color::Color;
pub use command::{Command, Lease, Reason};
pub use invalid::Invalid;
pub use look::{Effect, Look};
pub use person::{Acknowledge, Hold, Identify, SetColor};

/// The generated messages, clients and servers of package `podlight.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::wildcard_enum_match_arm)]
pub mod v1 {
    tonic::include_proto!("podlight.v1");
}

/// The encoded `FileDescriptorSet` of the contract, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod wire;

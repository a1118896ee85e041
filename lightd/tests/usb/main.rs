//! lightd on USB: the real binary and the real libusb, asked over gRPC, with an emulated stick at the other end.
//!
//! Left out, by name, where umockdev isn't installed; a failure where `CI` is set. Those of `kernel` run in a guest.

mod daemon;
mod faults;
mod finding;
mod kernel;
mod models;

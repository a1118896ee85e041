//! Fuzzes what the Kubernetes API sends.

#![no_main]

#[path = "../src/model.rs"]
mod model;
#[path = "../src/watch.rs"]
mod watch;

libfuzzer_sys::fuzz_target!(|data: &[u8]| watch::check(data));

//! Fuzzes what befalls a cluster.

#![no_main]

#[path = "../src/cluster.rs"]
mod cluster;
#[path = "../src/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|data: &[u8]| cluster::check(data));

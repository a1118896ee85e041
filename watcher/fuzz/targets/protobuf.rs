//! Fuzzes what the Kubernetes API sends in protobuf.

#![no_main]

#[path = "../src/protobuf.rs"]
mod protobuf;

libfuzzer_sys::fuzz_target!(|data: &[u8]| protobuf::check(data));

//! Fuzzes what comes over gRPC.

#![no_main]

#[path = "../src/light.rs"]
mod light;

libfuzzer_sys::fuzz_target!(|data: &[u8]| light::check(data));

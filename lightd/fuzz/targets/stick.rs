//! Fuzzes what a stick tells of itself.

#![no_main]

#[path = "../src/stick.rs"]
mod stick;

libfuzzer_sys::fuzz_target!(|data: &[u8]| stick::check(data));

//! `lazaret_fuzz::tar` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::tar::check(data));

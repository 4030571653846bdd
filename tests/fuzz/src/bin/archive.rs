//! `lazaret_fuzz::archive` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::archive::check(data));

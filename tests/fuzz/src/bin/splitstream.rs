//! `lazaret_fuzz::splitstream` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::splitstream::check(data));

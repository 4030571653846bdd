//! `lazaret_fuzz::pytorch` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::pytorch::check(data));

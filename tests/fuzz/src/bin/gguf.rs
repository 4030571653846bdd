//! `lazaret_fuzz::gguf` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::gguf::check(data));

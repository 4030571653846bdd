//! `lazaret_fuzz::safetensors` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::safetensors::check(data));

//! `lazaret_fuzz::model_config` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::model_config::check(data));

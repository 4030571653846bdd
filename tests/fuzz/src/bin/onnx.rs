//! `lazaret_fuzz::onnx` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lazaret_fuzz::onnx::check(data));

//! What fuzzing holds parsers to. Each module has one `check`, which panics when an invariant that
//! its first lines name does not hold; `src/bin` has a program for libFuzzer around each.

pub mod archive;
pub mod documents;
pub mod gguf;
pub mod model_config;
pub mod onnx;
pub mod pytorch;
pub mod safetensors;
pub mod splitstream;
pub mod tar;

#[cfg(test)]
mod tests;

//! The importers' own limits against the sandbox's: what a file may hold fits in the memory that
//! users' sandboxes have, and what does not ends in a fault that says which limit it was. Never in
//! memory that ran out.

mod gguf;
mod hollow;
mod model_config;
mod onnx;
mod pytorch;
mod safetensors;

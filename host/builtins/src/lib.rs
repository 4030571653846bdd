//! The importers that come with lazaret: components compiled by `build.rs`, embedded here.
//!
//! No logic. A component's media types are repeated beside it so that the host can route without
//! compiling what it does not use; the host checks that the component agrees.

use lazaret_engine::Builtin;

/// All of them, in the order they are asked.
pub const BUILTINS: &[Builtin] = &[Builtin {
    name: "tar",
    component: include_bytes!(concat!(env!("OUT_DIR"), "/tar.wasm")),
    media_types: &["application/vnd.oci.image.layer.v1.tar"],
}];

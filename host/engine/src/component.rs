//! From bytes to a component this host is willing to compile.

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::error::LoadFault;

/// Bytes of the largest component: compiling is quadratic in places and happens before any budget.
const MAX_COMPONENT_SIZE: usize = 64 << 20;

/// Compiles `bytes`, after telling apart everything that is not a binary component.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadFault> {
    match Engine::detect_precompiled(bytes) {
        Some(Precompiled::Module | Precompiled::Component) => return Err(LoadFault::Precompiled),
        None => {}
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(LoadFault::Precompiled);
    }
    if bytes.len() > MAX_COMPONENT_SIZE {
        return Err(LoadFault::Invalid(format!(
            "{} bytes, more than {MAX_COMPONENT_SIZE}",
            bytes.len()
        )));
    }
    // Component-model binary format: magic, then version 0x0d and layer 1 (core modules: 1 and 0).
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => {}
        [b'\0', b'a', b's', b'm', ..] => return Err(LoadFault::CoreModule),
        _ if is_text(bytes) => return Err(LoadFault::Text),
        _ => return Err(LoadFault::NotWasm),
    }
    Component::from_binary(engine, bytes).map_err(|error| LoadFault::invalid(&error))
}

fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    // Forms, and the two forms of comments.
    [&b"(component"[..], b"(module", b"(;", b";;"]
        .iter()
        .any(|opening| start.starts_with(opening))
}

//! Host-side bindings of `wit/0.1`, generated. One version of the contract, one module.
#![expect(missing_docs, reason = "generated; the WIT file is the documentation")]

wasmtime::component::bindgen!({
    path: "../../wit/0.1",
    world: "importer",
    imports: { default: trappable },
    with: {
        "lazaret:importer/input.cursor": crate::state::CursorHandle,
        "lazaret:importer/input.blob": crate::state::BlobHandle,
        "lazaret:importer/output.sink": crate::state::SinkHandle,
        "lazaret:importer/output.derived": crate::state::DerivedHandle,
    },
});

pub use exports::lazaret::importer::plugin;
pub use lazaret::importer::{input, log, output, types};

//! Derives without having declared it. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DeriveUndeclared;

impl Attack for DeriveUndeclared {
    fn ingest(run: Run<'_>) -> Outcome {
        core::hint::black_box(run.sink.derive("text/plain"));
        Ok(())
    }
}

attack!(DeriveUndeclared);

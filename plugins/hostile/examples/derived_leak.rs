//! Begins derived objects and finishes none. Fault: argument, at the second.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedLeak;

impl Attack for DerivedLeak {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            core::mem::forget(run.sink.derive("text/plain"));
        }
    }
}

attack!(DerivedLeak);

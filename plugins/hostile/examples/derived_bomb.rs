//! Derives a thousand times what it was given, and more. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedBomb;

impl Attack for DerivedBomb {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        let bytes = vec![0_u8; 1 << 16];
        let derived = run.sink.derive("text/plain");
        loop {
            derived.append(&bytes);
        }
    }
}

attack!(DerivedBomb);

//! Cuts an object of no bytes. Fault: cut.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SpliceNothing;

impl Attack for SpliceNothing {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            let _ = run.cursor.splice(0);
        }
    }
}

attack!(SpliceNothing);

//! Splices on where nothing is left. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SplicePastEnd;

impl Attack for SplicePastEnd {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            let _ = run.cursor.splice(1 << 40);
        }
    }
}

attack!(SplicePastEnd);

//! Says ok without having looked. Harmless: the host keeps all of it as one object.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ConsumesNothing;

impl Attack for ConsumesNothing {
    fn ingest(run: Run<'_>) -> Outcome {
        let _ = run;
        Ok(())
    }
}

attack!(ConsumesNothing);

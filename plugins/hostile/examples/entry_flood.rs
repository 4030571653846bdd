//! Emits entries without end. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EntryFlood;

impl Attack for EntryFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        for number in 0_u64.. {
            run.sink.emit(&[file(&format!("{number}"))]);
        }
        Ok(())
    }
}

attack!(EntryFlood);

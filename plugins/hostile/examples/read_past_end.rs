//! Reads on where nothing is left. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ReadPastEnd;

impl Attack for ReadPastEnd {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            core::hint::black_box(run.cursor.read(u32::MAX));
        }
    }
}

attack!(ReadPastEnd);

//! Makes the host work for nothing, with calls that are nearly free. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PositionLoop;

impl Attack for PositionLoop {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            core::hint::black_box(run.cursor.position());
        }
    }
}

attack!(PositionLoop);

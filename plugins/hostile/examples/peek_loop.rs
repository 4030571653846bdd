//! Looks at the same bytes without end. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PeekLoop;

impl Attack for PeekLoop {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            core::hint::black_box(run.cursor.peek(u32::MAX));
        }
    }
}

attack!(PeekLoop);

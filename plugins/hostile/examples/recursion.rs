//! Calls itself without end. Fault: trap, on the guest's own stack and not the host's.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

fn descend(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 16]);
    if core::hint::black_box(depth) == u64::MAX {
        return depth;
    }
    descend(depth + 1) + core::hint::black_box(frame)[3]
}

struct Recursion;

impl Attack for Recursion {
    fn ingest(run: Run<'_>) -> Outcome {
        core::hint::black_box(descend(run.cursor.position()));
        Ok(())
    }
}

attack!(Recursion);

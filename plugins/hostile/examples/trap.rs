//! Traps in the middle of its work. Fault: trap; what it had said is dropped.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Trap;

impl Attack for Trap {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("half")]);
        run.cursor.read(3);
        core::arch::wasm32::unreachable()
    }
}

attack!(Trap);

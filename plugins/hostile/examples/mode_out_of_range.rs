//! Puts the file type into the mode. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ModeOutOfRange;

impl Attack for ModeOutOfRange {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[with_mode(file("a"), 0o060_644)]);
        Ok(())
    }
}

attack!(ModeOutOfRange);

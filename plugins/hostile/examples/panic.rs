//! Panics, as a parser with a bug does. Fault: trap.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Panic;

impl Attack for Panic {
    fn ingest(run: Run<'_>) -> Outcome {
        let bytes = run.cursor.read(4);
        let index = core::hint::black_box(bytes.len() + 1);
        run.sink.emit(&[file(&format!("{}", bytes[index]))]);
        Ok(())
    }
}

attack!(Panic);

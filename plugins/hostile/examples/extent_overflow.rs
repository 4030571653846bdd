//! Names bytes whose end overflows. Fault: extent.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ExtentOverflow;

impl Attack for ExtentOverflow {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file_of("a", vec![input(u64::MAX, 2)])]);
        Ok(())
    }
}

attack!(ExtentOverflow);

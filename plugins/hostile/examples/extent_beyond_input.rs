//! Names bytes that the input does not have. Fault: extent, once the size is known.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ExtentBeyondInput;

impl Attack for ExtentBeyondInput {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file_of("a", vec![input(0, 1 << 40)])]);
        Ok(())
    }
}

attack!(ExtentBeyondInput);

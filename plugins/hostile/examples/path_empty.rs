//! Names nothing. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PathEmpty;

impl Attack for PathEmpty {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("")]);
        Ok(())
    }
}

attack!(PathEmpty);

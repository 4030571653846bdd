//! Replaces the root. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct RootAsFile;

impl Attack for RootAsFile {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("./")]);
        Ok(())
    }
}

attack!(RootAsFile);

//! Names more than a kernel takes. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PathTooLong;

impl Attack for PathTooLong {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file(&"x/".repeat(4096))]);
        Ok(())
    }
}

attack!(PathTooLong);

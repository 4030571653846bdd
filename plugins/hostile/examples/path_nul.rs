//! Ends a name early for whoever reads C strings. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PathNul;

impl Attack for PathNul {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("safe.txt\0.exe")]);
        Ok(())
    }
}

attack!(PathNul);

//! Makes a directory of a file by emptying it. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct OpaqueFile;

impl Attack for OpaqueFile {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[
            file("a"),
            entry(EntryKind::OpaqueDirectory, "a"),
            file("a/b"),
        ]);
        Ok(())
    }
}

attack!(OpaqueFile);

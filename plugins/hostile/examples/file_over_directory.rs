//! Replaces a directory that holds a file. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FileOverDirectory;

impl Attack for FileOverDirectory {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("a/b"), file("a")]);
        Ok(())
    }
}

attack!(FileOverDirectory);

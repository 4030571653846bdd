//! Places a file below a file. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FileBelowFile;

impl Attack for FileBelowFile {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("a"), file("a/b")]);
        Ok(())
    }
}

attack!(FileBelowFile);

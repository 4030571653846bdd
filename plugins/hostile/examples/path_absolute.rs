//! Names the host's own file. Harmless: below the root of the import there is only the import.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PathAbsolute;

impl Attack for PathAbsolute {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("/etc/passwd")]);
        Ok(())
    }
}

attack!(PathAbsolute);

//! Climbs out. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PathDotDot;

impl Attack for PathDotDot {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file("a/../../etc/passwd")]);
        Ok(())
    }
}

attack!(PathDotDot);

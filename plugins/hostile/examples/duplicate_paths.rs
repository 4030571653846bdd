//! Says two things of one name. Fault under a strict policy: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DuplicatePaths;

impl Attack for DuplicatePaths {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[file("a"), file_of("./a", vec![Extent::Hole(1)])]);
        Ok(())
    }
}

attack!(DuplicatePaths);

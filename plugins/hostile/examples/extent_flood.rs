//! Describes one file by more extents than are allowed. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ExtentFlood;

impl Attack for ExtentFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[file_of("sparse", vec![Extent::Hole(1); 70_000])]);
        Ok(())
    }
}

attack!(ExtentFlood);

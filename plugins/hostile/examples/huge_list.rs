//! Hands the host more in one call than a call may carry. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HugeList;

impl Attack for HugeList {
    fn ingest(run: Run<'_>) -> Outcome {
        let many = vec![file("x"); 30_000];
        run.sink.emit(&many);
        Ok(())
    }
}

attack!(HugeList);

//! Says it is not its own after all. Ends as declined, not as a fault.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Declined;

impl Attack for Declined {
    fn ingest(run: Run<'_>) -> Outcome {
        run.cursor.read(7);
        Err(Failure::Declined("not mine".to_owned()))
    }
}

attack!(Declined);

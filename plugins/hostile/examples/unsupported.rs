//! Says the input is beyond it. Fault: unsupported.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Unsupported;

impl Attack for Unsupported {
    fn ingest(run: Run<'_>) -> Outcome {
        let _ = run;
        Err(Failure::Unsupported(Fault {
            at: None,
            reason: "version 9".to_owned(),
        }))
    }
}

attack!(Unsupported);

//! Makes a program that runs as root. Fault under a strict policy: policy.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SetId;

impl Attack for SetId {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[with_mode(file("su"), 0o4755)]);
        Ok(())
    }
}

attack!(SetId);

//! Fails with eight megabytes of reason. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HugeReason;

impl Attack for HugeReason {
    fn ingest(_: Run<'_>) -> Outcome {
        Err(Failure::Malformed(Fault {
            at: None,
            reason: "x".repeat(8 << 20),
        }))
    }
}

attack!(HugeReason);

//! Drops a derived object that it had begun. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedUnfinished;

impl Attack for DerivedUnfinished {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        let derived = run.sink.derive("text/plain");
        derived.append(b"half of it");
        drop(derived);
        Ok(())
    }
}

attack!(DerivedUnfinished);

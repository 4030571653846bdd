//! Reads the input at random by way of a derived object, undeclared. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedInputUndeclared;

impl Attack for DerivedInputUndeclared {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        let derived = run.sink.derive("text/plain");
        derived.append_input(ByteRange {
            offset: 0,
            length: 1,
        });
        Ok(())
    }
}

attack!(DerivedInputUndeclared);

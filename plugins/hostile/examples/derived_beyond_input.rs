//! Derives from bytes that the input does not have. Fault: extent.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedBeyondInput;

impl Attack for DerivedBeyondInput {
    const NEEDS: Access = Access::DERIVE.union(Access::RANDOM);

    fn ingest(run: Run<'_>) -> Outcome {
        let derived = run.sink.derive("text/plain");
        derived.append_input(ByteRange {
            offset: u64::MAX,
            length: 2,
        });
        Ok(())
    }
}

attack!(DerivedBeyondInput);

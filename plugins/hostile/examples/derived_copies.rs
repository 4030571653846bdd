//! Derives the whole input over and over, which costs it next to nothing. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedCopies;

impl Attack for DerivedCopies {
    const NEEDS: Access = Access::DERIVE.union(Access::RANDOM);

    fn ingest(run: Run<'_>) -> Outcome {
        let Some(blob) = run.blob else { return Ok(()) };
        let range = ByteRange {
            offset: 0,
            length: blob.size(),
        };
        loop {
            let derived = run.sink.derive("text/plain");
            derived.append_input(range);
            Derived::finish(derived);
        }
    }
}

attack!(DerivedCopies);

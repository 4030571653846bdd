//! Finishes a derived object of no bytes, after which host and store would count differently.
//! Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedEmpty;

impl Attack for DerivedEmpty {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        Derived::finish(run.sink.derive("text/plain"));
        let derived = run.sink.derive("text/plain");
        derived.append(b"whose am I?");
        let id = Derived::finish(derived);
        let range = ByteRange {
            offset: 0,
            length: 11,
        };
        run.sink.emit(&[file_of(
            "a",
            vec![Extent::Derived(DerivedSlice { id, range })],
        )]);
        Ok(())
    }
}

attack!(DerivedEmpty);

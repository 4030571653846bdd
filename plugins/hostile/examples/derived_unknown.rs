//! Names a derived object that does not exist. Fault: extent.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DerivedUnknown;

impl Attack for DerivedUnknown {
    const NEEDS: Access = Access::DERIVE;

    fn ingest(run: Run<'_>) -> Outcome {
        let range = ByteRange {
            offset: 0,
            length: 1,
        };
        run.sink.emit(&[file_of(
            "a",
            vec![Extent::Derived(DerivedSlice { id: 7, range })],
        )]);
        Ok(())
    }
}

attack!(DerivedUnknown);

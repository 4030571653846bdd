//! A file of more holes than a file can have. Fault: extent.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HolesOverflow;

impl Attack for HolesOverflow {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[file_of(
            "a",
            vec![Extent::Hole(1 << 63), Extent::Hole(1 << 63)],
        )]);
        Ok(())
    }
}

attack!(HolesOverflow);

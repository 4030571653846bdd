//! Links to what comes later. Fault: link.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HardlinkLater;

impl Attack for HardlinkLater {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[link(EntryKind::Hardlink, "a", "b"), file("b")]);
        Ok(())
    }
}

attack!(HardlinkLater);

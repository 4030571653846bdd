//! Links to a file of the host. Fault: link.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HardlinkOut;

impl Attack for HardlinkOut {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[link(EntryKind::Hardlink, "a", "../../etc/shadow")]);
        Ok(())
    }
}

attack!(HardlinkOut);

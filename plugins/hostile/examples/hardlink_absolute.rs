//! Links to a file that only the host has. Fault: link.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HardlinkAbsolute;

impl Attack for HardlinkAbsolute {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[link(EntryKind::Hardlink, "a", "/etc/shadow")]);
        Ok(())
    }
}

attack!(HardlinkAbsolute);

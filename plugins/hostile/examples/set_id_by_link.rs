//! Sets the bit on a second name of the same file. Fault under a strict policy: policy.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SetIdByLink;

impl Attack for SetIdByLink {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[
            with_mode(file("tool"), 0o755),
            with_mode(link(EntryKind::Hardlink, "su", "tool"), 0o4755),
        ]);
        Ok(())
    }
}

attack!(SetIdByLink);

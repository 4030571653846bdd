//! Links to a directory, which makes a cycle. Fault: link.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HardlinkToDirectory;

impl Attack for HardlinkToDirectory {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[
            entry(EntryKind::Directory, "a"),
            link(EntryKind::Hardlink, "a/again", "a"),
        ]);
        Ok(())
    }
}

attack!(HardlinkToDirectory);

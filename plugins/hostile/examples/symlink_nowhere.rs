//! Points symbolic links everywhere. Harmless: a link's text is data and is never followed.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SymlinkNowhere;

impl Attack for SymlinkNowhere {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[
            link(EntryKind::Symlink, "a", "/etc/shadow"),
            link(EntryKind::Symlink, "b", "../../../../proc/self/mem"),
            link(EntryKind::Symlink, "c", "c"),
        ]);
        Ok(())
    }
}

attack!(SymlinkNowhere);

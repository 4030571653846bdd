//! Places a file through a symbolic link that it made. Fault: path.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FileThroughSymlink;

impl Attack for FileThroughSymlink {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[
            link(EntryKind::Symlink, "door", "/etc"),
            file("door/passwd"),
        ]);
        Ok(())
    }
}

attack!(FileThroughSymlink);

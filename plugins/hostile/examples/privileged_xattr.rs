//! Grants a capability. Fault under a strict policy: policy.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct PrivilegedXattr;

impl Attack for PrivilegedXattr {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[with_xattr(
            file("ping"),
            "security.capability",
            vec![1, 0, 0, 2],
        )]);
        Ok(())
    }
}

attack!(PrivilegedXattr);

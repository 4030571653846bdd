//! Makes a node for the first disk. Fault under a strict policy: policy.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DeviceNode;

impl Attack for DeviceNode {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink.emit(&[Entry {
            posix: Some(Posix {
                mode: 0o666,
                uid: 0,
                gid: 0,
                mtime: Timestamp {
                    seconds: 0,
                    nanoseconds: 0,
                },
                device: Some(Device { major: 8, minor: 0 }),
                xattrs: Vec::new(),
            }),
            ..entry(EntryKind::BlockDevice, "sda")
        }]);
        Ok(())
    }
}

attack!(DeviceNode);

//! Makes a node for no device. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DeviceWithoutNumbers;

impl Attack for DeviceWithoutNumbers {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .emit(&[with_mode(entry(EntryKind::CharacterDevice, "null"), 0o666)]);
        Ok(())
    }
}

attack!(DeviceWithoutNumbers);

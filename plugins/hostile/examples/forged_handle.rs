//! Uses a handle nobody gave it. Fault: trap.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct ForgedHandle;

impl Attack for ForgedHandle {
    fn ingest(_: Run<'_>) -> Outcome {
        // SAFETY: it is not, and the host must notice.
        let forged = unsafe { Blob::from_handle(77) };
        core::hint::black_box(forged.read_at(0, 16));
        core::mem::forget(forged);
        Ok(())
    }
}

attack!(ForgedHandle);

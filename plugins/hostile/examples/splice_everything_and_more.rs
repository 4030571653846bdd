//! Splices every byte there could ever be. Harmless: it is told of the shortfall.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SpliceEverythingAndMore;

impl Attack for SpliceEverythingAndMore {
    fn ingest(run: Run<'_>) -> Outcome {
        match run.cursor.splice(u64::MAX) {
            Err(short) if short.available > 0 => Ok(()),
            _ => core::arch::wasm32::unreachable(),
        }
    }
}

attack!(SpliceEverythingAndMore);

//! Asks for all the memory an address can name, which exceeds what the type allows before it exceeds
//! the budget. Fault: memory.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct MemoryAllAtOnce;

impl Attack for MemoryAllAtOnce {
    fn ingest(_: Run<'_>) -> Outcome {
        core::hint::black_box(core::arch::wasm32::memory_grow(0, 65_536));
        Ok(())
    }
}

attack!(MemoryAllAtOnce);

//! Takes memory until there is none. Fault: memory.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct MemoryBomb;

impl Attack for MemoryBomb {
    fn ingest(_: Run<'_>) -> Outcome {
        let mut hoard = Vec::new();
        loop {
            hoard.push(core::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

attack!(MemoryBomb);

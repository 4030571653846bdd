//! Burns time in its own code, with all the fuel in the world: the epoch is what ends it.
//! Fault: stalled.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Stall;

impl Attack for Stall {
    fn ingest(_: Run<'_>) -> Outcome {
        let mut state = 1_u64;
        loop {
            state = core::hint::black_box(state.rotate_left(7) ^ 0x9e37_79b9);
        }
    }
}

attack!(Stall);

//! Never returns and never calls. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EndlessLoop;

impl Attack for EndlessLoop {
    fn ingest(_: Run<'_>) -> Outcome {
        loop {
            core::hint::black_box(());
        }
    }
}

attack!(EndlessLoop);

//! Never decides. Fault in the probe: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EndlessLoopInProbe;

impl Attack for EndlessLoopInProbe {
    fn probe() -> Verdict {
        loop {
            core::hint::black_box(());
        }
    }
}

attack!(EndlessLoopInProbe);

//! Never says what it is. Fault on loading: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EndlessLoopInDescribe;

impl Attack for EndlessLoopInDescribe {
    fn describe() -> Descriptor {
        loop {
            core::hint::black_box(());
        }
    }
}

attack!(EndlessLoopInDescribe);

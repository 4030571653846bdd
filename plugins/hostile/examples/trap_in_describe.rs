//! Traps before it said what it is. Fault on loading: trap.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct TrapInDescribe;

impl Attack for TrapInDescribe {
    fn describe() -> Descriptor {
        core::arch::wasm32::unreachable()
    }
}

attack!(TrapInDescribe);

//! Traps while deciding. Fault in the probe: trap.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct TrapInProbe;

impl Attack for TrapInProbe {
    fn probe() -> Verdict {
        core::arch::wasm32::unreachable()
    }
}

attack!(TrapInProbe);

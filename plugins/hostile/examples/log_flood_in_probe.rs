//! The same while it is asked whether a blob is its own. Fault in the probe: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct LogFloodInProbe;

impl Attack for LogFloodInProbe {
    fn probe() -> Verdict {
        let line = "x".repeat(1 << 20);
        loop {
            log::write(log::Level::Debug, &line);
        }
    }
}

attack!(LogFloodInProbe);

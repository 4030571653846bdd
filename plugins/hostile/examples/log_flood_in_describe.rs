//! Makes the host copy megabytes of log lines before there is anything to import.
//! Fault on loading: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct LogFloodInDescribe;

impl Attack for LogFloodInDescribe {
    fn describe() -> Descriptor {
        let line = "x".repeat(1 << 20);
        loop {
            log::write(log::Level::Debug, &line);
        }
    }
}

attack!(LogFloodInDescribe);

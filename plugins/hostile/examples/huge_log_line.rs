//! Hands the host one log line of eight megabytes. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct HugeLogLine;

impl Attack for HugeLogLine {
    fn ingest(_: Run<'_>) -> Outcome {
        log::write(log::Level::Info, &"x".repeat(8 << 20));
        Ok(())
    }
}

attack!(HugeLogLine);

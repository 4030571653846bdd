//! Logs a million lines. Harmless: the first are kept, the rest counted and dropped.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct MillionLogLines;

impl Attack for MillionLogLines {
    fn ingest(_: Run<'_>) -> Outcome {
        for _ in 0..1_000_000 {
            log::write(log::Level::Warn, "look at me");
        }
        Ok(())
    }
}

attack!(MillionLogLines);

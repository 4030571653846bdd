//! Puts terminal commands into its excuse. Fault: malformed, with the reason escaped.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct EscapeInReason;

impl Attack for EscapeInReason {
    fn ingest(_: Run<'_>) -> Outcome {
        Err(Failure::Malformed(Fault {
            at: None,
            reason: "\u{1b}[2J\u{202e}\n".repeat(10_000),
        }))
    }
}

attack!(EscapeInReason);

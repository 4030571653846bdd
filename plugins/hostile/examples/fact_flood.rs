//! Adds facts without end. Fault: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactFlood;

impl Attack for FactFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        loop {
            run.sink
                .add_facts(&[fact("hostile.again", Value::Boolean(true))]);
        }
    }
}

attack!(FactFlood);

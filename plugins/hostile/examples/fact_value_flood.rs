//! The same with the values of facts. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactValueFlood;

impl Attack for FactValueFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        let fact = fact("hostile.text", Value::Text("x".repeat(1 << 16)));
        loop {
            run.sink.add_facts(core::slice::from_ref(&fact));
        }
    }
}

attack!(FactValueFlood);

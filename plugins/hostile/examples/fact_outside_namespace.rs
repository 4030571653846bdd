//! Speaks for a scanner it is not. Fault: namespace.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactOutsideNamespace;

impl Attack for FactOutsideNamespace {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .add_facts(&[fact("scanner.clean", Value::Boolean(true))]);
        Ok(())
    }
}

attack!(FactOutsideNamespace);

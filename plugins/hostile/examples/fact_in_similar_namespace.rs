//! Speaks in a namespace that only begins like its own. Fault: namespace.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactInSimilarNamespace;

impl Attack for FactInSimilarNamespace {
    fn ingest(run: Run<'_>) -> Outcome {
        run.sink
            .add_facts(&[fact("hostilely.clean", Value::Boolean(true))]);
        Ok(())
    }
}

attack!(FactInSimilarNamespace);

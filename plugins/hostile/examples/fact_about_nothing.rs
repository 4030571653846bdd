//! Speaks of an entry that does not exist yet. Fault: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct FactAboutNothing;

impl Attack for FactAboutNothing {
    fn ingest(run: Run<'_>) -> Outcome {
        let subject = Some(0);
        run.sink.add_facts(&[Fact {
            subject,
            ..fact("hostile.x", Value::Unsigned(1))
        }]);
        run.sink.emit(&[file("too late")]);
        Ok(())
    }
}

attack!(FactAboutNothing);

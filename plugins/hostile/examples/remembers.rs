//! Says something else the second time. Harmless: every run has a store of its own, so there is no
//! second time.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

use core::sync::atomic::{AtomicU64, Ordering};

static RUNS: AtomicU64 = AtomicU64::new(0);

struct Remembers;

impl Attack for Remembers {
    fn ingest(run: Run<'_>) -> Outcome {
        let runs = RUNS.fetch_add(1, Ordering::Relaxed);
        run.sink
            .add_facts(&[fact("hostile.runs", Value::Unsigned(runs))]);
        Ok(())
    }
}

attack!(Remembers);

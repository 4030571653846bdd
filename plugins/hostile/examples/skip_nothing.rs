//! Skips no bytes, without end. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct SkipNothing;

impl Attack for SkipNothing {
    fn ingest(run: Run<'_>) -> Outcome {
        let plan = vec![
            Segment {
                length: 0,
                storage: Storage::Inline
            };
            1000
        ];
        loop {
            let _ = run.cursor.cut(&plan);
        }
    }
}

attack!(SkipNothing);

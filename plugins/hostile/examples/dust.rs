//! Cuts the input to objects of one byte, each a file for the host. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Dust;

impl Attack for Dust {
    fn ingest(run: Run<'_>) -> Outcome {
        let plan = vec![
            Segment {
                length: 1,
                storage: Storage::Object
            };
            1000
        ];
        while run.cursor.cut(&plan).is_ok() {}
        Ok(())
    }
}

attack!(Dust);

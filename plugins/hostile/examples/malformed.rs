//! Says where the input is broken. Fault: malformed, at that place.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct Malformed;

impl Attack for Malformed {
    fn ingest(run: Run<'_>) -> Outcome {
        let at = Some(ByteRange {
            offset: 7,
            length: 3,
        });
        run.cursor.read(10);
        Err(Failure::Malformed(Fault {
            at,
            reason: "bad magic".to_owned(),
        }))
    }
}

attack!(Malformed);

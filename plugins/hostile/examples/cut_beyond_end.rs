//! Cuts further than the input goes and ignores being told so. Harmless: every byte is kept once.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct CutBeyondEnd;

impl Attack for CutBeyondEnd {
    fn ingest(run: Run<'_>) -> Outcome {
        for _ in 0..3 {
            let _ = run.cursor.cut(&[
                Segment {
                    length: 3,
                    storage: Storage::Inline,
                },
                Segment {
                    length: 1 << 20,
                    storage: Storage::Object,
                },
                Segment {
                    length: 5,
                    storage: Storage::Object,
                },
            ]);
        }
        Ok(())
    }
}

attack!(CutBeyondEnd);

//! Reads the same bytes at random without end. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct RandomReadLoop;

impl Attack for RandomReadLoop {
    const NEEDS: Access = Access::RANDOM;

    fn ingest(run: Run<'_>) -> Outcome {
        let Some(blob) = run.blob else { return Ok(()) };
        loop {
            core::hint::black_box(blob.read_at(0, u32::MAX));
        }
    }
}

attack!(RandomReadLoop);

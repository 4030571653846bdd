//! Implies two thousand directories with each name, without naming one of them.
//! Fault: output, since what is implied counts.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DirectoryFlood;

impl Attack for DirectoryFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        for number in 0_u64.. {
            let path = format!("{number}/").repeat(600) + "x";
            run.sink.emit(&[file(&path)]);
        }
        Ok(())
    }
}

attack!(DirectoryFlood);

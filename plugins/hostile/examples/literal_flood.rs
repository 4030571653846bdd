//! Fills the record with literal bytes from one small list, handed over again and again.
//! Fault: fuel, since each byte has its price.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct LiteralFlood;

impl Attack for LiteralFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        for number in 0_u64.. {
            let literal = Extent::Literal(vec![b'x'; 1 << 16]);
            run.sink
                .emit(&[file_of(&format!("{number}"), vec![literal])]);
        }
        Ok(())
    }
}

attack!(LiteralFlood);

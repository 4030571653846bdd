//! Looks for the machine in the bits of not-a-number. Harmless: they are the same everywhere.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct NanBits;

impl Attack for NanBits {
    fn ingest(run: Run<'_>) -> Outcome {
        let zero = core::hint::black_box(0.0_f64);
        let marked = core::hint::black_box(f64::from_bits(0x7ff8_dead_beef_0001));
        for bits in [
            (zero / core::hint::black_box(0.0)).to_bits(),
            (zero - f64::INFINITY * zero).to_bits(),
            (marked * 2.0).to_bits(),
        ] {
            run.sink
                .add_facts(&[fact("hostile.nan", Value::Unsigned(bits))]);
        }
        Ok(())
    }
}

attack!(NanBits);

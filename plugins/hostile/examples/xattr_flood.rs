//! The same with extended attributes. Fault: fuel.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct XattrFlood;

impl Attack for XattrFlood {
    fn ingest(run: Run<'_>) -> Outcome {
        let mut entry = with_xattr(file("x"), "user.x", vec![b'x'; 1 << 19]);
        for number in 0_u64.. {
            entry.path = format!("{number}").into_bytes();
            run.sink.emit(core::slice::from_ref(&entry));
        }
        Ok(())
    }
}

attack!(XattrFlood);

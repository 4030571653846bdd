//! Makes resources of its own and keeps them all. Fault: handles.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

/// A world with a resource of the guest's own, beside the importer world.
mod leak {
    wit_bindgen::generate!({
        inline: "
            package hostile:leak;
            interface things { resource thing { constructor(); } }
            world leak { export things; }
        ",
        runtime_path: "wit_bindgen::rt",
    });
}
use leak::exports::hostile::leak::things as thing;

struct Nothing;

impl thing::GuestThing for Nothing {
    fn new() -> Self {
        Self
    }
}

struct Things;

impl thing::Guest for Things {
    type Thing = Nothing;
}

leak::export!(Things with_types_in leak);

struct HandleLeak;

impl Attack for HandleLeak {
    fn ingest(_: Run<'_>) -> Outcome {
        loop {
            core::mem::forget(thing::Thing::new(Nothing));
        }
    }
}

attack!(HandleLeak);

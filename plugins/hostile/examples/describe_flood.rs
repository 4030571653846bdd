//! Claims ten thousand media types. Fault on loading: output.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DescribeFlood;

impl Attack for DescribeFlood {
    fn describe() -> Descriptor {
        Descriptor {
            media_types: (0..10_000).map(|number| format!("a/b{number}")).collect(),
            ..descriptor(Self::NEEDS)
        }
    }
}

attack!(DescribeFlood);

//! Claims something that is no media type. Fault on loading: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DescribeNoMediaType;

impl Attack for DescribeNoMediaType {
    fn describe() -> Descriptor {
        Descriptor {
            media_types: vec!["*/*".to_owned()],
            ..descriptor(Self::NEEDS)
        }
    }
}

attack!(DescribeNoMediaType);

//! Asks for the namespace of everything. Fault on loading: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DescribeEveryNamespace;

impl Attack for DescribeEveryNamespace {
    fn describe() -> Descriptor {
        Descriptor {
            fact_namespaces: vec![String::new()],
            ..descriptor(Self::NEEDS)
        }
    }
}

attack!(DescribeEveryNamespace);

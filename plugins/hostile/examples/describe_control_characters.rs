//! Calls itself something that moves the cursor. Fault on loading: argument.
#![cfg(target_arch = "wasm32")]

use lazaret_plugin_hostile::*;

struct DescribeControlCharacters;

impl Attack for DescribeControlCharacters {
    fn describe() -> Descriptor {
        Descriptor {
            name: "\u{1b}[2Jtar".to_owned(),
            ..descriptor(Self::NEEDS)
        }
    }
}

attack!(DescribeControlCharacters);

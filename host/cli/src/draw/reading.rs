//! Progress of reading what is compared or hashed.

use std::cell::OnceCell;

use indicatif::ProgressBar;

use super::{TOTAL, Way, way};
use crate::global::Global;

/// Progress of reading.
pub struct Reading {
    way: Way,
    bar: OnceCell<ProgressBar>,
}

impl Reading {
    /// Nothing has been read.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            bar: OnceCell::new(),
        }
    }

    /// Shows how many bytes were read, of how many.
    pub fn show(&self, done: u64, total: u64) {
        if let Way::Bars(bars) = &self.way {
            let bar = self.bar.get_or_init(|| bars.add("reading", total, TOTAL));
            bar.set_position(done);
        }
    }
}

//! Bars of many blobs at once: one for all bytes, and one for each of the larger blobs in work.

use std::collections::BTreeMap;

use indicatif::ProgressBar;

use super::{BLOB, Bars, TOTAL};

/// A smaller blob is over before its bar could be read; thousands of them would only flicker.
const WORTH_A_BAR: u64 = 1 << 20;

/// Bars besides that of the total: more than a screen has lines would push it out of sight.
const MAX_BARS: usize = 8;

/// Bytes and blobs on their way.
#[derive(Default)]
pub struct Transfer {
    total: Option<ProgressBar>,
    blobs: BTreeMap<usize, ProgressBar>,
    /// Named in the message as long as they have no bar.
    besides: BTreeMap<usize, String>,
    done: u64,
    expected: u64,
}

impl Transfer {
    /// So much more is to come.
    pub fn expect(&mut self, bars: &Bars, blobs: u64, bytes: u64) {
        self.expected += blobs;
        match &self.total {
            Some(total) => total.inc_length(bytes),
            None => self.total = Some(bars.add("total", bytes, TOTAL)),
        }
        self.count();
    }

    /// Something else is done to a blob before it is begun.
    pub fn prepare(&mut self, blob: usize, what: String) {
        self.besides.insert(blob, what);
        self.count();
    }

    /// A blob is begun.
    pub fn start(&mut self, bars: &Bars, blob: usize, name: &str, size: u64) {
        if self.besides.remove(&blob).is_some() {
            self.count();
        }
        if size < WORTH_A_BAR || self.blobs.len() >= MAX_BARS {
            return;
        }
        if let Some(total) = &self.total {
            let bar = bars.add_before(total, name, size, BLOB);
            self.blobs.insert(blob, bar);
        }
    }

    /// More of it has passed.
    pub fn advance(&self, blob: usize, bytes: u64) {
        if let Some(bar) = self.blobs.get(&blob) {
            bar.inc(bytes);
        }
        if let Some(total) = &self.total {
            total.inc(bytes);
        }
    }

    /// A blob that nothing is to be done for.
    pub fn skip(&mut self, size: u64) {
        if let Some(total) = &self.total {
            total.inc(size);
        }
        self.done += 1;
        self.count();
    }

    /// A blob is done.
    pub fn finish(&mut self, bars: &Bars, blob: usize) {
        if let Some(bar) = self.blobs.remove(&blob) {
            bars.remove(&bar);
        }
        self.done += 1;
        self.count();
    }

    /// What is being done, now that all blobs are.
    pub fn say(&self, message: &'static str) {
        if let Some(total) = &self.total {
            total.set_message(message);
        }
    }

    fn count(&self) {
        if let Some(total) = &self.total {
            let besides: Vec<&str> = self.besides.values().map(String::as_str).collect();
            total.set_message(match &*besides {
                [] => format!("{} of {} blobs", self.done, self.expected),
                several => several.join(", "),
            });
        }
    }
}

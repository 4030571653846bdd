//! Progress of an export.

use indicatif::ProgressBar;
use lazaret_views::Totals;

use super::{TOTAL, Way, way};
use crate::global::Global;

/// Progress of an export.
pub struct Exporting {
    _way: Way,
    bar: Option<ProgressBar>,
}

impl Exporting {
    /// Nothing is shown yet.
    pub fn new(global: &Global, totals: Totals) -> Self {
        let way = way(global);
        let bar = match &way {
            Way::Bars(bars) => Some(bars.add("files", totals.bytes, TOTAL)),
            _ => None,
        };
        Self { _way: way, bar }
    }

    /// Shows how far it is.
    pub fn show(&self, step: lazaret_views::Progress) {
        if let (Some(bar), lazaret_views::Progress::Bytes(bytes)) = (&self.bar, step) {
            bar.inc(bytes);
        }
    }
}

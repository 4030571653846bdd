//! Progress of a collection of garbage.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use lazaret_graph::GcProgress;

use super::{OBJECT_DIRECTORIES, SPINNER, STEPS, Way, way};
use crate::global::Global;

/// Progress of a collection of garbage.
pub struct Collecting {
    way: Way,
    step: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl Collecting {
    /// Nothing is shown yet.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            step: Mutex::default(),
        }
    }

    /// Shows how far it is.
    pub fn show(&self, progress: GcProgress) {
        let Way::Bars(bars) = &self.way else { return };
        let (name, template, done, total) = match progress {
            // How many there will be is what is being found out.
            GcProgress::Marking { streams } => ("streams", SPINNER, streams, 0),
            GcProgress::Listing { directories } => {
                ("objects", STEPS, directories, OBJECT_DIRECTORIES)
            }
            GcProgress::Removing { done, total } => ("deleting", STEPS, done, total),
            _ => return,
        };
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = match &*step {
            Some((current, bar)) if *current == name => bar.clone(),
            previous => {
                if let Some((_, bar)) = previous {
                    bars.remove(bar);
                }
                let bar = bars.add(name, total, template);
                *step = Some((name, bar.clone()));
                bar
            }
        };
        bar.set_length(total);
        bar.set_position(done);
    }
}

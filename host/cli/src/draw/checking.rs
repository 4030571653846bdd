//! Progress of a check.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use lazaret_graph::FsckProgress;

use super::{OBJECT_DIRECTORIES, STEPS, Way, way};
use crate::amount::size;
use crate::global::Global;

/// Progress of a check.
pub struct Checking {
    way: Way,
    step: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl Checking {
    /// Nothing is shown yet.
    pub fn new(global: &Global) -> Self {
        Self {
            way: way(global),
            step: Mutex::default(),
        }
    }

    /// Shows how far it is.
    pub fn show(&self, progress: FsckProgress) {
        let Way::Bars(bars) = &self.way else { return };
        let (name, done, total) = match progress {
            // How many objects there are shows only in the end; how many directories is known.
            FsckProgress::Store(step) => ("objects", step.directories, OBJECT_DIRECTORIES),
            FsckProgress::Images { done, total } => ("images", done, total),
            FsckProgress::Layers { done, total } => ("layers", done, total),
            _ => return,
        };
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = match &*step {
            Some((current, bar)) if *current == name => bar.clone(),
            previous => {
                if let Some((_, bar)) = previous {
                    bars.remove(bar);
                }
                let bar = bars.add(name, total, STEPS);
                *step = Some((name, bar.clone()));
                bar
            }
        };
        bar.set_length(total);
        bar.set_position(done);
        if let FsckProgress::Store(step) = progress {
            bar.set_message(format!("{} objects, {}", step.objects, size(step.bytes)));
        }
    }
}

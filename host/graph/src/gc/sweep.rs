//! Carrying out a plan.
//!
//! References go first, then streams and images, then objects, and what was done is on the disk
//! before the next step begins: whatever stops this, and be it the power, no name that is left leads
//! to something that is gone.

use std::sync::atomic::AtomicBool;

use lazaret_store::ExclusiveLock;

use super::{GcPlan, GcProgress, check};
use crate::error::GraphError;

pub(super) fn sweep(
    lock: &ExclusiveLock<'_>,
    plan: &GcPlan,
    cancel: &AtomicBool,
    progress: &(dyn Fn(GcProgress) + Sync),
) -> Result<(), GraphError> {
    let total = plan.steps();
    let mut done = 0;
    let mut step = || {
        done += 1;
        progress(GcProgress::Removing { done, total });
    };
    for path in &plan.refs {
        check(cancel)?;
        lock.remove_ref(path)?;
        step();
    }
    if !plan.refs.is_empty() {
        lock.sync_names()?;
    }
    for name in &plan.streams {
        check(cancel)?;
        lock.remove_stream(name)?;
        step();
    }
    for image in &plan.images {
        check(cancel)?;
        lock.remove_image(image)?;
        step();
    }
    if !plan.streams.is_empty() || !plan.images.is_empty() {
        lock.sync_names()?;
    }
    for (object, _) in &plan.objects {
        check(cancel)?;
        lock.remove_object(object)?;
        step();
    }
    Ok(())
}

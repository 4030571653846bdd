//! Carrying out a plan.
//!
//! References go first, then streams and images, then objects, and what was done is on the disk
//! before the next step begins: whatever stops this, and be it the power, no name that is left leads
//! to something that is gone.
//!
//! What keeps records and blobs from `cfsctl gc` goes after the manifests and indexes: as long as one
//! of these is left, a pull can find it there and give it a tag again, with all that belongs to it.

use std::sync::atomic::AtomicBool;

use lazaret_store::{ExclusiveLock, StreamName};

use super::{GcPlan, GcProgress, check};
use crate::error::GraphError;
use crate::names::{self, OwnRef, Stream, parse_previous};

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
    let (late_refs, refs): (Vec<&String>, Vec<&String>) =
        plan.refs.iter().partition(|path| holds_a_part(path));
    // They are in this order already.
    let parts = plan.streams.partition_point(|name| !is_part(name));
    let (streams, late_streams) = plan.streams.split_at(parts);
    for (refs, streams) in [(refs, streams), (late_refs, late_streams)] {
        for path in &refs {
            check(cancel)?;
            lock.remove_ref(path)?;
            step();
        }
        if !refs.is_empty() {
            lock.sync_names()?;
        }
        for name in streams {
            check(cancel)?;
            lock.remove_stream(name)?;
            step();
        }
        if !streams.is_empty() {
            lock.sync_names()?;
        }
    }
    for image in &plan.images {
        check(cancel)?;
        lock.remove_image(image)?;
        step();
    }
    if !plan.images.is_empty() {
        lock.sync_names()?;
    }
    for (object, _) in &plan.objects {
        check(cancel)?;
        lock.remove_object(object)?;
        step();
    }
    Ok(())
}

/// Whether a reference is there for a record or a kept blob.
fn holds_a_part(path: &str) -> bool {
    let own = path.strip_prefix(names::LAZARET);
    let own = own.and_then(|rest| OwnRef::parse(rest.strip_prefix('/')?));
    matches!(own, Some(OwnRef::Record(_) | OwnRef::Blob(_)))
}

/// Whether a stream is only ever a part of a manifest, or about one.
fn is_part(name: &StreamName) -> bool {
    match Stream::parse(name.as_str()) {
        Some(Stream::Index(_) | Stream::Manifest(_)) => false,
        Some(_) => true,
        None => parse_previous(name.as_str()).is_some(),
    }
}

//! Freeing what nobody needs: a plan that can be shown, and carrying it out.
//!
//! Needed is what tags and other tools' references lead to, and images under `images/refs`; of a
//! manifest its config, its layers, what those hold, import records and kept blobs; of an index what is stored
//! of its list; and whatever refers to something that is needed. Streams and references that this
//! program does not know are taken for what `cfsctl gc` takes them for: references are roots, and
//! what a needed stream refers to is needed.
//!
//! Never deletes on doubt: a name that is odd, a needed stream that cannot be read, and nothing is
//! deleted at all. The deletion can be cut short at any moment; names go before what they lead
//! to, so that what is left is whole, and the next run finishes it.

pub(crate) mod digests;
mod inventory;
mod order;
mod reach;
mod sweep;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use lazaret_artifact::VerityDigest;
use lazaret_store::{ExclusiveLock, Repository, StoreError, StreamName};

use crate::commit::finish_interrupted;
use crate::error::GraphError;
use crate::lock::NamesLock;
use crate::names::{Stream, parse_previous};
use inventory::{Inventory, Stays};
use reach::Reached;

/// The objects that an EROFS image refers to; this crate does not know that format.
pub type ImageObjects<'a> =
    &'a dyn Fn(&Repository, &VerityDigest) -> Result<Vec<VerityDigest>, GraphError>;

/// How to collect.
#[derive(Clone, Copy)]
pub struct GcOptions<'a> {
    /// Reads images.
    pub image_objects: ImageObjects<'a>,
    /// Ends the work with [`StoreError::Cancelled`], between any two deletions, when it is set.
    pub cancel: &'a AtomicBool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GcProgress {
    /// Finding out what is needed.
    Marking {
        /// Streams read.
        streams: u64,
    },
    /// Going through all objects.
    Listing {
        /// Directories of objects, of 256.
        directories: u64,
    },
    /// Deleting.
    Removing {
        /// Names and objects deleted.
        done: u64,
        /// Of so many.
        total: u64,
    },
}

/// What would go, or what went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcPlan {
    /// References below `streams/refs/`, sorted.
    pub refs: Vec<String>,
    /// Named streams, in the order in which they go: what refers to others before those.
    pub streams: Vec<StreamName>,
    /// Names of images, sorted.
    pub images: Vec<VerityDigest>,
    /// Objects with their sizes in bytes, sorted.
    pub objects: Vec<(VerityDigest, u64)>,
    /// Sum of their sizes.
    pub bytes: u64,
    /// What they take on disk, in bytes.
    pub allocated: u64,
    /// What stays.
    pub kept: KeptCounts,
    /// Objects that are needed and not there: damage, of which `fsck` knows more.
    pub missing: u64,
    /// Names that a commit left when it died. Collecting finishes it first, which may free more
    /// than a plan made before says.
    pub interrupted: u64,
}

/// How many of each stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptCounts {
    /// References below `streams/refs/`.
    pub refs: u64,
    /// Named streams.
    pub streams: u64,
    /// Names of images.
    pub images: u64,
    /// Objects that are there.
    pub objects: u64,
}

impl GcPlan {
    /// Whether there is nothing to delete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
            && self.streams.is_empty()
            && self.images.is_empty()
            && self.objects.is_empty()
    }

    /// The streams by kind, in a fixed order, without the kinds there are none of.
    #[must_use]
    pub fn streams_by_kind(&self) -> Vec<(&'static str, u64)> {
        const KINDS: [&str; 7] = [
            "indexes",
            "manifests",
            "configs",
            "layers",
            "kept blobs",
            "import records",
            "other streams",
        ];
        let mut counts = [0; KINDS.len()];
        for name in &self.streams {
            counts[match Stream::parse(name.as_str()) {
                Some(Stream::Index(_)) => 0,
                Some(Stream::Manifest(_)) => 1,
                Some(Stream::Config(_)) => 2,
                Some(Stream::Layer(_)) => 3,
                Some(Stream::Blob(_)) => 4,
                Some(Stream::Record(_)) => 5,
                None => 6,
            }] += 1;
        }
        let counted = KINDS.into_iter().zip(counts);
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// Names and objects together.
    fn steps(&self) -> u64 {
        (self.refs.len() + self.streams.len() + self.images.len() + self.objects.len()) as u64
    }
}

impl fmt::Display for GcPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} references, {} streams, {} images, {} objects of {} bytes",
            self.refs.len(),
            self.streams.len(),
            self.images.len(),
            self.objects.len(),
            self.bytes
        )
    }
}

/// Finds out what would go, and changes nothing. Other processes may add at the same time; what they
/// have stored and not named yet is in the plan, and [`collect`] makes its own.
///
/// # Errors
/// [`GraphError::Refused`] when something is odd or cannot be read; [`StoreError::Cancelled`].
pub fn plan(
    repository: &Repository,
    options: &GcOptions<'_>,
    progress: &(dyn Fn(GcProgress) + Sync),
) -> Result<GcPlan, GraphError> {
    let reached = {
        // No names are given while they are read.
        let _lock = NamesLock::acquire(repository)?;
        let inventory = Inventory::read(repository)?;
        reach::reach(repository, inventory, options, progress)?
    };
    finish_plan(repository, reached, options, progress)
}

/// Deletes all that is not needed. The lock keeps everybody else out; the plan is made under it.
/// Returns what went.
///
/// # Errors
/// As [`plan`], with nothing deleted; when the operating system refuses, or with
/// [`StoreError::Cancelled`], part of it may have gone. Whatever is left is whole.
pub fn collect(
    repository: &Repository,
    lock: &ExclusiveLock<'_>,
    options: &GcOptions<'_>,
    progress: &(dyn Fn(GcProgress) + Sync),
) -> Result<GcPlan, GraphError> {
    let mut planned = plan(repository, options, progress)?;
    if planned.interrupted > 0 {
        finish_interrupted(repository)?;
        planned = plan(repository, options, progress)?;
    }
    sweep::sweep(lock, &planned, options.cancel, progress)?;
    tracing::debug!(%planned, "collected");
    Ok(planned)
}

/// Everything that was not reached, and the objects.
fn finish_plan(
    repository: &Repository,
    reached: Reached,
    options: &GcOptions<'_>,
    progress: &(dyn Fn(GcProgress) + Sync),
) -> Result<GcPlan, GraphError> {
    let mut plan = GcPlan::default();
    let Reached {
        inventory,
        live_streams,
        live_images,
        objects,
    } = reached;
    for reference in inventory.refs {
        let stays = match reference.stays {
            Stays::Root => true,
            Stays::With(place) => live_streams[place],
            Stays::Not => false,
        };
        match stays {
            true => plan.kept.refs += 1,
            false => plan.refs.push(reference.path),
        }
    }
    for (image, live) in inventory.images.iter().zip(&live_images) {
        match live {
            true => plan.kept.images += 1,
            false => plan.images.push(*image),
        }
    }
    let previous = inventory.streams.iter();
    plan.interrupted = previous
        .filter(|(name, _)| parse_previous(name.as_str()).is_some())
        .count() as u64;
    let named = inventory.streams.into_iter().zip(live_streams);
    let (kept, dead): (Vec<_>, Vec<_>) = named.partition(|(_, live)| *live);
    plan.kept.streams = kept.len() as u64;
    drop(kept);
    let dead = dead.into_iter().map(|(stream, _)| stream).collect();
    plan.streams = order::referring_first(repository, dead);

    let odd = |error: StoreError| match &error {
        StoreError::ObjectName { path } => GraphError::refused(path.clone(), error),
        _ => error.into(),
    };
    for directory in repository.object_directories().map_err(odd)? {
        check(options.cancel)?;
        let listed = repository.list_object_names(directory, &mut |name| {
            if objects.contains(&name.digest) {
                plan.kept.objects += 1;
                return Ok(());
            }
            let (size, allocated) = name.size()?;
            plan.bytes += size;
            plan.allocated += allocated;
            plan.objects.push((name.digest, size));
            Ok(())
        });
        listed.map_err(odd)?;
        progress(GcProgress::Listing {
            directories: u64::from(directory) + 1,
        });
    }
    plan.objects.sort_unstable();
    plan.missing = objects.len().saturating_sub(plan.kept.objects);
    Ok(plan)
}

/// Ends the work when the caller wants it to.
fn check(cancel: &AtomicBool) -> Result<(), GraphError> {
    match cancel.load(Ordering::Relaxed) {
        true => Err(StoreError::Cancelled.into()),
        false => Ok(()),
    }
}

//! Checking a whole repository. All damage is reported, never only the first, and nothing is
//! changed.

mod damage;
mod names;
mod objects;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StoreError;
use crate::layout::METADATA;
use crate::repository::{Repository, read_metadata};

pub use damage::Damage;

/// What to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOptions {
    /// Read every object and compare it with its name. Without, only names, links and the
    /// structure of streams are checked.
    pub content: bool,
    /// Threads that read objects; none stands for the number of processors.
    pub threads: Option<usize>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            content: true,
            threads: None,
        }
    }
}

/// How far a check has come. Sums so far, of a whole that is not known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CheckProgress {
    /// Directories of objects, of 256.
    pub directories: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes of objects.
    pub bytes: u64,
    /// Streams.
    pub streams: u64,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Objects examined.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Named streams examined.
    pub streams: u64,
    /// References examined, to streams and to images.
    pub refs: u64,
    /// Links to images examined. The content of an image is not understood here.
    pub images: u64,
    /// All that is wrong, in a stable order.
    pub damage: Vec<Damage>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }
}

/// A check under way, shared by its threads.
struct Check<'a> {
    repository: &'a Repository,
    progress: &'a (dyn Fn(CheckProgress) + Sync),
    directories: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
    streams: AtomicU64,
    damage: Mutex<Vec<Damage>>,
}

impl Repository {
    /// Checks `meta.json`, every object, every stream, every name. `progress` is called from
    /// several threads, at most once for each file.
    ///
    /// # Errors
    /// When the operating system refuses to list the repository. Damage is no error.
    pub fn check(
        &self,
        options: CheckOptions,
        progress: &(dyn Fn(CheckProgress) + Sync),
    ) -> Result<CheckReport, StoreError> {
        let check = Check {
            repository: self,
            progress,
            directories: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            streams: AtomicU64::new(0),
            damage: Mutex::new(Vec::new()),
        };
        check.metadata();
        check.all_objects(options)?;
        let mut report = CheckReport::default();
        check.all_streams(&mut report)?;
        check.all_images(&mut report)?;
        report.objects = check.objects.into_inner();
        report.bytes = check.bytes.into_inner();
        report.streams = check.streams.into_inner();
        report.damage = check
            .damage
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        report.damage.sort();
        Ok(report)
    }
}

impl Check<'_> {
    /// Reads `meta.json` again: what was read when the repository was opened may have changed.
    fn metadata(&self) {
        let repository = self.repository;
        let reason = match read_metadata(&repository.inner.root, repository.path()) {
            Ok((found, sealed)) => {
                if found == *repository.metadata() && sealed == repository.is_verity_required() {
                    return;
                }
                "it changed since the repository was opened".to_owned()
            }
            Err(error) => chain(&error),
        };
        self.report(Damage::Metadata {
            path: METADATA.to_owned(),
            reason,
        });
    }

    fn report(&self, damage: Damage) {
        tracing::debug!(%damage, "found");
        let mut list = self
            .damage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        list.push(damage);
    }

    fn show_progress(&self) {
        (self.progress)(CheckProgress {
            directories: self.directories.load(Ordering::Relaxed),
            objects: self.objects.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            streams: self.streams.load(Ordering::Relaxed),
        });
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

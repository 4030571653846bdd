//! What all imports of one pull share, and how one blob goes through it.

use std::sync::atomic::AtomicBool;

use lazaret_artifact::record::{ImporterIdentity, Verdict};
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_engine::Fault;
use lazaret_store::Repository;
use lazaret_transport::Source;

use crate::error::BlobFault;
use crate::keep::Kept;
use crate::limits::Allowance;
use crate::lines::Noted;
use crate::objects::Counter;
use crate::options::{Importers, PullOptions};
use crate::recorder::ObjectCounts;
use crate::reuse::Rank;
use crate::task::Task;

/// A blob that was imported: verified and stored, without a name yet.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    /// Digest of what is stored.
    pub(crate) content: ContentDigest,
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    /// The blobs that this record names.
    pub(crate) blobs: Vec<ContentDigest>,
    pub(crate) rank: Rank,
    /// Compressed bytes, where they were to be kept.
    pub(crate) kept: Option<Kept>,
    pub(crate) size: u64,
    pub(crate) fuel: u64,
    pub(crate) counts: ObjectCounts,
    pub(crate) noted: Noted,
    pub(crate) opaque: Option<String>,
}

/// What all imports of one pull share.
pub(crate) struct Desk<'a> {
    pub(crate) repository: &'a Repository,
    /// None where everything is stored.
    pub(crate) source: Option<&'a Source>,
    pub(crate) importers: &'a Importers,
    pub(crate) options: &'a PullOptions,
    pub(crate) counter: Counter,
    /// Set when another blob of the same pull failed.
    pub(crate) abort: &'a AtomicBool,
    /// What all blobs together may still become.
    pub(crate) allowance: Allowance,
    /// Whether what is stored otherwise than asked for gives way.
    pub(crate) renew: bool,
}

/// How one attempt at a blob is made.
pub(crate) enum Attempt {
    /// Importers are asked.
    Import,
    /// It is kept as one object, since this importer failed on it, if it came to one.
    /// The last says whether it came to a limit of the operator's, and not to a fault of the blob's.
    Opaque(Verdict, Option<ImporterIdentity>, bool),
}

/// How an attempt ended, when it did not succeed.
pub(crate) enum Failure {
    /// For good.
    Fault(BlobFault),
    /// The importer failed; the blob itself is what it claims to be.
    Importer(Box<ImporterIdentity>, Fault),
}

impl From<BlobFault> for Failure {
    fn from(fault: BlobFault) -> Self {
        Self::Fault(fault)
    }
}

/// What became of what a blob decompresses to.
pub(crate) enum Inside {
    /// It was imported.
    Imported(Box<Imported>),
    /// Nobody takes it.
    Nothing,
    /// Its importer failed on it, or, where there is none, it does not decompress.
    Faulted(Verdict, Option<Box<ImporterIdentity>>, bool),
}

impl Desk<'_> {
    /// Imports one blob; with `keep` its compressed bytes, too.
    pub(crate) fn import(
        &self,
        task: &Task<'_>,
        keep: bool,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, BlobFault> {
        let imported = match self.attempt(task, &Attempt::Import, keep, on_read) {
            Err(Failure::Importer(identity, fault)) if !task.is_required(self.options) => {
                let digest = task.wanted.descriptor.digest;
                let importer = called(&identity);
                tracing::info!(blob = %digest, importer, %fault, "kept whole");
                let verdict = Verdict::Faulted(format!("{importer}: {fault}"));
                let attempt = Attempt::Opaque(verdict, Some(*identity), fault.kind.is_limit());
                self.attempt(task, &attempt, keep, &|_| {})
            }
            ended => ended,
        };
        match imported {
            Ok(Some(imported)) => Ok(imported),
            // Only what a blob decompresses to may come to nothing.
            Ok(None) => Err(BlobFault::Rebuild),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Importer(identity, fault)) => Err(BlobFault::Importer {
                importer: called(&identity),
                fault,
            }),
        }
    }

    /// Imports what a blob decompresses to; the blob itself is stored.
    pub(crate) fn import_inside(&self, task: &Task<'_>) -> Result<Inside, BlobFault> {
        match self.attempt(task, &Attempt::Import, false, &|_| {}) {
            Ok(Some(imported)) => Ok(Inside::Imported(Box::new(imported))),
            Ok(None) => Ok(Inside::Nothing),
            Err(Failure::Importer(identity, fault)) => {
                let digest = task.wanted.descriptor.digest;
                let importer = called(&identity);
                tracing::info!(blob = %digest, importer, %fault, "kept as it travelled only");
                let verdict = Verdict::Faulted(format!("{importer}: {fault}"));
                let is_limit = fault.kind.is_limit();
                Ok(Inside::Faulted(verdict, Some(identity), is_limit))
            }
            Err(Failure::Fault(fault)) if fault.is_of_content() => {
                // The blob is what its digest promised, and is kept; it does not decompress.
                let digest = task.wanted.descriptor.digest;
                tracing::info!(blob = %digest, %fault, "kept as it travelled only");
                let reason = std::error::Error::source(&fault)
                    .map_or_else(|| fault.to_string(), |source| format!("{fault}: {source}"));
                let is_limit = fault.is_limit();
                Ok(Inside::Faulted(Verdict::Faulted(reason), None, is_limit))
            }
            Err(Failure::Fault(fault)) => Err(fault),
        }
    }
}

impl Desk<'_> {
    /// Records of a stored blob why what it decompresses to was not imported, or, with another
    /// verdict, that there is no such reason any more.
    pub(crate) fn note(
        &self,
        task: &Task<'_>,
        verdict: Verdict,
        importer: Option<&ImporterIdentity>,
        is_limit: bool,
    ) -> Result<Imported, BlobFault> {
        let attempt = Attempt::Opaque(verdict, importer.cloned(), is_limit);
        match self.attempt(task, &attempt, false, &|_| {}) {
            Ok(Some(imported)) => Ok(imported),
            Err(Failure::Fault(fault)) => Err(fault),
            Ok(None) | Err(Failure::Importer(..)) => Err(BlobFault::Rebuild),
        }
    }
}

/// Name and version.
pub(crate) fn called(identity: &ImporterIdentity) -> String {
    format!("{} {}", identity.name, identity.version)
}

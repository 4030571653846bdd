//! What is already there, and when it may stand for a blob.
//!
//! What was verified once is believed as long as nothing has changed since, which costs a look at
//! every object and reads none ([`Repository::examine_stream`]). Where something is missing, cut off
//! or another than it was, the layer is imported anew, and every object of it that is there is read
//! before it is relied on: so a pull repairs.

use std::collections::BTreeMap;

use lazaret_artifact::record::{Role, Summary, Verdict};
use lazaret_artifact::{Compression, ContentDigest, MediaType, VerityDigest};
use lazaret_graph::names::Stream;
use lazaret_graph::{GraphError, Record, StreamContent, find_record};
use lazaret_store::{Repository, StoreError, Trust};

use crate::candidates::{claim, claimants};
use crate::error::IntakeError;
use crate::limits::{PROBE_HEAD, UnpackLimits};
use crate::options::Importers;
use crate::plan::{Kind, Wanted};
use crate::settle::rebuilds;
use crate::task::{Task, Wish};
use crate::unpack::Unpacker;

/// A layer that was verified before.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    pub(crate) parameters: BTreeMap<String, String>,
    /// Who read it, or failed on it.
    pub(crate) importer: Option<ContentDigest>,
    pub(crate) summary: Summary,
    pub(crate) rank: Rank,
    /// Whether it is declared as more than one thing.
    pub(crate) is_disputed: bool,
}

/// What was found of a blob.
#[derive(Debug, Clone)]
pub(crate) enum Looked {
    /// It is there and can be used.
    Known(Box<Known>),
    /// It is there and was verified, but by another importer, or cut otherwise than wanted.
    Other(Box<Known>),
    /// It has to be imported.
    Missing {
        /// Whether a stream has its name all the same.
        named: bool,
        /// Whether that is because of damage.
        damaged: bool,
    },
}

/// How much a record says; a lower one never takes the place of a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A blob that was kept whole.
    Blob,
    /// A layer that was kept whole.
    Layer,
    /// A blob's entries.
    ImportedBlob,
    /// A layer's entries.
    ImportedLayer,
}

impl Rank {
    pub(crate) fn of(role: Role, verdict: &Verdict) -> Self {
        match (role, verdict) {
            (Role::Layer, Verdict::Imported) => Self::ImportedLayer,
            (Role::Blob, Verdict::Imported) => Self::ImportedBlob,
            (Role::Layer, _) => Self::Layer,
            (Role::Blob, _) => Self::Blob,
        }
    }
}

/// What is looked for, and what would be made of it now.
pub(crate) struct Search<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) importers: &'a Importers,
    /// The operator's, without how files are cut.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) wish: Wish,
    pub(crate) trust: Trust,
    pub(crate) limits: UnpackLimits,
}

impl Search<'_> {
    /// Whether a blob is there: its stream is linked and whole, and a record of that very stream says
    /// that this blob was verified to hold it, by the importer that would be used now.
    pub(crate) fn blob(&self, wanted: &Wanted) -> Result<Looked, IntakeError> {
        let size = (!wanted.is_wrapped()).then_some(wanted.descriptor.size);
        let task = Task::fetch(wanted, BTreeMap::new());
        self.find(&wanted.content(), size, &task)
    }

    /// Whether what a blob decompresses to is there. `None` when nobody would look into it.
    pub(crate) fn inside(
        &self,
        wanted: &Wanted,
        known: Option<&Known>,
    ) -> Result<Option<LookedInside>, IntakeError> {
        let Some((media_type, compression)) = self.wrapping(wanted) else {
            return Ok(None);
        };
        let unpacked = unless_damaged(lazaret_graph::unpacked(
            self.repository,
            &wanted.descriptor.digest,
        ))?;
        let wrapping = (media_type.clone(), compression);
        let Some(unpacked) = unpacked.flatten() else {
            // It may have been looked at before, in vain.
            if let Some(known) = known
                && !known.summary.limited
                && (self.failed_before(known, &media_type)
                    || !self.is_claimed(wanted, known.stream, &wrapping)?)
            {
                return Ok(None);
            }
            return Ok(Some(LookedInside {
                wrapping,
                content: None,
                looked: Looked::Missing {
                    named: false,
                    damaged: false,
                },
            }));
        };
        let stream = unpacked.stream;
        let content = unpacked.content;
        let task = Task::inside_again(wanted, (content, stream), media_type, BTreeMap::new());
        let looked = self.find(&content, None, &task)?;
        Ok(Some(LookedInside {
            wrapping,
            content: Some(content),
            looked,
        }))
    }

    /// Whether a blob does not decompress, or one of those that would be asked failed on what it
    /// decompresses to.
    fn failed_before(&self, known: &Known, media_type: &MediaType) -> bool {
        let claimants = || claimants(self.importers, media_type);
        matches!(known.summary.verdict, Verdict::Faulted(_))
            && known
                .importer
                .is_none_or(|importer| claimants().contains(&importer))
    }

    /// What a blob of an artifact may hold that somebody claims, and how it is wrapped.
    fn wrapping(&self, wanted: &Wanted) -> Option<(MediaType, Compression)> {
        if wanted.kind != Kind::Blob {
            return None;
        }
        let (media_type, compression) = wanted.descriptor.media_type.essence().unwrapped()?;
        let is_claimed = !claimants(self.importers, &media_type).is_empty();
        is_claimed.then_some((media_type, compression))
    }

    /// Whether somebody takes what a stored blob decompresses to, by its first bytes.
    fn is_claimed(
        &self,
        wanted: &Wanted,
        stream: VerityDigest,
        wrapping: &(MediaType, Compression),
    ) -> Result<bool, IntakeError> {
        let task = Task::inside(wanted, stream, wrapping.clone(), BTreeMap::new());
        let content = StreamContent::open(self.repository, &stream)?;
        let mut head = vec![0; PROBE_HEAD];
        let unpacked = Unpacker::new(content, wrapping.1, self.limits)
            .ok()
            .and_then(|mut unpacker| unpacker.fill(&mut head).ok());
        // What does not decompress is to be looked at, so that its fault is on record.
        let Some(count) = unpacked else {
            return Ok(true);
        };
        head.truncate(count);
        let mut head = || Ok(head.clone());
        let found = claim(self.importers, task.offers(self.importers), &mut head);
        Ok(found.map_err(session)?.is_some())
    }

    fn find(
        &self,
        content: &ContentDigest,
        size: Option<u64>,
        task: &Task<'_>,
    ) -> Result<Looked, IntakeError> {
        let repository = self.repository;
        let name = Stream::Layer(*content).name();
        let stream = match unless_damaged(repository.resolve_stream(&name))? {
            Some(Some(stream)) => stream,
            Some(None) => {
                return Ok(Looked::Missing {
                    named: false,
                    damaged: false,
                });
            }
            None => {
                return Ok(Looked::Missing {
                    named: true,
                    damaged: true,
                });
            }
        };
        let is_whole = unless_damaged(repository.examine_stream(&name, self.trust))?.is_some()
            && (self.trust == Trust::Unchanged || rebuilds(repository, content, &stream));
        let record = record(repository, content)?;
        let record_is_whole = record.is_some() || {
            let name = Stream::Record(*content).name();
            let examined = repository.examine_stream(&name, Trust::Nothing);
            matches!(examined, Err(StoreError::StreamMissing { .. }))
                || unless_damaged(examined)?.is_some()
        };
        let missing = Looked::Missing {
            named: true,
            damaged: !is_whole || !record_is_whole,
        };
        let Some(record) = record.filter(|record| is_whole && vouches(record, task, size, &stream))
        else {
            return Ok(missing);
        };
        let (suits, is_disputed) = self.suits(&record, task, &stream)?;
        let known = Box::new(Known {
            stream,
            record: record.stream,
            rank: Rank::of(record.header.role, &record.summary.verdict),
            parameters: record.header.parameters,
            importer: record.header.importer.map(|importer| importer.digest),
            summary: record.summary,
            is_disputed,
        });
        Ok(match suits {
            true => Looked::Known(known),
            false => Looked::Other(known),
        })
    }

    /// Whether a record is what an import would come to now, and whether the blob is declared as more
    /// than one thing.
    fn suits(
        &self,
        record: &Record,
        task: &Task<'_>,
        stream: &VerityDigest,
    ) -> Result<(bool, bool), IntakeError> {
        let (header, summary) = (&record.header, &record.summary);
        let asked = |(media_type, before): (&String, &Vec<ContentDigest>)| {
            let media_type: Option<MediaType> = media_type.parse().ok();
            media_type.is_some_and(|media_type| claimants(self.importers, &media_type) == *before)
        };
        let importer = header.importer.as_ref().map(|importer| importer.digest);
        let mut matters = summary
            .handed_on
            .values()
            .any(|claimed| !claimed.is_empty());
        let mut is_disputed = false;
        let is_same = match self.importers {
            Importers::One(steer) => importer == Some(steer.identity().digest),
            // An image's layer is a tar archive, whatever it begins with.
            Importers::Registry(_) if task.is_layer() => {
                let claimants = claimants(self.importers, &task.media_type);
                importer.is_some_and(|importer| claimants.contains(&importer))
            }
            Importers::Registry(_) => {
                let mut head = || {
                    let mut content = StreamContent::open(self.repository, stream)?;
                    let mut head = vec![0; PROBE_HEAD];
                    let count = content.fill(&mut head)?;
                    head.truncate(count);
                    Ok(head)
                };
                let offers = task.offers(self.importers);
                match claim(self.importers, offers, &mut head).map_err(session)? {
                    // Whatever is said of it stays, be it that the same bytes were read as another
                    // type, or that what they decompress to was not understood.
                    None => true,
                    Some(claim) => {
                        is_disputed = claim.is_disputed;
                        let mut candidates = claim.candidates.iter();
                        let same =
                            candidates.find(|found| Some(found.identity().digest) == importer);
                        matters |= same.is_some_and(|importer| importer.needs_random());
                        same.is_some()
                    }
                }
            }
        };
        // One of a layer's entries also does for the same archive as a blob: it would stay in any case.
        let is_better = task.role() == Role::Blob
            && Rank::of(header.role, &summary.verdict) == Rank::ImportedLayer;
        let is_current = (header.role == task.role() || is_better)
            && !summary.limited
            && summary.handed_on.iter().all(asked);
        // Layers are never cut further than cfsctl expects.
        matters &= summary.verdict == Verdict::Imported && header.role == Role::Blob;
        let is_met = self
            .wish
            .is_met(self.parameters, &header.parameters, matters);
        Ok((is_same && is_current && is_met, is_disputed))
    }
}

/// What was found of what a blob decompresses to.
#[derive(Debug, Clone)]
pub(crate) struct LookedInside {
    pub(crate) wrapping: (MediaType, Compression),
    /// Its digest, where it was looked into before.
    pub(crate) content: Option<ContentDigest>,
    pub(crate) looked: Looked,
}

/// Whether a record says of this very stream that the blob was verified to hold it.
fn vouches(record: &Record, task: &Task<'_>, size: Option<u64>, stream: &VerityDigest) -> bool {
    let summary = &record.summary;
    summary.stream == *stream
        && summary.blobs.contains(&task.wanted.descriptor.digest)
        && size.is_none_or(|size| summary.size == size)
}

fn session(error: lazaret_engine::SessionError) -> IntakeError {
    match error.downcast::<lazaret_engine::EngineError>() {
        Ok(error) => (*error).into(),
        Err(error) => IntakeError::Session(error),
    }
}

/// The record of a content, if there is one that can be read.
pub(crate) fn record(
    repository: &Repository,
    content: &ContentDigest,
) -> Result<Option<Record>, IntakeError> {
    Ok(unless_damaged(find_record(repository, content))?.flatten())
}

/// What was found, none when it is damaged, or why nothing can be said.
pub(crate) fn unless_damaged<T>(
    found: Result<T, impl Into<GraphError>>,
) -> Result<Option<T>, IntakeError> {
    match found.map_err(Into::into) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_damage() => {
            tracing::warn!(%error, "damaged");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;

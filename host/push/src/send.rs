//! Sending what a plan holds: first the destination is asked what it has, then blobs go side by
//! side, then documents one after the other.
//!
//! Nothing is sent before it is known that everything can be: what is neither there nor stored as
//! it travels is all found first. A document is sent when all that it names is there.

use std::num::NonZeroUsize;

use lazaret_artifact::{ContentDigest, Descriptor, VerityDigest};
use lazaret_graph::names::Stream;
use lazaret_store::Repository;
use lazaret_transport::{BlobSource, Destination, TransportError};

use crate::content::{Content, StoredBlob};
use crate::error::PushError;
use crate::mount::Lenders;
use crate::options::Recompress;
use crate::parallel::{Stop, for_each};
use crate::plan::{Blob, Document, Plan};
use crate::progress::Event;
use crate::recompress::{RemadeBlob, remake};
use crate::rewrite::{self, Renamed, Renames};

/// From where to where, and how.
pub(crate) struct Sender<'a> {
    pub repository: &'a Repository,
    pub destination: &'a Destination,
    pub recompress: Option<Recompress>,
    pub jobs: NonZeroUsize,
    pub stop: &'a Stop,
    pub progress: &'a (dyn Fn(Event) + Sync),
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The destination had it.
    Present,
    /// The registry lent it from another repository.
    Mounted,
    /// So many bytes were sent.
    Sent(u64),
}

/// A blob at the destination, and its new name if it has one.
pub(crate) type Placed = (Outcome, Option<Renamed>);

/// What was asked of the destination.
pub(crate) struct Survey {
    /// For each blob of the plan, what is known before anything is sent.
    blobs: Vec<Option<Outcome>>,
    lenders: Lenders,
}

impl Sender<'_> {
    /// Asks what the destination has, and refuses what cannot be completed. `fixed` is the digest
    /// that the named document must not lose.
    ///
    /// # Errors
    /// [`PushError::Incomplete`], [`PushError::BytesNotKept`]; nothing was sent then.
    pub(crate) fn survey(
        &self,
        plan: &Plan,
        fixed: Option<ContentDigest>,
    ) -> Result<Survey, PushError> {
        let there = for_each(&plan.missing, self.jobs, self.stop, |_, document| {
            Ok(self.destination.has_document(document)?)
        })?;
        let missing = plan.missing.iter().zip(there);
        let missing: Vec<Descriptor> = missing
            .filter(|(_, there)| !there)
            .map(|(document, _)| document.clone())
            .collect();
        if !missing.is_empty() {
            return Err(PushError::Incomplete { missing });
        }
        let mut blobs = for_each(&plan.blobs, self.jobs, self.stop, |_, blob| {
            let there = self.destination.has_blob(&blob.descriptor)?;
            Ok(there.then_some(Outcome::Present))
        })?;
        let lenders = match blobs.contains(&None) {
            true => Lenders::find(self.repository, self.destination),
            false => Lenders::default(),
        };
        let mut lacking = Vec::new();
        for (number, blob) in plan.blobs.iter().enumerate() {
            if blobs[number].is_some() || matches!(blob.content, Content::Exact(_)) {
                continue;
            }
            if self.mount(number, blob, &lenders)? {
                blobs[number] = Some(Outcome::Mounted);
                continue;
            }
            match self.recompress {
                Some(how) if blob.can_become(how)? => {
                    if let Some(wanted) = fixed {
                        return Err(PushError::FixedDigest { wanted });
                    }
                }
                _ => lacking.push(blob.descriptor.clone()),
            }
        }
        if !lacking.is_empty() {
            return Err(PushError::BytesNotKept { layers: lacking });
        }
        self.tell(plan, &blobs);
        Ok(Survey { blobs, lenders })
    }

    fn tell(&self, plan: &Plan, known: &[Option<Outcome>]) {
        let wanted = plan.blobs.iter().zip(known).filter(|(_, k)| k.is_none());
        let (blobs, bytes) = wanted.fold((0, 0_u64), |(blobs, bytes), (blob, _)| {
            (blobs + 1, bytes.saturating_add(blob.descriptor.size))
        });
        (self.progress)(Event::Planned {
            documents: plan.documents.len(),
            blobs,
            bytes,
            present: plan.blobs.len() - blobs,
        });
        for (number, blob) in plan.blobs.iter().enumerate() {
            if known[number] == Some(Outcome::Present) {
                (self.progress)(Event::Present {
                    blob: number,
                    digest: blob.descriptor.digest,
                    size: blob.descriptor.size,
                });
            }
        }
    }

    fn mount(&self, number: usize, blob: &Blob, lenders: &Lenders) -> Result<bool, PushError> {
        let lent = lenders.mount(self.destination, &blob.descriptor, self.stop)?;
        let Some(from) = lent else {
            return Ok(false);
        };
        (self.progress)(Event::Mounted {
            blob: number,
            digest: blob.descriptor.digest,
            size: blob.descriptor.size,
            from,
        });
        Ok(true)
    }

    /// Sends the blobs that are not there; what became of each, in the plan's order.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn blobs(&self, plan: &Plan, survey: &Survey) -> Result<Vec<Placed>, PushError> {
        for_each(&plan.blobs, self.jobs, self.stop, |number, blob| {
            if let Some(known) = survey.blobs[number] {
                return Ok((known, None));
            }
            match (blob.content, self.recompress) {
                (Content::Exact(stream), _) => {
                    if self.mount(number, blob, &survey.lenders)? {
                        return Ok((Outcome::Mounted, None));
                    }
                    let source = StoredBlob::new(self.repository, stream, self.stop);
                    let sent = self.put(number, &blob.descriptor, &source);
                    match sent {
                        Ok(()) => Ok((Outcome::Sent(blob.descriptor.size), None)),
                        Err(error) => Err(self.blob_failed(blob, error, source)),
                    }
                }
                (Content::Unpacked { stream, diff_id }, Some(how)) => {
                    self.recompress(number, blob, (&stream, &diff_id), how)
                }
                // The survey refused it.
                (Content::Unpacked { .. }, None) => Err(PushError::BytesNotKept {
                    layers: vec![blob.descriptor.clone()],
                }),
            }
        })
    }

    /// Compresses a layer anew, which a stream holds unpacked, and sends that.
    fn recompress(
        &self,
        number: usize,
        blob: &Blob,
        (stream, diff_id): (&VerityDigest, &ContentDigest),
        how: Recompress,
    ) -> Result<Placed, PushError> {
        let old = blob.descriptor.digest;
        (self.progress)(Event::Recompressing {
            blob: number,
            digest: old,
        });
        let remade = remake(self.repository, stream, diff_id, &old, how, self.stop)?;
        let descriptor = Descriptor {
            media_type: rewrite::layer_type(&blob.descriptor.media_type, how.compression())
                .unwrap_or_else(|| blob.descriptor.media_type.clone()),
            digest: remade.digest,
            size: remade.size,
            ..blob.descriptor.clone()
        };
        let renamed = Renamed {
            digest: remade.digest,
            size: remade.size,
            compression: Some(how.compression()),
        };
        if renamed.digest != old {
            (self.progress)(Event::Renamed {
                old,
                new: renamed.digest,
            });
        }
        if self.destination.has_blob(&descriptor)? {
            (self.progress)(Event::Present {
                blob: number,
                digest: descriptor.digest,
                size: descriptor.size,
            });
            return Ok((Outcome::Present, Some(renamed)));
        }
        let source = RemadeBlob {
            remade: &remade,
            stop: self.stop,
        };
        let sent = self.put(number, &descriptor, &source);
        sent.map_err(|error| self.failed("blob", descriptor.digest, error))?;
        Ok((Outcome::Sent(remade.size), Some(renamed)))
    }

    fn put(
        &self,
        number: usize,
        descriptor: &Descriptor,
        source: &dyn BlobSource,
    ) -> Result<(), TransportError> {
        (self.progress)(Event::Started {
            blob: number,
            digest: descriptor.digest,
            size: descriptor.size,
        });
        let sent = |bytes| {
            (self.progress)(Event::Sent {
                blob: number,
                bytes,
            });
        };
        self.destination.put_blob(descriptor, source, &sent)?;
        (self.progress)(Event::Finished { blob: number });
        Ok(())
    }

    /// Sends the documents, those that name something renamed under new names. `tag` is for the
    /// one that was named; `renames` gains what they were renamed to.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn documents(
        &self,
        plan: &Plan,
        tag: Option<&str>,
        renames: &mut Renames,
    ) -> Result<(), PushError> {
        let last = plan.documents.len().saturating_sub(1);
        for (number, document) in plan.documents.iter().enumerate() {
            self.stop.check()?;
            let bytes = self.read(document)?;
            let edited = self.edit(document, &bytes, renames)?;
            let (descriptor, bytes) = match edited {
                None => (document.descriptor.clone(), bytes),
                Some(edited) => {
                    let renamed = Renamed {
                        digest: document.descriptor.digest.of_same_kind(&edited),
                        size: edited.len() as u64,
                        compression: None,
                    };
                    renames.insert(document.descriptor.digest, renamed);
                    (self.progress)(Event::Renamed {
                        old: document.descriptor.digest,
                        new: renamed.digest,
                    });
                    let descriptor = Descriptor {
                        digest: renamed.digest,
                        size: renamed.size,
                        ..document.descriptor.clone()
                    };
                    (descriptor, edited)
                }
            };
            let mut tags: Vec<Option<&str>> = document.tags.iter().map(|t| Some(&**t)).collect();
            if number == last {
                tags.push(tag);
            } else if tags.is_empty() {
                tags.push(None);
                // A subject's list may lack even what is there.
                if document.subject.is_none() && self.destination.has_document(&descriptor)? {
                    self.document_is_there(&descriptor, None, false);
                    continue;
                }
            }
            for tag in tags {
                let subject = document.subject.as_ref();
                self.destination
                    .put_document(&descriptor, &bytes, subject, tag)
                    .map_err(|error| self.failed(noun(document), descriptor.digest, error))?;
                self.document_is_there(&descriptor, tag, true);
            }
        }
        Ok(())
    }

    fn document_is_there(&self, descriptor: &Descriptor, tag: Option<&str>, sent: bool) {
        (self.progress)(Event::Document {
            digest: descriptor.digest,
            tag: tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
            sent,
        });
    }

    fn read(&self, document: &Document) -> Result<Vec<u8>, PushError> {
        // It was read for the plan and was no longer than a document may be.
        let bytes = match document.stream {
            Stream::Index(digest) => lazaret_graph::load_index(self.repository, &digest)?.bytes,
            _ => {
                let digest = document.descriptor.digest;
                lazaret_graph::load_manifest(self.repository, &digest)?.manifest_bytes
            }
        };
        Ok(bytes)
    }

    fn edit(
        &self,
        document: &Document,
        bytes: &[u8],
        renames: &Renames,
    ) -> Result<Option<Vec<u8>>, PushError> {
        if renames.is_empty() {
            return Ok(None);
        }
        let edited = match document.stream {
            Stream::Index(_) => rewrite::index(bytes, renames),
            _ => rewrite::manifest(bytes, renames),
        };
        edited.map_err(|source| PushError::Edit {
            digest: document.descriptor.digest,
            source,
        })
    }

    /// Why a stored blob was not sent: the request to stop, the repository, or the destination.
    fn blob_failed(&self, blob: &Blob, error: TransportError, source: StoredBlob<'_>) -> PushError {
        let digest = blob.descriptor.digest;
        if let Some(source) = source.into_fault() {
            return PushError::Read { digest, source };
        }
        match error {
            // The transport compares what it reads here with what the manifest says.
            TransportError::Mismatch {
                what,
                digest: about,
                expected,
                found,
            } if about == digest => PushError::Damaged {
                digest,
                what,
                expected,
                found,
            },
            error => self.failed("blob", digest, error),
        }
    }

    fn failed(
        &self,
        what: &'static str,
        digest: ContentDigest,
        source: TransportError,
    ) -> PushError {
        match self.stop.check() {
            Err(interrupted) => interrupted,
            Ok(()) => PushError::Send {
                what,
                digest,
                source,
            },
        }
    }
}

const fn noun(document: &Document) -> &'static str {
    match document.stream {
        Stream::Index(_) => "index",
        _ => "manifest",
    }
}

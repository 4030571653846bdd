//! One blob in: opened, fed, steered, recorded, compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use lazaret_artifact::media_type::OCI_TAR;
use lazaret_artifact::record::{Header, RECORD_VERSION, Role, Summary, Verdict};
use lazaret_artifact::{Compression, ContentDigest, Descriptor, MediaType, VerityDigest};
use lazaret_engine::{Ended, Fault, Importer, Offer, Policy, Probe, Report, Run, Session, Steer};
use lazaret_graph::RecordWriter;
use lazaret_store::{ContentType, Repository};
use lazaret_transport::{Blob, Source};

use crate::buffers::Buffers;
use crate::error::{BlobFault, IntakeError};
use crate::feed::Feed;
use crate::limits::CHUNKS_AHEAD;
use crate::objects::Counter;
use crate::options::{Importers, OnFault, PullOptions};
use crate::recorder::{ObjectCounts, Recorder};
use crate::reuse;
use crate::tape::{CutOff, Recording, Tape, record_fault};

/// Bytes of a blob an importer may see before it decides whether to take it.
const PROBE_HEAD: usize = lazaret_engine::budget::PROBE_HEAD;

/// The file that a blob is all of, if it is one.
fn whole_file(blob: &Blob) -> Option<&std::fs::File> {
    blob.file_unverified()
        .filter(|region| region.offset == 0)
        .map(|region| region.file)
}

/// A blob to import.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) descriptor: Descriptor,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A container layer, and what it must decompress to.
    Layer {
        compression: Compression,
        diff_id: ContentDigest,
    },
    /// Anything else.
    Blob,
}

impl Wanted {
    /// The digest of the bytes that are recorded.
    pub(crate) const fn content(&self) -> ContentDigest {
        match self.kind {
            Kind::Layer { diff_id, .. } => diff_id,
            Kind::Blob => self.descriptor.digest,
        }
    }

    pub(crate) const fn compression(&self) -> Compression {
        match self.kind {
            Kind::Layer { compression, .. } => compression,
            Kind::Blob => Compression::None,
        }
    }

    pub(crate) const fn content_type(&self) -> ContentType {
        match self.kind {
            Kind::Layer { .. } => ContentType::LAYER,
            Kind::Blob => ContentType::BLOB,
        }
    }

    /// What it is taken for.
    pub(crate) const fn role(&self) -> Role {
        match self.kind {
            Kind::Layer { .. } => Role::Layer,
            Kind::Blob => Role::Blob,
        }
    }

    /// What importers are offered.
    pub(crate) fn offered_as(&self) -> MediaType {
        match self.kind {
            Kind::Layer { .. } => OCI_TAR.parse().expect("a valid media type"),
            Kind::Blob => self.descriptor.media_type.clone(),
        }
    }

    /// The word for it in messages.
    pub(crate) const fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Layer { .. } => "layer",
            Kind::Blob => "blob",
        }
    }
}

/// A blob that was imported: verified and stored, without a name yet.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    pub(crate) size: u64,
    pub(crate) report: Report,
    pub(crate) counts: ObjectCounts,
    pub(crate) opaque: Option<String>,
}

/// What all imports of one pull share.
pub(crate) struct Desk<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) source: &'a Source,
    pub(crate) importers: &'a Importers<'a>,
    pub(crate) options: &'a PullOptions,
    pub(crate) counter: Counter,
    /// Set when another blob of the same pull failed.
    pub(crate) abort: &'a AtomicBool,
    pub(crate) artifact_type: Option<MediaType>,
    pub(crate) config_media_type: MediaType,
}

/// How one attempt at a blob is made.
enum Attempt {
    /// Importers are asked.
    Import,
    /// It is kept as one object.
    Opaque(Verdict),
}

/// How an attempt ended, when it did not succeed.
enum Failure {
    /// For good.
    Fault(BlobFault),
    /// The importer failed; the blob itself is what it claims to be.
    Importer(String, Fault),
}

impl From<BlobFault> for Failure {
    fn from(fault: BlobFault) -> Self {
        Self::Fault(fault)
    }
}

impl Desk<'_> {
    /// Imports one blob.
    pub(crate) fn import(
        &self,
        wanted: &Wanted,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, BlobFault> {
        let refuse =
            matches!(wanted.kind, Kind::Layer { .. }) && self.options.on_fault == OnFault::Refuse;
        match self.attempt(wanted, &Attempt::Import, on_read) {
            Ok(imported) => Ok(imported),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Importer(importer, fault)) if refuse => {
                Err(BlobFault::Importer { importer, fault })
            }
            Err(Failure::Importer(importer, fault)) => {
                tracing::warn!(blob = %wanted.descriptor.digest, importer, %fault, "kept whole");
                let verdict = Verdict::Faulted(format!("{importer}: {fault}"));
                self.attempt(wanted, &Attempt::Opaque(verdict), &|_| {})
                    .map_err(|failure| match failure {
                        Failure::Fault(fault) => fault,
                        Failure::Importer(importer, fault) => {
                            BlobFault::Importer { importer, fault }
                        }
                    })
            }
        }
    }

    fn attempt(
        &self,
        wanted: &Wanted,
        attempt: &Attempt,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, Failure> {
        let blob = self.source.open_blob(&wanted.descriptor).map_err(host)?;
        if wanted.compression() == Compression::None && blob.size() > self.options.limits.size {
            return Err(BlobFault::TooLarge {
                limit: self.options.limits.size,
            }
            .into());
        }
        let same_algorithm = wanted.content().algorithm() == wanted.descriptor.digest.algorithm();
        let plain = wanted.compression() == Compression::None;
        let hashed_later = plain && same_algorithm && whole_file(&blob).is_some();
        let cancel = [&*self.options.cancel, self.abort];
        let feed = Feed {
            compression: wanted.compression(),
            hashed_later,
            limits: self.options.limits,
            cancel: &cancel,
            on_read,
        };
        let buffers = Buffers::new();
        let (sender, receiver) = bounded(CHUNKS_AHEAD);
        let complete = Arc::new(AtomicBool::new(false));
        let tape = self.tape(wanted, &blob, receiver, &complete)?;
        thread::scope(|scope| {
            let feeding = thread::Builder::new()
                .name("lazaret-feed".to_owned())
                .spawn_scoped(scope, || {
                    let result = feed.run(blob, &buffers, &sender);
                    if result.is_ok() {
                        complete.store(true, Ordering::Release);
                    }
                    drop(sender);
                    result
                })
                .map_err(|error| host(IntakeError::Thread(error)))?;
            let steered = self.steer(wanted, attempt, tape, hashed_later);
            let fed = feeding.join().unwrap_or_else(|_| Err(BlobFault::Rebuild));
            // A blob that is not what its digest promised explains whatever else went wrong.
            fed?;
            steered
        })
    }

    fn tape(
        &self,
        wanted: &Wanted,
        blob: &Blob,
        receiver: crossbeam_channel::Receiver<bytes::Bytes>,
        complete: &Arc<AtomicBool>,
    ) -> Result<Tape, BlobFault> {
        let recorder = Recorder::new(
            self.repository,
            self.counter.clone(),
            wanted.content_type(),
            wanted.content().algorithm(),
        )
        .map_err(host)?;
        let plain = wanted.compression() == Compression::None;
        let file = match whole_file(blob) {
            Some(file) if plain => file.try_clone().ok(),
            _ => None,
        };
        let size = plain.then(|| blob.size());
        Ok(Tape::new(
            receiver,
            Arc::clone(complete),
            size,
            file,
            recorder,
        ))
    }

    /// The second stage, on this thread. Consumes the tape, so that the feed notices.
    fn steer(
        &self,
        wanted: &Wanted,
        attempt: &Attempt,
        mut tape: Tape,
        hashed_here: bool,
    ) -> Result<Imported, Failure> {
        let offer = self.offer(wanted);
        let candidates = match attempt {
            Attempt::Opaque(_) => Vec::new(),
            Attempt::Import => self.candidates(&offer, &mut tape)?,
        };
        let mut tape = Box::new(tape);
        for importer in &candidates {
            let identity = importer.identity();
            tape.begin_record(self.record(wanted, &offer, Some(importer.as_ref()))?);
            let Run { session, result } = importer.ingest(&offer, tape);
            tape = (session as Box<dyn std::any::Any>)
                .downcast()
                .expect("the engine gives back the session it was given");
            match result {
                Ok(report) => return self.finish(wanted, *tape, report, Verdict::Imported),
                Err(Ended::Declined(reason)) if tape.position() == 0 => {
                    tracing::debug!(importer = identity.name, reason, "declined");
                }
                Err(ended) => {
                    return Err(self.failure(wanted, *tape, ended, identity, hashed_here));
                }
            }
        }
        let verdict = match attempt {
            Attempt::Opaque(verdict) => verdict.clone(),
            Attempt::Import => {
                let refuse = matches!(wanted.kind, Kind::Layer { .. })
                    && self.options.on_fault == OnFault::Refuse;
                if refuse {
                    return Err(BlobFault::Unclaimed {
                        media_type: offer.media_type.to_string(),
                    }
                    .into());
                }
                Verdict::Opaque
            }
        };
        tape.begin_record(self.record(wanted, &offer, None)?);
        tape.keep(u64::MAX, lazaret_engine::Storage::Object)
            .map_err(session_fault)?;
        self.finish(wanted, *tape, Report::default(), verdict)
    }

    /// Who is asked, best first: those that are sure, then those that are not.
    fn candidates(&self, offer: &Offer, tape: &mut Tape) -> Result<Vec<Arc<dyn Steer>>, BlobFault> {
        let registry = match self.importers {
            Importers::One(steer) => return Ok(vec![Arc::clone(steer)]),
            Importers::Registry(registry) => registry,
        };
        let claiming = registry.claiming(&offer.media_type).map_err(host)?;
        if claiming.is_empty() {
            return Ok(Vec::new());
        }
        let head = tape.peek(PROBE_HEAD).map_err(session_fault)?;
        let mut rated: Vec<(Probe, Arc<Importer>)> = Vec::new();
        for importer in claiming {
            match importer.probe(offer, head) {
                Ok(Probe::No) => {}
                Ok(answer) => rated.push((answer, importer)),
                Err(fault) => {
                    let identity = importer.identity();
                    tracing::warn!(importer = identity.name, %fault, "failed to probe");
                }
            }
        }
        rated.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
        Ok(rated
            .into_iter()
            .map(|(_, importer)| importer as Arc<dyn Steer>)
            .collect())
    }

    fn offer(&self, wanted: &Wanted) -> Offer {
        let is_layer = matches!(wanted.kind, Kind::Layer { .. });
        Offer {
            media_type: wanted.offered_as(),
            artifact_type: self.artifact_type.clone(),
            config_media_type: Some(self.config_media_type.clone()),
            size: (wanted.compression() == Compression::None).then_some(wanted.descriptor.size),
            travelling_size: wanted.descriptor.size,
            annotations: wanted.descriptor.annotations.clone(),
            parameters: self.options.parameters.clone(),
            policy: if is_layer {
                Policy::LAYER
            } else {
                Policy::STRICT
            },
            fact_namespaces: Vec::new(),
        }
    }

    fn record(
        &self,
        wanted: &Wanted,
        offer: &Offer,
        importer: Option<&dyn Steer>,
    ) -> Result<RecordWriter, BlobFault> {
        let header = Header {
            record_version: RECORD_VERSION,
            content: wanted.content(),
            role: wanted.role(),
            media_type: offer.media_type.clone(),
            importer: importer.map(|importer| importer.identity().clone()),
            parameters: offer.parameters.clone(),
        };
        RecordWriter::new(self.repository, &header).map_err(host)
    }

    /// Everything went through: compares digests and ends stream and record.
    fn finish(
        &self,
        wanted: &Wanted,
        tape: Tape,
        report: Report,
        verdict: Verdict,
    ) -> Result<Imported, Failure> {
        let (recorder, record) = tape.into_parts();
        let recorded = recorder.finish().map_err(record_fault)?;
        compare(wanted, recorded.digest)?;
        let settled = reuse::settle(self.repository, wanted, &recorded, &verdict).map_err(host)?;
        let opaque = match &verdict {
            Verdict::Imported | Verdict::Opaque => None,
            Verdict::Faulted(reason) => Some(reason.clone()),
        };
        let record = match settled.better_record {
            Some(record) => record,
            None => {
                let mut blobs = settled.blobs;
                if !blobs.contains(&wanted.descriptor.digest) {
                    blobs.push(wanted.descriptor.digest);
                }
                let summary = Summary {
                    stream: settled.stream,
                    size: recorded.size,
                    blobs,
                    entries: report.entries,
                    facts: report.facts,
                    fuel: report.fuel,
                    verdict,
                };
                let record = record.ok_or(BlobFault::Rebuild)?;
                record.finish(summary).map_err(host)?.stream
            }
        };
        if self.options.verify_stored && !reuse::rebuilds(self.repository, wanted, &settled.stream)
        {
            return Err(BlobFault::Rebuild.into());
        }
        Ok(Imported {
            stream: settled.stream,
            record,
            size: recorded.size,
            report,
            counts: recorded.counts,
            opaque,
        })
    }

    fn failure(
        &self,
        wanted: &Wanted,
        mut tape: Tape,
        ended: Ended,
        identity: &lazaret_artifact::record::ImporterIdentity,
        hashed_here: bool,
    ) -> Failure {
        let fault = match ended {
            Ended::Session(error) => return session_fault(error).into(),
            Ended::Fault(fault) => fault,
            Ended::Declined(reason) => Fault::new(
                lazaret_engine::FaultKind::Argument,
                format!("declined after it had begun: {reason}"),
            ),
        };
        if hashed_here {
            if !tape.drain() {
                return BlobFault::Rebuild.into();
            }
            let (recorder, _) = tape.into_parts();
            if let Err(mismatch) = compare(wanted, recorder.into_digest()) {
                return mismatch.into();
            }
        }
        Failure::Importer(format!("{} {}", identity.name, identity.version), fault)
    }
}

/// Compares what was recorded with what was promised.
fn compare(wanted: &Wanted, found: ContentDigest) -> Result<(), BlobFault> {
    let blob = wanted.descriptor.digest;
    let mismatch = |what, expected| {
        Err(BlobFault::Mismatch {
            what,
            expected,
            found,
        })
    };
    match wanted.kind {
        Kind::Blob if found != blob => mismatch("blob digest", blob),
        Kind::Layer {
            compression: Compression::None,
            ..
        } if found.algorithm() == blob.algorithm() && found != blob => {
            mismatch("blob digest", blob)
        }
        Kind::Layer { diff_id, .. } if found != diff_id => mismatch("diff_id", diff_id),
        _ => Ok(()),
    }
}

fn host(error: impl Into<IntakeError>) -> BlobFault {
    BlobFault::Host(Box::new(error.into()))
}

/// Unwraps what the tape wrapped to get it through the engine.
fn session_fault(error: lazaret_engine::SessionError) -> BlobFault {
    match error.downcast::<Recording>() {
        Ok(recording) => recording.0,
        Err(error) if error.is::<CutOff>() => {
            // The feed's own error takes its place.
            host(IntakeError::Interrupted)
        }
        Err(error) => match error.downcast::<lazaret_graph::GraphError>() {
            Ok(error) => host(*error),
            Err(error) => host(IntakeError::Session(error)),
        },
    }
}

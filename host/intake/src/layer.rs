//! One blob in: opened, fed, steered, recorded, compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use lazaret_artifact::record::{Header, RECORD_VERSION, Summary, Verdict};
use lazaret_artifact::{Compression, ContentDigest, VerityDigest};
use lazaret_engine::{Ended, Fault, Offer, Report, Run, Session, Steer};
use lazaret_graph::RecordWriter;
use lazaret_store::{ClonedFile, Repository};
use lazaret_transport::Source;

use crate::buffers::Buffers;
use crate::error::{BlobFault, IntakeError};
use crate::feed::Feed;
use crate::keep::{self, Kept, Tee};
use crate::limits::{Allowance, CHUNKS_AHEAD, PARTS_WAITING};
use crate::objects::{Counter, Part};
use crate::opened::{self, Opened, Reading, Region};
use crate::options::{Importers, OnFault, PullOptions};
use crate::plan::{Kind, Wanted};
use crate::recorder::{ObjectCounts, Recorder};
use crate::reuse::{self, Rank};
use crate::tape::{CutOff, Recording, Tape, record_fault};

/// A blob that was imported: verified and stored, without a name yet.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub(crate) stream: VerityDigest,
    pub(crate) record: VerityDigest,
    /// The blobs that this record names.
    pub(crate) blobs: Vec<ContentDigest>,
    pub(crate) rank: Rank,
    /// Compressed bytes, where they were to be kept.
    pub(crate) kept: Option<Kept>,
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
    /// What all blobs together may still become.
    pub(crate) allowance: Allowance,
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
    /// Imports one blob; with `keep` its compressed bytes, too.
    pub(crate) fn import(
        &self,
        wanted: &Wanted,
        keep: bool,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, BlobFault> {
        let refuse =
            matches!(wanted.kind, Kind::Layer { .. }) && self.options.on_fault == OnFault::Refuse;
        match self.attempt(wanted, &Attempt::Import, keep, on_read) {
            Ok(imported) => Ok(imported),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Importer(importer, fault)) if refuse => {
                Err(BlobFault::Importer { importer, fault })
            }
            Err(Failure::Importer(importer, fault)) => {
                tracing::warn!(blob = %wanted.descriptor.digest, importer, %fault, "kept whole");
                let verdict = Verdict::Faulted(format!("{importer}: {fault}"));
                self.attempt(wanted, &Attempt::Opaque(verdict), keep, &|_| {})
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
        keep: bool,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, Failure> {
        if !wanted.is_compressed() && wanted.descriptor.size > self.options.limits.size {
            return Err(BlobFault::TooLarge {
                limit: self.options.limits.size,
            }
            .into());
        }
        // A clone is of use for what may be kept as one object: a blob, or what travelled.
        let whole = !wanted.is_wrapped()
            && (wanted.kind == Kind::Blob || matches!(attempt, Attempt::Opaque(_)));
        let keep = keep && wanted.is_wrapped();
        let place = (whole || keep).then_some(self.repository);
        let Opened {
            reading,
            random,
            clone,
        } = opened::open(self.source, wanted, place)?;
        let hashed_here = matches!(reading, Reading::Plain(..));
        let (clone, kept_clone) = match keep {
            true => (None, clone),
            false => (clone, None),
        };
        let cancel = [&*self.options.cancel, self.abort];
        let feed = Feed {
            compression: wanted.compression(),
            limits: self.options.limits,
            allowance: &self.allowance,
            cancel: &cancel,
            on_read,
        };
        let buffers = Buffers::new();
        let (sender, receiver) = bounded(CHUNKS_AHEAD);
        let complete = Arc::new(AtomicBool::new(false));
        let tape = self.tape(wanted, random, receiver, &complete)?;
        thread::scope(|scope| {
            let (reading, keeping) = match (keep, reading) {
                (true, Reading::Checked(blob)) => {
                    // A thread of its own: one of the pool's would wait for this blob to its end.
                    let (parts, copied) = bounded(PARTS_WAITING);
                    let thread = thread::Builder::new()
                        .name("lazaret-keep".to_owned())
                        .spawn_scoped(scope, move || {
                            keep::store(self.repository, kept_clone, &copied)
                        })
                        .map_err(|error| host(IntakeError::Thread(error)))?;
                    let tee = Tee::new(blob, parts.clone());
                    (Reading::Checked(Box::new(tee)), Some((thread, parts)))
                }
                (_, reading) => (reading, None),
            };
            let feeding = thread::Builder::new()
                .name("lazaret-feed".to_owned())
                .spawn_scoped(scope, || {
                    let result = feed.run(reading, &buffers, &sender);
                    if result.is_ok() {
                        complete.store(true, Ordering::Release);
                    }
                    drop(sender);
                    result
                })
                .map_err(|error| host(IntakeError::Thread(error)))?;
            let steered = self.steer(wanted, attempt, tape, clone, hashed_here);
            let fed = feeding.join().unwrap_or_else(|_| Err(BlobFault::Rebuild));
            // A blob that is not what its digest promised explains whatever else went wrong.
            fed?;
            let mut imported = steered?;
            if let Some((thread, parts)) = keeping {
                // All of it has been read and is what was promised.
                let _ = parts.send(Part::End);
                drop(parts);
                let kept = thread.join().map_err(|_| BlobFault::Rebuild)?;
                imported.kept = kept.map_err(host)?;
                if imported.kept.is_none() {
                    return Err(BlobFault::Rebuild.into());
                }
            }
            Ok(imported)
        })
    }

    fn tape(
        &self,
        wanted: &Wanted,
        random: Option<Region>,
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
        let size = (!wanted.is_compressed()).then_some(wanted.descriptor.size);
        Ok(Tape::new(
            receiver,
            Arc::clone(complete),
            size,
            random,
            recorder,
        ))
    }

    /// The second stage, on this thread. Consumes the tape, so that the feed notices.
    fn steer(
        &self,
        wanted: &Wanted,
        attempt: &Attempt,
        mut tape: Tape,
        clone: Option<Box<ClonedFile>>,
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
        tape.keep_whole(clone).map_err(session_fault)?;
        self.finish(wanted, *tape, Report::default(), verdict)
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
        let mut blobs = settled.blobs;
        let (record, rank) = match settled.better_record {
            Some((record, rank)) => (record, rank),
            None => {
                if !blobs.contains(&wanted.descriptor.digest) {
                    blobs.push(wanted.descriptor.digest);
                }
                let rank = Rank::of(wanted.role(), &verdict);
                let summary = Summary {
                    stream: settled.stream,
                    size: recorded.size,
                    blobs: blobs.clone(),
                    entries: report.entries,
                    facts: report.facts,
                    fuel: report.fuel,
                    verdict,
                    severity: None,
                    handed_on: std::collections::BTreeMap::new(),
                };
                let record = record.ok_or(BlobFault::Rebuild)?;
                (record.finish(summary).map_err(host)?.stream, rank)
            }
        };
        let is_whole = || reuse::rebuilds(self.repository, &wanted.content(), &settled.stream);
        if self.options.verify_stored && !is_whole() {
            return Err(BlobFault::Rebuild.into());
        }
        Ok(Imported {
            stream: settled.stream,
            record,
            blobs,
            rank,
            kept: None,
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
pub(crate) fn session_fault(error: lazaret_engine::SessionError) -> BlobFault {
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

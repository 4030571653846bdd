//! One blob in: opened, fed, steered, recorded, compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use lazaret_artifact::record::{Header, ImporterIdentity, RECORD_VERSION, Summary, Verdict};
use lazaret_artifact::{Compression, ContentDigest, DigestAlgorithm};
use lazaret_engine::{Ended, Fault, Offer, Run, Session, Steer};
use lazaret_graph::RecordWriter;

use crate::buffers::Buffers;
use crate::candidates::claim;
use crate::cuts::TooManyCuts;
use crate::desk::{Attempt, Desk, Failure, Imported};
use crate::error::{BlobFault, IntakeError};
use crate::feed::Feed;
use crate::handover::Handover;
use crate::keep::{self, Tee};
use crate::limits::{CHUNKS_AHEAD, PARTS_WAITING, PROBE_HEAD};
use crate::lines::Lines;
use crate::objects::Part;
use crate::opened::{self, Opened, Random, Reading};
use crate::options::Split;
use crate::pieces::{CutOff, Pieces};
use crate::plan::{Kind, Wanted};
use crate::reads::{Reads, TooManyReads};
use crate::recorder::Recorder;
use crate::reuse::Rank;
use crate::settle::{add_findings, rebuilds, settle};
use crate::sheet::Sheet;
use crate::tape::{Recording, Tape, record_fault};
use crate::task::{From, Task};

/// What an importer that reads at random made of a blob before any of it was kept.
enum First {
    Read { sheet: Box<Sheet>, fuel: u64 },
    Declined,
    Fault(Fault),
}

/// What is to be recorded of a blob that went through.
struct Ending<'a> {
    verdict: Verdict,
    /// Who said it.
    importer: Option<&'a ImporterIdentity>,
    fuel: u64,
    /// To be compared with what was kept.
    reads: Option<Reads>,
}

impl Desk<'_> {
    /// One attempt. None when nobody takes what a blob decompresses to.
    pub(crate) fn attempt(
        &self,
        task: &Task<'_>,
        attempt: &Attempt,
        keep: bool,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<Imported>, Failure> {
        let wanted = task.wanted;
        if task
            .size()
            .is_some_and(|size| size > self.options.limits.size)
        {
            return Err(BlobFault::TooLarge {
                limit: self.options.limits.size,
            }
            .into());
        }
        // A clone is of use for what may be kept as one object: a blob, or what travelled.
        let whole = !wanted.is_wrapped()
            && (wanted.kind == Kind::Blob || matches!(attempt, Attempt::Opaque(..)));
        let keep = keep && wanted.is_wrapped() && task.from == From::Source;
        let place = (whole || keep).then_some(self.repository);
        let Opened {
            reading,
            random,
            clone,
        } = opened::open(self.source, self.repository, task, place)?;
        let hashed_here = matches!(reading, Reading::Plain(..));
        let (clone, kept_clone) = match keep {
            true => (None, clone),
            false => (clone, None),
        };
        let cancel = [&*self.options.cancel, self.abort];
        let feed = Feed {
            compression: task.compression,
            limits: self.options.limits,
            allowance: &self.allowance,
            cancel: &cancel,
            on_read,
        };
        let buffers = Buffers::new();
        let (sender, receiver) = bounded(CHUNKS_AHEAD);
        let complete = Arc::new(AtomicBool::new(false));
        let tape = Tape::new(
            self.repository,
            Pieces::feed(receiver, Arc::clone(&complete)),
            task.size(),
            clone,
            self.recorder(task)?,
            Arc::clone(&self.options.cancel),
        );
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
            let steered = self.steer(task, attempt, tape, random, hashed_here);
            let fed = feeding.join().unwrap_or_else(|_| Err(BlobFault::Rebuild));
            // A blob that is not what its digest promised explains whatever else went wrong.
            fed?;
            let mut imported = steered?;
            if let Some((thread, parts)) = keeping {
                // All of it has been read and is what was promised.
                let _ = parts.send(Part::End);
                drop(parts);
                let kept = thread.join().map_err(|_| BlobFault::Rebuild)?;
                let kept = kept.map_err(host)?.ok_or(BlobFault::Rebuild)?;
                if let Some(imported) = &mut imported {
                    imported.kept = Some(kept);
                }
            }
            Ok(imported)
        })
    }

    fn recorder(&self, task: &Task<'_>) -> Result<Recorder, BlobFault> {
        let algorithm = task
            .content
            .map_or(DigestAlgorithm::Sha256, |content| content.algorithm());
        Recorder::new(
            self.repository,
            self.counter.clone(),
            task.content_type(),
            algorithm,
        )
        .map_err(host)
    }

    /// The second stage, on this thread. Consumes the tape, so that the feed notices.
    fn steer(
        &self,
        task: &Task<'_>,
        attempt: &Attempt,
        mut tape: Tape,
        random: Option<Random>,
        hashed_here: bool,
    ) -> Result<Option<Imported>, Failure> {
        let claim = match attempt {
            Attempt::Opaque(..) => None,
            Attempt::Import => {
                let mut head = || tape.peek(PROBE_HEAD).map(<[u8]>::to_vec);
                let offers = task.offers(self.importers);
                claim(self.importers, offers, &mut head).map_err(session_fault)?
            }
        };
        let (offer, candidates, is_disputed) = match claim {
            Some(claim) => (Some(claim.offer), claim.candidates, claim.is_disputed),
            None => (None, Vec::new(), false),
        };
        let mut random = random;
        let mut tape = Box::new(tape);
        let told = |mut imported: Imported| {
            imported.noted.is_disputed = is_disputed;
            Some(imported)
        };
        for importer in &candidates {
            let Some(mut offer) = offer.clone() else {
                break;
            };
            let identity = importer.identity();
            offer.fact_namespaces = importer.fact_namespaces().to_vec();
            if importer.needs_random() {
                if random.is_none() {
                    let (region, size) = tape.spool().map_err(session_fault)?;
                    random = Some(Random {
                        region,
                        size,
                        may_change: false,
                    });
                }
                let Some(file) = &random else { continue };
                offer.size = Some(file.size);
                match self.read_first(task, &offer, importer.as_ref(), file)? {
                    First::Declined => continue,
                    First::Read { mut sheet, fuel } => {
                        let result = Ending {
                            verdict: Verdict::Imported,
                            importer: Some(identity),
                            fuel,
                            reads: sheet.take_reads(),
                        };
                        let Sheet { cuts, lines, .. } = *sheet;
                        tape.begin(lines, None);
                        tape.keep_cuts(&cuts).map_err(session_fault)?;
                        return self.finish(task, *tape, result).map(told);
                    }
                    First::Fault(fault) if task.is_required(self.options) || task.is_inside => {
                        let ended = Ended::Fault(fault);
                        return Err(self.failure(task, *tape, ended, identity, hashed_here));
                    }
                    First::Fault(fault) => {
                        // Nothing has been kept so far: all of it is now, in the same go.
                        let digest = task.wanted.descriptor.digest;
                        let importer = crate::desk::called(identity);
                        tracing::info!(blob = %digest, importer, %fault, "kept whole");
                        let is_limit = fault.kind.is_limit();
                        let verdict = Verdict::Faulted(format!("{importer}: {fault}"));
                        return self
                            .keep_whole(task, *tape, verdict, Some(identity), is_limit)
                            .map(told);
                    }
                }
            }
            let handover = self.handover(&offer);
            tape.begin(self.lines(task, Some(identity))?, Some(handover));
            let Run {
                session, result, ..
            } = importer.ingest(&offer, tape);
            tape = (session as Box<dyn std::any::Any>)
                .downcast()
                .expect("the engine gives back the session it was given");
            match result {
                Ok(report) => {
                    let result = Ending {
                        verdict: Verdict::Imported,
                        importer: Some(identity),
                        fuel: report.fuel,
                        reads: None,
                    };
                    return self.finish(task, *tape, result).map(told);
                }
                Err(Ended::Declined(reason)) if tape.position() == 0 => {
                    tracing::debug!(importer = identity.name, reason, "declined");
                }
                Err(ended) => {
                    return Err(self.failure(task, *tape, ended, identity, hashed_here));
                }
            }
        }
        if task.is_inside {
            return Ok(None);
        }
        let (verdict, importer, is_limit) = match attempt {
            Attempt::Opaque(verdict, importer, is_limit) => {
                (verdict.clone(), importer.as_ref(), *is_limit)
            }
            Attempt::Import if task.is_required(self.options) => {
                return Err(BlobFault::Unclaimed {
                    media_type: task.media_type.to_string(),
                }
                .into());
            }
            Attempt::Import => (Verdict::Opaque, None, false),
        };
        self.keep_whole(task, *tape, verdict, importer, is_limit)
            .map(told)
    }

    /// Keeps all of a blob as one object, of which nothing is said.
    fn keep_whole(
        &self,
        task: &Task<'_>,
        mut tape: Tape,
        verdict: Verdict,
        importer: Option<&ImporterIdentity>,
        is_limit: bool,
    ) -> Result<Imported, Failure> {
        let mut lines = self.lines(task, importer)?;
        lines.noted.is_limited = is_limit;
        tape.begin(lines, None);
        tape.keep_whole().map_err(session_fault)?;
        let result = Ending {
            verdict,
            importer,
            fuel: 0,
            reads: None,
        };
        self.finish(task, tape, result)
    }

    /// Has an importer read a file before any of it is kept.
    fn read_first(
        &self,
        task: &Task<'_>,
        offer: &Offer,
        importer: &dyn Steer,
        file: &Random,
    ) -> Result<First, BlobFault> {
        let lines = self.lines(task, Some(importer.identity()))?;
        let handover = self.handover(offer);
        let mut sheet = Sheet::new(file.region.clone(), file.size, lines, handover);
        if file.may_change {
            sheet = sheet.watched();
        }
        let Run {
            session, result, ..
        } = importer.ingest(offer, Box::new(sheet));
        let mut sheet: Box<Sheet> = (session as Box<dyn std::any::Any>)
            .downcast()
            .expect("the engine gives back the session it was given");
        match result {
            Ok(report) => {
                sheet.hand_on().map_err(session_fault)?;
                let fuel = report.fuel;
                Ok(First::Read { sheet, fuel })
            }
            Err(Ended::Declined(reason)) => {
                tracing::debug!(importer = importer.identity().name, reason, "declined");
                Ok(First::Declined)
            }
            Err(Ended::Fault(fault)) => Ok(First::Fault(fault)),
            Err(Ended::Session(error))
                if error.is::<TooManyCuts>() || error.is::<TooManyReads>() =>
            {
                let fault = Fault::new(lazaret_engine::FaultKind::Output, error.to_string());
                Ok(First::Fault(fault))
            }
            Err(Ended::Session(error)) => Err(session_fault(error)),
        }
    }

    fn handover(&self, offer: &Offer) -> Handover {
        Handover::new(
            self.importers,
            self.repository,
            &offer.parameters,
            offer.travelling_size,
        )
    }

    /// Where what is said of a blob goes: a record, unless nobody knows yet of what.
    fn lines(
        &self,
        task: &Task<'_>,
        importer: Option<&ImporterIdentity>,
    ) -> Result<Lines, BlobFault> {
        Ok(match task.content {
            Some(content) => Lines::record(self.record(task, content, importer)?),
            None => Lines::spool(self.repository),
        })
    }

    fn record(
        &self,
        task: &Task<'_>,
        content: ContentDigest,
        importer: Option<&ImporterIdentity>,
    ) -> Result<RecordWriter, BlobFault> {
        let mut parameters = task.parameters.clone();
        if importer.is_none() {
            // Nobody was told how to cut.
            parameters.remove(Split::PARAMETER);
        }
        let header = Header {
            record_version: RECORD_VERSION,
            content,
            role: task.role(),
            media_type: task.media_type.clone(),
            importer: importer.cloned(),
            parameters,
        };
        RecordWriter::new(self.repository, &header).map_err(host)
    }

    /// Everything went through: compares digests and ends stream and record.
    fn finish(&self, task: &Task<'_>, tape: Tape, result: Ending<'_>) -> Result<Imported, Failure> {
        let (recorder, lines) = tape.into_parts().map_err(session_fault)?;
        let recorded = recorder.finish().map_err(record_fault)?;
        compare(task, recorded.digest)?;
        if let Some(reads) = result.reads {
            reads.compare(self.repository, &recorded.stream)?;
        }
        let content = task.content.unwrap_or(recorded.digest);
        let verdict = result.verdict;
        let settled = settle(
            self.repository,
            task,
            &content,
            &recorded,
            &verdict,
            self.renew,
        )
        .map_err(host)?;
        let opaque = match &verdict {
            Verdict::Imported | Verdict::Opaque => None,
            Verdict::Faulted(reason) => Some(reason.clone()),
        };
        let begin = || self.record(task, content, result.importer).map_err(Said);
        let (record, noted) = lines.into_record(begin).map_err(|Said(fault)| fault)?;
        let mut blobs = settled.blobs;
        let (record, rank) = match settled.better_record {
            Some((record, rank)) => {
                // It says more of the content; what was found of this reading of it is not lost.
                let record = add_findings(self.repository, &content, record, &noted);
                (record.map_err(host)?, rank)
            }
            None => {
                if !blobs.contains(&task.wanted.descriptor.digest) {
                    blobs.push(task.wanted.descriptor.digest);
                }
                let rank = Rank::of(task.role(), &verdict);
                let summary = Summary {
                    stream: settled.stream,
                    size: recorded.size,
                    blobs: blobs.clone(),
                    entries: noted.entries,
                    facts: noted.facts,
                    fuel: result.fuel,
                    verdict,
                    severity: noted.severity,
                    handed_on: noted.handed_on.clone(),
                    faults: noted.faults,
                    unread: noted.unread,
                    limited: noted.is_limited,
                };
                (record.finish(summary).map_err(host)?.stream, rank)
            }
        };
        let is_whole = || rebuilds(self.repository, &content, &settled.stream);
        if self.options.verify_stored && !is_whole() {
            return Err(BlobFault::Rebuild.into());
        }
        Ok(Imported {
            content,
            stream: settled.stream,
            record,
            blobs,
            rank,
            kept: None,
            size: recorded.size,
            fuel: result.fuel,
            counts: recorded.counts,
            noted,
            opaque,
        })
    }

    fn failure(
        &self,
        task: &Task<'_>,
        mut tape: Tape,
        ended: Ended,
        identity: &ImporterIdentity,
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
            if let Err(mismatch) = compare(task, tape.into_recorder().into_digest()) {
                return mismatch.into();
            }
        }
        Failure::Importer(Box::new(identity.clone()), fault)
    }
}

/// A fault on its way through [`Lines::into_record`], whose own errors are a session's.
struct Said(BlobFault);

impl std::convert::From<lazaret_engine::SessionError> for Said {
    fn from(error: lazaret_engine::SessionError) -> Self {
        Self(session_fault(error))
    }
}

/// Compares what was recorded with what was promised.
fn compare(task: &Task<'_>, found: ContentDigest) -> Result<(), BlobFault> {
    let mismatch = |what, expected| {
        Err(BlobFault::Mismatch {
            what,
            expected,
            found,
        })
    };
    if task.is_inside {
        return match task.content {
            Some(content) if content != found => mismatch("content digest", content),
            _ => Ok(()),
        };
    }
    let Wanted {
        descriptor, kind, ..
    } = task.wanted;
    let blob = descriptor.digest;
    match *kind {
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
    let error = match error.downcast::<Recording>() {
        Ok(recording) => return recording.0,
        Err(error) if error.is::<CutOff>() => {
            // The feed's own error takes its place.
            return host(IntakeError::Interrupted);
        }
        Err(error) => error,
    };
    let error = match error.downcast::<lazaret_graph::GraphError>() {
        Ok(error) => return host(*error),
        Err(error) => error,
    };
    let error = match error.downcast::<lazaret_store::StoreError>() {
        Ok(error) => return host(*error),
        Err(error) => error,
    };
    match error.downcast::<lazaret_engine::EngineError>() {
        Ok(error) => host(*error),
        Err(error) => host(IntakeError::Session(error)),
    }
}

//! Bringing in what is not there: a look at everything first, then all that is missing at once.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::thread;

use lazaret_artifact::VerityDigest;
use lazaret_graph::names::Stream;
use lazaret_store::{Repository, Trust};
use lazaret_transport::{ManifestDocument, Source};

use crate::crew;
use crate::elsewhere;
use crate::error::{BlobFault, IntakeError};
use crate::keep::{self, Keep, Kept};
use crate::layer::{Desk, Imported};
use crate::limits::Allowance;
use crate::objects::Pool;
use crate::options::{Importers, PullOptions};
use crate::plan::{Plan, Wanted};
use crate::progress::{Event, Progress};
use crate::reuse::{self, Known, Looked};

/// What bringing in takes.
pub(crate) struct Fetch<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) source: &'a Source,
    pub(crate) importers: &'a Importers<'a>,
    pub(crate) options: &'a PullOptions,
    pub(crate) manifests: &'a [ManifestDocument],
    pub(crate) progress: Progress<'a>,
}

/// A blob that is now there.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) found: Found,
    /// Its compressed bytes, where they are kept.
    pub(crate) kept: Option<Kept>,
    /// Whether what was there of it was damaged.
    pub(crate) repaired: bool,
}

/// How it came there.
#[derive(Debug)]
pub(crate) enum Found {
    Known(Box<Known>),
    Imported(Box<Imported>),
}

/// What was found of a blob before anything is fetched.
struct Look {
    layer: Looked,
    keep: Keep,
}

impl Look {
    fn is_complete(&self) -> bool {
        matches!(self.layer, Looked::Known(_)) && !matches!(self.keep, Keep::Missing { .. })
    }

    /// Whether something that is not to be believed has the name of what is missing.
    const fn is_named(&self) -> bool {
        matches!(self.layer, Looked::Missing { named: true, .. })
            || matches!(self.keep, Keep::Missing { named: true })
    }

    const fn is_damaged(&self) -> bool {
        matches!(self.layer, Looked::Missing { damaged: true, .. })
            || matches!(self.keep, Keep::Missing { named: true })
    }
}

impl Fetch<'_> {
    /// Brings in every blob of `plan`.
    pub(crate) fn run(&self, plan: &Plan) -> Result<Vec<Fetched>, IntakeError> {
        let cores = self
            .options
            .jobs
            .or_else(|| thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let looks = self.look(&plan.wanted, cores)?;
        let missing: Vec<usize> = (0..looks.len())
            .filter(|&blob| !looks[blob].is_complete())
            .collect();
        let mut brought = self.bring(&plan.wanted, &looks, &missing, cores)?;
        let mut brought_in = missing.iter().zip(brought.drain(..)).peekable();
        let mut fetched = Vec::with_capacity(looks.len());
        for (blob, look) in looks.into_iter().enumerate() {
            let repaired = look.is_damaged();
            let brought = brought_in.next_if(|(missing, _)| **missing == blob);
            let (layer, kept) = brought.map_or((None, None), |(_, brought)| brought);
            let found = match (layer, look.layer) {
                (Some(imported), _) => Found::Imported(imported),
                (None, Looked::Known(known)) => Found::Known(known),
                (None, Looked::Missing { .. }) => return Err(IntakeError::Interrupted),
            };
            fetched.push(Fetched {
                found,
                kept: kept.or(match look.keep {
                    Keep::There(stream) => Some(there(stream)),
                    _ => None,
                }),
                repaired,
            });
        }
        Ok(fetched)
    }

    /// Looks for every blob in the repository.
    fn look(&self, wanted: &[Wanted], cores: usize) -> Result<Vec<Look>, IntakeError> {
        let options = self.options;
        let trust = match options.verify_stored {
            true => Trust::Nothing,
            false => Trust::Unchanged,
        };
        let abort = AtomicBool::new(false);
        crew::run("lazaret-look", wanted.len(), cores, &abort, |blob| {
            if options.cancel.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(IntakeError::Interrupted);
            }
            let wanted = &wanted[blob];
            let parameters = &options.parameters;
            let look = Look {
                layer: reuse::find(self.repository, wanted, self.importers, parameters, trust)?,
                keep: keep::find(self.repository, wanted, options.keep_compressed, trust)?,
            };
            if look.is_complete() {
                (self.progress)(Event::Reused {
                    blob,
                    digest: wanted.descriptor.digest,
                    size: wanted.descriptor.size,
                });
            }
            Ok(look)
        })
    }

    /// Fetches what is `missing`, several at once.
    fn bring(
        &self,
        wanted: &[Wanted],
        looks: &[Look],
        missing: &[usize],
        cores: usize,
    ) -> Result<Vec<Brought>, IntakeError> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        // Where a name led to something unusable, an object of the right size may hold anything.
        let is_careful = self.options.verify_stored || looks.iter().any(Look::is_named);
        let repository = match is_careful || self.has_traces()? {
            true => self.repository.with_verified_objects(),
            false => self.repository.clone(),
        };
        let pool = Pool::start(&repository, cores).map_err(IntakeError::Thread)?;
        let abort = AtomicBool::new(false);
        let desk = Desk {
            repository: &repository,
            source: self.source,
            importers: self.importers,
            options: self.options,
            counter: pool.counter(),
            abort: &abort,
            allowance: Allowance::new(self.options.limits.total),
        };
        let result = crew::run("lazaret-layer", missing.len(), cores, &abort, |turn| {
            let blob = missing[turn];
            self.bring_one(&desk, blob, &wanted[blob], &looks[blob])
        });
        drop(desk);
        pool.finish();
        result
    }

    fn bring_one(
        &self,
        desk: &Desk<'_>,
        blob: usize,
        wanted: &Wanted,
        look: &Look,
    ) -> Result<Brought, IntakeError> {
        let digest = wanted.descriptor.digest;
        let span = tracing::debug_span!("import", %digest);
        let _entered = span.enter();
        (self.progress)(Event::Started {
            blob,
            digest,
            size: wanted.descriptor.size,
        });
        let on_read = |bytes| (self.progress)(Event::Read { blob, bytes });
        let keep = matches!(look.keep, Keep::Missing { .. });
        let brought = match look.layer {
            Looked::Known(_) => desk.keep(wanted, &on_read).map(|kept| (None, Some(kept))),
            Looked::Missing { .. } => desk.import(wanted, keep, &on_read).map(|imported| {
                let kept = imported.kept;
                (Some(Box::new(imported)), kept)
            }),
        };
        let brought = brought.map_err(|fault| {
            match elsewhere::explain(fault, &digest, self.manifests) {
                // These name what they are about themselves.
                BlobFault::Host(error) => *error,
                fault => IntakeError::Blob {
                    kind: wanted.noun(),
                    digest,
                    fault,
                },
            }
        })?;
        (self.progress)(Event::Finished { blob });
        Ok(brought)
    }

    /// Whether one of these images or artifacts has been here: what is missing of it now was lost, and
    /// more than a name may be.
    fn has_traces(&self) -> Result<bool, IntakeError> {
        for document in self.manifests {
            let manifest = &document.manifest;
            let mut names = vec![Stream::Manifest(manifest.digest)];
            // Many artifacts share one config; it tells of none of them.
            if document.image.is_some() {
                names.push(Stream::Config(manifest.config.digest));
            }
            for name in names {
                let found = self.repository.resolve_stream(&name.name());
                if !matches!(reuse::unless_damaged(found)?, Some(None)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// A layer, where it was imported, and its compressed bytes, where they were stored.
type Brought = (Option<Box<Imported>>, Option<Kept>);

const fn there(stream: VerityDigest) -> Kept {
    Kept {
        stream,
        stored: None,
    }
}

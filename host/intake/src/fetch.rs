//! Bringing in what is not there: a look at everything first, then all that is missing at once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lazaret_artifact::record::Verdict;
use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_graph::GraphError;
use lazaret_graph::names::Stream;
use lazaret_store::{Repository, Trust};
use lazaret_transport::{ManifestDocument, Source};

use crate::crew;
use crate::desk::{Desk, Imported, Inside};
use crate::elsewhere;
use crate::error::{BlobFault, IntakeError};
use crate::keep::{self, Keep, Kept};
use crate::limits::Allowance;
use crate::objects::Pool;
use crate::options::{Importers, PullOptions};
use crate::plan::{Kind, Plan, Wanted};
use crate::progress::{Event, Progress};
use crate::reuse::{self, Known, Looked, LookedInside, Search};
use crate::task::{Task, Wish};

/// What bringing in takes.
pub(crate) struct Fetch<'a> {
    pub(crate) repository: &'a Repository,
    /// None where everything is stored.
    pub(crate) source: Option<&'a Source>,
    pub(crate) importers: &'a Importers,
    pub(crate) options: &'a PullOptions,
    pub(crate) wish: Wish,
    pub(crate) manifests: &'a [ManifestDocument],
    pub(crate) progress: Progress<'a>,
}

/// A blob that is now there.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) found: Found,
    /// What it decompresses to, where somebody looked into that.
    pub(crate) inside: Option<(ContentDigest, Found)>,
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
    inside: Option<LookedInside>,
    keep: Keep,
}

impl Look {
    fn is_complete(&self) -> bool {
        let inside = self.inside.as_ref();
        matches!(self.layer, Looked::Known(_))
            && inside.is_none_or(|inside| matches!(inside.looked, Looked::Known(_)))
            && !matches!(self.keep, Keep::Missing { .. })
    }

    fn looked(&self) -> impl Iterator<Item = &Looked> {
        let inside = self.inside.as_ref().map(|inside| &inside.looked);
        std::iter::once(&self.layer).chain(inside)
    }

    /// Whether something that is not to be believed has the name of what is missing.
    fn is_named(&self) -> bool {
        self.looked()
            .any(|looked| matches!(looked, Looked::Missing { named: true, .. }))
            || matches!(self.keep, Keep::Missing { named: true })
    }

    fn is_damaged(&self) -> bool {
        self.looked()
            .any(|looked| matches!(looked, Looked::Missing { damaged: true, .. }))
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
            let Brought {
                found,
                inside,
                kept,
            } = brought.map_or_else(Brought::default, |(_, brought)| brought);
            let found = match (found, look.layer) {
                (Some(imported), _) => Found::Imported(imported),
                (None, Looked::Known(known) | Looked::Other(known)) => Found::Known(known),
                (None, Looked::Missing { .. }) => return Err(IntakeError::Interrupted),
            };
            let inside = match (inside, look.inside) {
                (Some(imported), _) => Some((imported.content, Found::Imported(imported))),
                (
                    None,
                    Some(LookedInside {
                        content: Some(content),
                        looked: Looked::Known(known),
                        ..
                    }),
                ) => Some((content, Found::Known(known))),
                _ => None,
            };
            fetched.push(Fetched {
                found,
                inside,
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
        let search = Search {
            repository: self.repository,
            importers: self.importers,
            parameters: &options.parameters,
            wish: self.wish,
            trust,
            limits: options.limits,
        };
        let abort = AtomicBool::new(false);
        crew::run("lazaret-look", wanted.len(), cores, &abort, |blob| {
            if options.cancel.load(Ordering::Relaxed) {
                return Err(IntakeError::Interrupted);
            }
            let wanted = &wanted[blob];
            let layer = search.blob(wanted)?;
            let known = match &layer {
                Looked::Known(known) => Some(&**known),
                Looked::Other(_) | Looked::Missing { .. } => None,
            };
            let look = Look {
                inside: search.inside(wanted, known)?,
                layer,
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
            renew: self.wish != Wish::AsIs,
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
        let brought = self.bring_parts(desk, wanted, look, &on_read);
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

    fn bring_parts(
        &self,
        desk: &Desk<'_>,
        wanted: &Wanted,
        look: &Look,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Brought, BlobFault> {
        let keep = matches!(look.keep, Keep::Missing { .. });
        let mut brought = Brought::default();
        match &look.layer {
            Looked::Known(_) if keep => brought.kept = Some(desk.keep(wanted, on_read)?),
            Looked::Known(_) => {}
            Looked::Other(known) if !keep => {
                brought.found = Some(Box::new(self.again(desk, wanted, known, on_read)?));
            }
            Looked::Missing { .. } if self.source.is_none() => {
                brought.found = Some(Box::new(self.unrecorded(desk, wanted, on_read)?));
            }
            Looked::Other(_) | Looked::Missing { .. } => {
                let parameters = match &look.layer {
                    Looked::Other(known) => self.parameters(wanted, Some(known)),
                    _ => self.parameters(wanted, None),
                };
                let task = Task::fetch(wanted, parameters);
                let imported = desk.import(&task, keep, on_read)?;
                brought.kept = imported.kept;
                brought.found = Some(Box::new(imported));
            }
        }
        let stream = match (&brought.found, &look.layer) {
            (Some(imported), _) => imported.stream,
            (None, Looked::Known(known) | Looked::Other(known)) => known.stream,
            (None, Looked::Missing { .. }) => return Ok(brought),
        };
        if let Some(inside) = &look.inside {
            let had_failed = match &look.layer {
                Looked::Known(known) | Looked::Other(known) => {
                    matches!(known.summary.verdict, Verdict::Faulted(_))
                }
                Looked::Missing { .. } => false,
            };
            self.bring_inside(desk, wanted, (inside, stream), had_failed, &mut brought)?;
        }
        Ok(brought)
    }

    /// Imports what is stored of a blob anew; what turns out to be damaged is fetched.
    fn again(
        &self,
        desk: &Desk<'_>,
        wanted: &Wanted,
        known: &Known,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, BlobFault> {
        let parameters = self.parameters(wanted, Some(known));
        let task = Task::again(wanted, known.stream, parameters.clone());
        let imported = desk.import(&task, false, on_read);
        let imported = imported.and_then(|imported| self.no_worse(imported, known));
        match imported {
            Err(fault) if self.source.is_some() && fault.is_of_stored() => {
                tracing::warn!(blob = %wanted.descriptor.digest, %fault, "fetched again");
                desk.import(&Task::fetch(wanted, parameters), false, on_read)
            }
            ended => ended,
        }
    }

    /// Imports what is stored of a blob and nobody has a record of: its digest is compared.
    fn unrecorded(
        &self,
        desk: &Desk<'_>,
        wanted: &Wanted,
        on_read: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported, BlobFault> {
        let name = Stream::Layer(wanted.content());
        let host = |error: IntakeError| BlobFault::Host(Box::new(error));
        let damaged = |found: String| {
            host(IntakeError::Graph(GraphError::Mismatch {
                stream: name,
                what: "content",
                expected: name.digest().to_string().into(),
                found: found.into(),
            }))
        };
        let stream = self.repository.resolve_stream(&name.name());
        let Some(stream) = stream.map_err(|error| host(error.into()))? else {
            return Err(damaged("nothing".to_owned()));
        };
        let task = Task::again(wanted, stream, self.parameters(wanted, None));
        match desk.import(&task, false, on_read) {
            Err(BlobFault::Mismatch { found, .. }) => Err(damaged(found.to_string())),
            ended => ended,
        }
    }

    /// Cutting anew what is stored must not lose what was known of it.
    fn no_worse(&self, imported: Imported, known: &Known) -> Result<Imported, BlobFault> {
        let was_imported = known.summary.verdict == Verdict::Imported;
        let reason = match &imported.opaque {
            Some(reason) if was_imported => Some(reason.clone()),
            _ if imported.noted.faults > known.summary.faults => {
                imported.noted.told.first().cloned()
            }
            _ if imported.noted.unread > known.summary.unread => {
                Some("a file in it was not looked into".to_owned())
            }
            _ if imported.noted.severity < known.summary.severity => {
                Some("a verdict on it would be lost".to_owned())
            }
            _ => None,
        };
        match reason {
            Some(reason) if self.wish != Wish::AsIs => Err(BlobFault::Worse { reason }),
            _ => Ok(imported),
        }
    }

    /// Imports what a blob, which is stored as `stream`, decompresses to.
    fn bring_inside(
        &self,
        desk: &Desk<'_>,
        wanted: &Wanted,
        (inside, stream): (&LookedInside, VerityDigest),
        had_failed: bool,
        brought: &mut Brought,
    ) -> Result<(), BlobFault> {
        let ended = match (&inside.looked, inside.content) {
            (Looked::Known(_), _) => return Ok(()),
            (Looked::Other(known), Some(content)) => {
                let stored = (content, known.stream);
                let media_type = inside.wrapping.0.clone();
                let parameters = self.parameters(wanted, Some(known));
                desk.import_inside(&Task::inside_again(wanted, stored, media_type, parameters))
            }
            _ => {
                let parameters = self.parameters(wanted, None);
                let wrapping = inside.wrapping.clone();
                desk.import_inside(&Task::inside(wanted, stream, wrapping, parameters))
            }
        }?;
        let task = Task::again(wanted, stream, self.parameters(wanted, None));
        match ended {
            Inside::Imported(imported) => {
                let imported = match &inside.looked {
                    Looked::Known(known) | Looked::Other(known) => {
                        self.no_worse(*imported, known)?
                    }
                    Looked::Missing { .. } => *imported,
                };
                brought.inside = Some(Box::new(imported));
                if had_failed {
                    let imported = desk.note(&task, Verdict::Opaque, None, false)?;
                    brought.found = Some(Box::new(imported));
                }
            }
            Inside::Nothing => {}
            Inside::Faulted(Verdict::Faulted(reason), ..) if inside.content.is_some() => {
                return Err(BlobFault::Worse { reason });
            }
            Inside::Faulted(verdict, importer, is_limit) => {
                // The blob's own record says why it was not looked into.
                let imported = desk.note(&task, verdict, importer.as_deref(), is_limit)?;
                brought.found = Some(Box::new(imported));
            }
        }
        Ok(())
    }

    /// What importers of a blob are told.
    fn parameters(&self, wanted: &Wanted, known: Option<&Known>) -> BTreeMap<String, String> {
        let before = known.map(|known| &known.parameters);
        // cfsctl reads layers of images, and only those with one object for each file.
        let wish = match wanted.kind {
            Kind::Layer { .. } => Wish::Whole,
            Kind::Blob => self.wish,
        };
        wish.parameters(&self.options.parameters, before)
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

/// What was brought in of one blob.
#[derive(Debug, Default)]
struct Brought {
    found: Option<Box<Imported>>,
    inside: Option<Box<Imported>>,
    kept: Option<Kept>,
}

const fn there(stream: VerityDigest) -> Kept {
    Kept {
        stream,
        stored: None,
    }
}

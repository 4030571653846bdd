//! The whole story: resolve, import what is not there, verify, commit.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lazaret_artifact::record::Verdict;
use lazaret_artifact::{ContentDigest, MediaType, Platform, Tag};
use lazaret_graph::{Commit, LayerRef, ManifestCommit, RecordRef};
use lazaret_store::Repository;
use lazaret_transport::{ManifestDocument, Reference, RegistryOptions, Selection, Source};

use crate::error::{BlobFault, IntakeError};
use crate::layer::{Desk, Imported, Kind, Wanted};
use crate::objects::Pool;
use crate::options::{Importers, PullOptions};
use crate::progress::{Event, Progress};
use crate::recorder::ObjectCounts;
use crate::reuse::{self, Known};

/// What a pull brought in.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Digest of the manifest.
    pub manifest: ContentDigest,
    /// Digest of its config.
    pub config: ContentDigest,
    /// Platform, for images.
    pub platform: Option<Platform>,
    /// Tags it now has.
    pub tags: Vec<Tag>,
    /// Layers or blobs, in the manifest's order.
    pub layers: Vec<PulledLayer>,
}

/// One layer or blob of it.
#[derive(Debug, Clone)]
pub struct PulledLayer {
    /// Digest as it travelled.
    pub digest: ContentDigest,
    /// Digest of what is stored.
    pub content: ContentDigest,
    /// Media type, as declared.
    pub media_type: MediaType,
    /// Size as it travelled.
    pub travelled: u64,
    /// Size of what is stored.
    pub size: u64,
    /// Whether it was there and verified before.
    pub reused: bool,
    /// Entries its importer found.
    pub entries: u64,
    /// Fuel its importer used.
    pub fuel: u64,
    /// Objects it became; zero for a reused one.
    pub objects: ObjectCounts,
    /// Why it has no entries, when its importer failed on it.
    pub opaque: Option<String>,
}

/// Pulls what `reference` names into `repository`, which must be open for writing.
///
/// # Errors
/// Whatever is wrong with the source, the repository or a layer; then nothing of it has a name.
pub fn pull(
    repository: &Repository,
    reference: &Reference,
    importers: &Importers<'_>,
    options: &PullOptions,
    progress: Progress<'_>,
) -> Result<Pulled, IntakeError> {
    let source = Source::open(reference, &RegistryOptions::default())?;
    let selection = match &options.platform {
        None => Selection::Best,
        Some(platform) => Selection::Platforms(vec![platform.clone()]),
    };
    let mut resolved = source.resolve(&selection)?;
    let tags = match &*options.tags {
        [] => vec![reference.default_tag(&resolved.root)?],
        tags => tags.to_vec(),
    };
    let resolved = resolved.manifests.remove(0);
    let wanted = plan(&resolved)?;
    progress(Event::Resolved {
        manifest: resolved.manifest.digest,
        blobs: wanted.len(),
        bytes: wanted
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.descriptor.size)),
    });
    let found = fetch(
        repository, &source, &resolved, importers, options, &wanted, progress,
    )?;
    if options.cancel.load(Ordering::Relaxed) {
        return Err(IntakeError::Interrupted);
    }
    progress(Event::Committing);
    commit(repository, &resolved, &wanted, &found, &tags)?;
    Ok(Pulled {
        manifest: resolved.manifest.digest,
        config: resolved.manifest.config.digest,
        platform: resolved.image.as_ref().map(|image| image.platform.clone()),
        tags,
        layers: resolved
            .manifest
            .layers
            .iter()
            .enumerate()
            .map(|(index, _)| {
                let blob = position(&resolved, &wanted, index);
                pulled_layer(&wanted[blob], &found[blob])
            })
            .collect(),
    })
}

/// A blob that is now there, one way or the other.
#[derive(Debug)]
enum Found {
    Known(Known),
    Imported(Imported),
}

/// Each distinct blob once, in the order of the manifest.
fn plan(resolved: &ManifestDocument) -> Result<Vec<Wanted>, IntakeError> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (index, descriptor) in resolved.manifest.layers.iter().enumerate() {
        let kind = kind(resolved, index);
        require_known_layer(resolved, index, kind)?;
        let same =
            |other: &Wanted| other.descriptor.digest == descriptor.digest && other.kind == kind;
        if !wanted.iter().any(same) {
            wanted.push(Wanted {
                descriptor: descriptor.clone(),
                kind,
            });
        }
    }
    Ok(wanted)
}

/// An image says of each layer what it must unpack to. Where the layer's type is not one this
/// program can unpack, that is only known to hold when it is the blob itself.
fn require_known_layer(resolved: &ManifestDocument, index: usize, kind: Kind) -> Result<(), IntakeError> {
    let descriptor = &resolved.manifest.layers[index];
    match (&resolved.image, kind) {
        (Some(image), Kind::Blob) if image.diff_ids[index] != descriptor.digest => {
            Err(IntakeError::Blob {
                kind: "layer",
                digest: descriptor.digest,
                fault: BlobFault::UnknownLayerType {
                    media_type: descriptor.media_type.clone(),
                },
            })
        }
        _ => Ok(()),
    }
}

/// Index in the plan of the manifest's layer `index`.
fn position(resolved: &ManifestDocument, wanted: &[Wanted], index: usize) -> usize {
    let digest = resolved.manifest.layers[index].digest;
    let kind = kind(resolved, index);
    wanted
        .iter()
        .position(|blob| blob.descriptor.digest == digest && blob.kind == kind)
        .expect("the plan has every layer of the manifest")
}

fn kind(resolved: &ManifestDocument, index: usize) -> Kind {
    let compression = resolved.manifest.layers[index]
        .media_type
        .layer_compression();
    match (compression, &resolved.image) {
        (Some(compression), Some(image)) => Kind::Layer {
            compression,
            diff_id: image.diff_ids[index],
        },
        _ => Kind::Blob,
    }
}

fn fetch(
    repository: &Repository,
    source: &Source,
    resolved: &ManifestDocument,
    importers: &Importers<'_>,
    options: &PullOptions,
    wanted: &[Wanted],
    progress: Progress<'_>,
) -> Result<Vec<Found>, IntakeError> {
    let mut found: Vec<Option<Found>> = Vec::with_capacity(wanted.len());
    for (index, blob) in wanted.iter().enumerate() {
        let known = reuse::find(repository, blob, importers, &options.parameters)?;
        if known.is_some() {
            progress(Event::Reused {
                blob: index,
                digest: blob.descriptor.digest,
                size: blob.descriptor.size,
            });
        }
        found.push(known.map(Found::Known));
    }
    let missing: Vec<usize> = (0..wanted.len())
        .filter(|&index| found[index].is_none())
        .collect();
    if !missing.is_empty() {
        let imported = import_all(
            repository, source, resolved, importers, options, wanted, &missing, progress,
        )?;
        for (index, imported) in missing.into_iter().zip(imported) {
            found[index] = Some(Found::Imported(imported));
        }
    }
    Ok(found.into_iter().flatten().collect())
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, and each is another thing"
)]
fn import_all(
    repository: &Repository,
    source: &Source,
    resolved: &ManifestDocument,
    importers: &Importers<'_>,
    options: &PullOptions,
    wanted: &[Wanted],
    missing: &[usize],
    progress: Progress<'_>,
) -> Result<Vec<Imported>, IntakeError> {
    let cores = options
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    let pool = Pool::start(repository, cores).map_err(IntakeError::Thread)?;
    let abort = AtomicBool::new(false);
    let desk = Desk {
        repository,
        source,
        importers,
        options,
        counter: pool.counter(),
        abort: &abort,
        artifact_type: resolved.manifest.artifact_type.clone(),
        config_media_type: resolved.manifest.config.media_type.clone(),
    };
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Imported>>> = Mutex::new(missing.iter().map(|_| None).collect());
    let failure: Mutex<Option<IntakeError>> = Mutex::new(None);
    let work = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = missing.get(turn) else {
                return;
            };
            if abort.load(Ordering::Relaxed) {
                return;
            }
            match import_one(&desk, wanted, index, progress) {
                Ok(imported) => {
                    lock(&results)[turn] = Some(imported);
                }
                Err(error) => {
                    abort.store(true, Ordering::Relaxed);
                    let mut first = lock(&failure);
                    // A blob that was only told to stop is no cause.
                    let is_cause = !matches!(error, IntakeError::Interrupted);
                    let replaces = matches!(*first, None | Some(IntakeError::Interrupted));
                    if first.is_none() || (is_cause && replaces) {
                        *first = Some(error);
                    }
                    return;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..cores.min(missing.len()) {
            let spawned = thread::Builder::new()
                .name("lazaret-layer".to_owned())
                .spawn_scoped(scope, work);
            if let Err(error) = spawned {
                tracing::warn!(%error, "fewer layers at once");
            }
        }
        work();
    });
    drop(desk);
    pool.finish();
    if let Some(error) = lock(&failure).take() {
        return Err(error);
    }
    let imported: Vec<Imported> = lock(&results).drain(..).flatten().collect();
    Ok(imported)
}

fn import_one(
    desk: &Desk<'_>,
    wanted: &[Wanted],
    index: usize,
    progress: Progress<'_>,
) -> Result<Imported, IntakeError> {
    let blob = &wanted[index];
    let digest = blob.descriptor.digest;
    let span = tracing::debug_span!("import", %digest);
    let _entered = span.enter();
    progress(Event::Started {
        blob: index,
        digest,
        size: blob.descriptor.size,
    });
    let on_read = |bytes| progress(Event::Read { blob: index, bytes });
    let imported = desk.import(blob, &on_read).map_err(|fault| match fault {
        // These name what they are about themselves.
        BlobFault::Host(error) => *error,
        fault => IntakeError::Blob {
            kind: blob.noun(),
            digest,
            fault,
        },
    })?;
    progress(Event::Finished { blob: index });
    Ok(imported)
}

fn commit(
    repository: &Repository,
    resolved: &ManifestDocument,
    wanted: &[Wanted],
    found: &[Found],
    tags: &[Tag],
) -> Result<(), IntakeError> {
    let layers: Vec<LayerRef> = (0..resolved.manifest.layers.len())
        .map(|index| {
            let blob = position(resolved, wanted, index);
            LayerRef {
                key: wanted[blob].content(),
                stream: match &found[blob] {
                    Found::Known(known) => known.stream,
                    Found::Imported(imported) => imported.stream,
                },
            }
        })
        .collect();
    let records: Vec<RecordRef> = wanted
        .iter()
        .zip(found)
        .map(|(blob, found)| RecordRef {
            content: blob.content(),
            stream: match found {
                Found::Known(known) => known.record,
                Found::Imported(imported) => imported.record,
            },
        })
        .collect();
    let digest = resolved.manifest.digest;
    let tags: Vec<(Tag, ContentDigest)> = tags.iter().map(|tag| (tag.clone(), digest)).collect();
    Commit {
        manifests: &[ManifestCommit {
            manifest: &resolved.manifest,
            manifest_bytes: &resolved.bytes,
            config_bytes: &resolved.config,
        }],
        layers: &layers,
        records: &records,
        tags: &tags,
        ..Commit::default()
    }
    .run(repository)?;
    Ok(())
}

fn pulled_layer(wanted: &Wanted, found: &Found) -> PulledLayer {
    let base = PulledLayer {
        digest: wanted.descriptor.digest,
        content: wanted.content(),
        media_type: wanted.descriptor.media_type.clone(),
        travelled: wanted.descriptor.size,
        size: 0,
        reused: false,
        entries: 0,
        fuel: 0,
        objects: ObjectCounts::default(),
        opaque: None,
    };
    match found {
        Found::Known(known) => PulledLayer {
            size: known.summary.size,
            reused: true,
            entries: known.summary.entries,
            fuel: known.summary.fuel,
            opaque: match &known.summary.verdict {
                Verdict::Faulted(reason) => Some(reason.clone()),
                _ => None,
            },
            ..base
        },
        Found::Imported(imported) => PulledLayer {
            size: imported.size,
            entries: imported.report.entries,
            fuel: imported.report.fuel,
            objects: imported.counts,
            opaque: imported.opaque.clone(),
            ..base
        },
    }
}

/// A poisoned lock means that another thread panicked; what it guarded is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

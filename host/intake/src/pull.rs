//! The whole story: resolve, find what refers to it, plan, fetch what is not there, commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lazaret_artifact::{ContentDigest, Tag};
use lazaret_store::Repository;
use lazaret_transport::{Reference, RegistryOptions, Source};

use crate::commit::Verified;
use crate::contents;
use crate::documents::Documents;
use crate::error::IntakeError;
use crate::fetch::Fetch;
use crate::options::{Importers, PullOptions};
use crate::plan::Plan;
use crate::progress::{Event, Progress};
use crate::pulled::Pulled;
use crate::referrers;

/// Pulls what `reference` names into `repository`, which must be open for writing.
///
/// # Errors
/// Whatever is wrong with the source, the repository, a referrer or a layer; then nothing of it has
/// a name.
pub fn pull(
    repository: &Repository,
    reference: &Reference,
    importers: &Importers<'_>,
    options: &PullOptions,
    progress: Progress<'_>,
) -> Result<Pulled, IntakeError> {
    let registry = RegistryOptions {
        cancel: Arc::clone(&options.cancel),
        ..options.registry.clone()
    };
    let source = Source::open(reference, &registry)?;
    let resolved = source.resolve(&options.selection)?;
    let root = resolved.root.digest;
    let tags = match &*options.tags {
        [] => vec![reference.default_tag(&resolved.root)?],
        tags => tags.to_vec(),
    };
    let mut documents = Documents::default();
    documents.add(resolved)?;
    let referrers = match options.referrers {
        true => referrers::gather(&source, &mut documents, progress)?,
        false => Vec::new(),
    };

    let plan = Plan::new(&documents.manifests)?;
    progress(Event::Resolved {
        root,
        manifests: documents.manifests.len(),
        blobs: plan.wanted.len(),
        bytes: plan.bytes(),
    });
    let fetch = Fetch {
        repository,
        source: &source,
        importers,
        options,
        manifests: &documents.manifests,
        progress,
    };
    let fetched = fetch.run(&plan)?;
    if options.cancel.load(Ordering::Relaxed) {
        return Err(IntakeError::Interrupted);
    }

    progress(Event::Committing);
    let contents = contents::settle(repository, &plan.wanted, &fetched)?;
    let tagged: Vec<(Tag, ContentDigest)> = tags.iter().map(|tag| (tag.clone(), root)).collect();
    let moved = Verified {
        documents: &documents,
        contents: &contents,
        wanted: &plan.wanted,
        fetched: &fetched,
        referrers: &referrers,
        tags: &tagged,
    }
    .commit(repository)?;
    Ok(Pulled::new(
        root,
        (tags, moved),
        &documents,
        &plan,
        &fetched,
        referrers,
    ))
}

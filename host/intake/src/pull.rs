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
use crate::findings;
use crate::options::{Importers, Policy, PullOptions};
use crate::plan::Plan;
use crate::progress::{Event, Progress};
use crate::pulled::Pulled;
use crate::referrers::{self, PulledReferrer};
use crate::task::Wish;

/// Pulls what `reference` names into `repository`, which must be open for writing.
///
/// # Errors
/// Whatever is wrong with the source, the repository, a referrer or a layer; then nothing of it has
/// a name.
pub fn pull(
    repository: &Repository,
    reference: &Reference,
    importers: &Importers,
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

    let bring = Bring {
        repository,
        source: Some(&source),
        importers,
        options,
        wish: Wish::of(options),
        progress,
    };
    bring.run(root, &documents, referrers, tags)
}

/// The second half, where all documents are known.
pub(crate) struct Bring<'a> {
    pub(crate) repository: &'a Repository,
    /// None where everything is stored.
    pub(crate) source: Option<&'a Source>,
    pub(crate) importers: &'a Importers,
    pub(crate) options: &'a PullOptions,
    pub(crate) wish: Wish,
    pub(crate) progress: Progress<'a>,
}

impl Bring<'_> {
    /// Plans, brings in what is not there as it is wanted, and commits.
    pub(crate) fn run(
        self,
        root: ContentDigest,
        documents: &Documents,
        referrers: Vec<PulledReferrer>,
        tags: Vec<Tag>,
    ) -> Result<Pulled, IntakeError> {
        let (repository, options) = (self.repository, self.options);
        let plan = Plan::new(&documents.manifests)?;
        (self.progress)(Event::Resolved {
            root,
            manifests: documents.manifests.len(),
            blobs: plan.wanted.len(),
            bytes: plan.bytes(),
        });
        let fetch = Fetch {
            repository,
            source: self.source,
            importers: self.importers,
            options,
            wish: self.wish,
            manifests: &documents.manifests,
            progress: self.progress,
        };
        let fetched = fetch.run(&plan)?;
        if options.cancel.load(Ordering::Relaxed) {
            return Err(IntakeError::Interrupted);
        }
        let findings = findings::all(repository, &documents.manifests, &plan, &fetched)?;
        if options.policy == Policy::Strict && !findings.is_empty() {
            return Err(IntakeError::Refused { findings });
        }

        (self.progress)(Event::Committing);
        let contents = contents::settle(repository, &plan.wanted, &fetched)?;
        let tagged: Vec<(Tag, ContentDigest)> =
            tags.iter().map(|tag| (tag.clone(), root)).collect();
        let moved = Verified {
            documents,
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
            documents,
            &plan,
            &fetched,
            referrers,
            findings,
        ))
    }
}

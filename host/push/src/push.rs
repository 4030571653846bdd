//! A push from beginning to end.

use std::sync::Arc;

use lazaret_artifact::ContentDigest;
use lazaret_graph::Name;
use lazaret_graph::names::Stream;
use lazaret_store::Repository;
use lazaret_transport::{Destination, Reference, RegistryOptions};

use crate::error::PushError;
use crate::options::{DEFAULT_JOBS, PushOptions};
use crate::parallel::Stop;
use crate::plan::{self, Plan};
use crate::progress::Event;
use crate::rewrite::Renames;
use crate::send::{Outcome, Placed, Sender};

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest or index that the destination's name stands for now.
    pub root: ContentDigest,
    /// What has another digest than it came with, old and new: layers, then manifests and indexes,
    /// in the order of sending. Empty unless something was recompressed.
    pub renamed: Vec<(ContentDigest, ContentDigest)>,
    /// The tag it was given; none where the destination goes by digest, or has no names.
    pub tag: Option<String>,
    /// Manifests that are there now, referrers not counted.
    pub manifests: u64,
    /// Indexes that are there now, referrers not counted.
    pub indexes: u64,
    /// Manifests and indexes that were sent because they refer to something.
    pub referrers: u64,
    /// BuildKit's attestations of a manifest that went without the index that ties them to it.
    pub left_out: Vec<ContentDigest>,
    /// Blobs that were sent.
    pub blobs_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Blobs that were there.
    pub blobs_present: u64,
    /// Blobs that the registry had in another repository.
    pub blobs_mounted: u64,
}

/// Sends what `name` stands for to `destination`.
///
/// Of an index, one manifest is sent: this machine's, or that of
/// [`PushOptions::platform`]; with [`PushOptions::all`], the index and everything below it. In a
/// layout or archive whose reference has no tag it gets the tag it has in the repository.
///
/// # Errors
/// Of options that contradict each other, of what is not stored or not stored as it travels,
/// nothing was sent. Otherwise blobs, and documents under their digests and cosign's tags, may have
/// been.
pub fn push(
    repository: &Repository,
    name: &Name,
    destination: &Reference,
    options: &PushOptions,
    progress: &(dyn Fn(Event) + Sync),
) -> Result<Pushed, PushError> {
    options.check()?;
    let stop = Stop::new(Arc::clone(&options.cancel));
    let plan = plan::plan(repository, name, options, &stop)?;
    let root = plan.root();
    let fixed = digest_of(destination);
    if let Some(wanted) = fixed
        && wanted != root
    {
        return Err(PushError::OtherDigest {
            wanted,
            found: root,
        });
    }
    let registry = RegistryOptions {
        cancel: Arc::clone(&options.cancel),
        ..options.registry.clone()
    };
    let target = Destination::open(destination, &registry)?;
    let tag = target.tag().or_else(|| own_tag(name, destination));
    let sender = Sender {
        repository,
        destination: &target,
        recompress: options.recompress,
        jobs: options.jobs.unwrap_or(DEFAULT_JOBS),
        stop: &stop,
        progress,
    };
    let sent = send(&sender, &plan, fixed, tag.as_deref());
    let (placed, renames) = match sent {
        Err(_) if stop.is_cancelled() => return Err(PushError::Interrupted),
        sent => sent?,
    };
    stop.check()?;
    progress(Event::Finishing);
    target.finish()?;
    Ok(summary(plan, &placed, &renames, tag))
}

fn send(
    sender: &Sender<'_>,
    plan: &Plan,
    fixed: Option<ContentDigest>,
    tag: Option<&str>,
) -> Result<(Vec<Placed>, Renames), PushError> {
    let survey = sender.survey(plan, fixed)?;
    let placed = sender.blobs(plan, &survey)?;
    let mut renames = Renames::new();
    for (blob, (_, renamed)) in plan.blobs.iter().zip(&placed) {
        if let Some(renamed) = renamed {
            renames.insert(blob.descriptor.digest, *renamed);
        }
    }
    sender.documents(plan, tag, &mut renames)?;
    Ok((placed, renames))
}

/// The digest that a destination's reference insists on. Layouts and archives are not named by one.
const fn digest_of(reference: &Reference) -> Option<ContentDigest> {
    match reference {
        Reference::Registry(registry) => registry.digest,
        _ => None,
    }
}

/// The tag where the reference has none. In a layout an empty one means an entry without a name.
fn own_tag(name: &Name, reference: &Reference) -> Option<String> {
    match (reference, name) {
        (Reference::Registry(_), _) => None,
        (_, Name::Tag(tag)) => Some(tag.to_string()),
        (_, Name::Digest(_)) => Some(String::new()),
    }
}

fn summary(plan: Plan, placed: &[Placed], renames: &Renames, tag: Option<String>) -> Pushed {
    let root = plan.root();
    let digests = plan.blobs.iter().map(|blob| blob.descriptor.digest);
    let documents = plan.documents.iter().map(|doc| doc.descriptor.digest);
    let renamed = digests
        .chain(documents)
        .filter_map(|old| Some((old, renames.get(&old)?.digest)))
        .filter(|(old, new)| old != new)
        .collect();
    let count = |wanted: &dyn Fn(&Outcome) -> bool| {
        placed.iter().filter(|(outcome, _)| wanted(outcome)).count() as u64
    };
    let mut pushed = Pushed {
        root: renames.get(&root).map_or(root, |renamed| renamed.digest),
        renamed,
        tag: tag.filter(|tag| !tag.is_empty()),
        manifests: 0,
        indexes: 0,
        referrers: 0,
        left_out: plan.left_out,
        blobs_sent: count(&|outcome| matches!(outcome, Outcome::Sent(_))),
        bytes_sent: 0,
        blobs_present: count(&|outcome| *outcome == Outcome::Present),
        blobs_mounted: count(&|outcome| *outcome == Outcome::Mounted),
    };
    for (outcome, _) in placed {
        if let Outcome::Sent(bytes) = outcome {
            pushed.bytes_sent = pushed.bytes_sent.saturating_add(*bytes);
        }
    }
    for document in &plan.documents {
        match document.stream {
            _ if document.is_referrer => pushed.referrers += 1,
            Stream::Index(_) => pushed.indexes += 1,
            _ => pushed.manifests += 1,
        }
    }
    pushed
}

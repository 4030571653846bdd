//! Whether everything in a repository is what its name says, and refers to what is there.
//!
//! The store checks objects, streams and links; this adds what they mean: documents against the
//! digests in their names, references against links, tags, lists of referrers, import records, and on
//! demand every layer and blob rebuilt and hashed. All findings are reported, each with the images it
//! concerns and what would have to be pulled again. Nothing is changed.

mod contents;
mod finding;
mod indexes;
mod manifests;
mod parts;
mod references;
mod unpacked;
mod users;

use lazaret_store::{CheckOptions, CheckProgress, CheckReport, Repository};

use crate::error::GraphError;
use crate::images;
use crate::listing;
use crate::name::Name;
use crate::names::Stream;
use contents::{Counts, Look};
pub use finding::{Finding, Problem, Severity};
use users::Users;

/// What to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckOptions {
    /// Rebuild each layer and kept blob and compare it with the digest in its name; decompress each
    /// blob whose content is stored beside it and compare the two. Documents are always compared.
    pub deep: bool,
    /// How the store is checked.
    pub store: CheckOptions,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FsckProgress {
    /// Objects, streams, links.
    Store(CheckProgress),
    /// Manifests and configs.
    Images {
        /// Manifests checked.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// Layers and their records, and kept blobs.
    Layers {
        /// Layers and blobs checked.
        done: u64,
        /// Of so many.
        total: u64,
    },
}

/// What a check found.
#[derive(Debug, Default)]
pub struct FsckReport {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Manifests and indexes looked at.
    pub images: u64,
    /// Layers and blobs of artifacts looked at.
    pub layers: u64,
    /// Blobs looked at that were kept as they travelled.
    pub blobs: u64,
    /// Import records looked at.
    pub records: u64,
    /// What the store counted; nothing where a single image was checked.
    pub store: CheckReport,
}

impl FsckReport {
    /// Whether anything is damaged. Information and warnings are no damage.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity() == Severity::Damage)
    }
}

/// Checks the whole repository.
///
/// # Errors
/// When it cannot be read at all. Damage is no error but a finding.
pub fn fsck(
    repository: &Repository,
    options: FsckOptions,
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Result<FsckReport, GraphError> {
    let store = repository.check(options.store, &|done| progress(FsckProgress::Store(done)))?;
    let streams = listing::streams(repository)?;
    let mut users = Users::default();
    let mut problems = Problems::new();
    users.read_tags(repository, &mut problems)?;
    references::check_referrers(repository, &mut users, &mut problems)?;
    references::check_own(repository, &streams, &mut problems)?;
    let images = manifests::check(repository, &streams, &mut users, &mut problems, progress)?;
    let unpacked = unpacked::check(repository, &streams, &mut users, &mut problems)?;
    let look = if options.deep {
        Look::Content
    } else {
        Look::Record
    };
    let counts = contents::check(
        repository,
        &streams,
        &unpacked,
        look,
        &mut users,
        &mut problems,
        progress,
    )?;
    Ok(report(repository, problems, &users, images, &counts, store))
}

/// Checks one image or index with all that is stored of it and all that refers to it: documents,
/// references and records, and that the layers' objects are there; with `deep` that they are what
/// they should be. The store as a whole is not looked at.
///
/// # Errors
/// Not found; or when the repository cannot be read at all. Damage is no error but a finding.
pub fn fsck_image(
    repository: &Repository,
    name: &Name,
    options: FsckOptions,
    progress: &(dyn Fn(FsckProgress) + Sync),
) -> Result<FsckReport, GraphError> {
    let image = images::resolve(repository, name)?;
    let parts = parts::of(repository, image)?;
    let mut streams = listing::streams(repository)?;
    streams.retain(|(name, _)| parts.contains(name));
    let mut users = Users::default();
    // Other tags and lists are not what was asked about.
    let mut others = Problems::new();
    users.read_tags(repository, &mut others)?;
    references::check_referrers(repository, &mut users, &mut others)?;
    let mut problems = Problems::new();
    let images = manifests::check(repository, &streams, &mut users, &mut problems, progress)?;
    let unpacked = unpacked::check(repository, &streams, &mut users, &mut problems)?;
    // Names of other blobs' contents are not what was asked about either.
    problems.retain(|(problem, _)| !matches!(problem, Problem::StaleContent { .. }));
    let look = if options.deep {
        Look::Content
    } else {
        Look::Objects
    };
    let counts = contents::check(
        repository,
        &streams,
        &unpacked,
        look,
        &mut users,
        &mut problems,
        progress,
    )?;
    let store = CheckReport::default();
    Ok(report(repository, problems, &users, images, &counts, store))
}

/// Problems, each with the stream it is about, if it is about one.
type Problems = Vec<(Problem, Option<Stream>)>;

/// Puts everything together, worst first.
fn report(
    repository: &Repository,
    problems: Problems,
    users: &Users,
    images: u64,
    counts: &Counts,
    store: CheckReport,
) -> FsckReport {
    let mut findings: Vec<Finding> = problems
        .into_iter()
        .map(|(problem, about)| Finding::new(problem, users.of(&about)))
        .collect();
    let damage = users.of_damage(repository, &store.damage);
    findings.extend(
        damage
            .into_iter()
            .map(|(damage, concerns)| Finding::new(Problem::Store(damage), concerns)),
    );
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    FsckReport {
        findings,
        images,
        layers: counts.layers,
        blobs: counts.blobs,
        records: counts.records,
        store,
    }
}

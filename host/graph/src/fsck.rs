//! Whether everything in a repository is what its name says, and refers to what is there.
//!
//! The store checks objects, streams and links; this adds what they mean: documents against the
//! digests in their names, references against links, tags, import records, and on demand every
//! layer rebuilt and hashed. All findings are reported, each with the images it concerns. Nothing
//! is changed.

mod finding;
mod layers;
mod manifests;
mod users;

use std::collections::BTreeSet;

use lazaret_store::{CheckOptions, CheckProgress, CheckReport, Repository};

use crate::error::GraphError;
use crate::images;
use crate::listing;
use crate::name::Name;
use crate::names::Stream;
pub use finding::{Finding, Problem, Severity};
use layers::Look;
use users::Users;

/// What to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckOptions {
    /// Rebuild each layer and compare it with the digest in its name.
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
    /// Layers and their records.
    Layers {
        /// Layers checked.
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
    /// Layers and blobs looked at.
    pub layers: u64,
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
    let images = manifests::check(repository, &streams, &mut users, &mut problems, progress)?;
    let look = if options.deep {
        Look::Content
    } else {
        Look::Record
    };
    let counts = layers::check(repository, &streams, look, &mut problems, progress)?;
    layers::check_refs(repository, &mut problems)?;
    let damage = users.of_damage(repository, &store.damage);
    let of_store = damage.into_iter().map(|(damage, affected)| Finding {
        problem: Problem::Store(damage),
        affected,
    });
    let mut findings = with_names(problems, &users);
    findings.extend(of_store);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    Ok(FsckReport {
        findings,
        images,
        layers: counts.layers,
        records: counts.records,
        store,
    })
}

/// Checks one image: its documents, references and records, and that its layers' objects are
/// there; with `deep` that they are what they should be. The store as a whole is not looked at.
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
    let mut parts = BTreeSet::from([image]);
    match images::load_manifest(repository, image.digest()) {
        Ok(loaded) => {
            parts.insert(Stream::Config(loaded.manifest.config.digest));
            for layer in &loaded.layers {
                parts.extend([Stream::Layer(layer.key), Stream::Record(layer.key)]);
            }
        }
        // The check finds out what is wrong with it; an index has no parts of its own.
        Err(error) if error.is_damage() || error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    let mut streams = listing::streams(repository)?;
    streams.retain(|(name, _)| parts.contains(name));
    let mut users = Users::default();
    // Other tags are not what was asked about.
    users.read_tags(repository, &mut Problems::new())?;
    let mut problems = Problems::new();
    let images = manifests::check(repository, &streams, &mut users, &mut problems, progress)?;
    let look = if options.deep {
        Look::Content
    } else {
        Look::Objects
    };
    let counts = layers::check(repository, &streams, look, &mut problems, progress)?;
    let mut findings = with_names(problems, &users);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    Ok(FsckReport {
        findings,
        images,
        layers: counts.layers,
        records: counts.records,
        store: CheckReport::default(),
    })
}

/// Problems, each with the stream it is about, if it is about one.
type Problems = Vec<(Problem, Option<Stream>)>;

fn with_names(problems: Problems, users: &Users) -> Vec<Finding> {
    problems
        .into_iter()
        .map(|(problem, about)| Finding {
            problem,
            affected: about.map_or_else(Vec::new, |stream| users.of(&stream)),
        })
        .collect()
}

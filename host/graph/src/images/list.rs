//! All tags, with what a person wants to know of what they name.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lazaret_artifact::{ContentDigest, Platform, Tag};
use lazaret_store::Repository;
use serde::Serialize;

use super::Kind;
use super::choose::{Candidate, candidates};
use super::resolve::find;
use super::summary::{Summaries, Summary};
use crate::error::GraphError;
use crate::listing;
use crate::names::{self, Stream};
use crate::stored;

/// A line of [`list`].
#[derive(Debug)]
pub struct ImageRow {
    /// The tag, or the file name under `streams/refs/oci` where that is no tag.
    pub tag: String,
    /// What it points to, where its target's name says.
    pub digest: Option<ContentDigest>,
    /// What is known of it, or why nothing is.
    pub details: Result<Details, GraphError>,
}

/// What a list says of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Image, artifact or index.
    pub kind: Kind,
    /// The type of an artifact: its manifest's, else its config's. That of an index, where it has
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What the image is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What the images are for that are stored of an index, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// When it was made, RFC 3339, as the config has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Bytes of manifest, config and rebuilt layers together; of an index, its own and those of
    /// everything that is stored of it. A layer that occurs twice counts twice.
    pub size: u64,
    /// Bytes of those layers, out of `size`, that something else in the list has too.
    pub shared: u64,
    /// Number of layers, or of an index's manifests, stored or not.
    pub layers: usize,
    /// How many of these are stored; of anything but an index, all.
    pub stored: usize,
    /// Number of direct referrers.
    pub referrers: u64,
}

/// Every tag, sorted, with what it names. What cannot be read is listed with the reason.
///
/// Documents are compared with their digests; sizes of layers are as their streams announce them.
///
/// # Errors
/// When the tags themselves cannot be listed.
pub fn list(repository: &Repository) -> Result<Vec<ImageRow>, GraphError> {
    let tags = listing::references(repository, names::TAGS)?;
    let roots: HashSet<Stream> = tags
        .iter()
        .filter_map(|(_, target)| Stream::parse(target.as_ref().ok()?.as_str()))
        .collect();
    let lists = Lists::read(repository, &roots)?;
    let mut rows: Vec<ImageRow> = tags
        .into_iter()
        .map(|(file_name, target)| {
            let target = target.map(|name| Stream::parse(name.as_str()));
            ImageRow {
                digest: match &target {
                    Ok(Some(stream)) => Some(*stream.digest()),
                    _ => None,
                },
                details: target.and_then(|target| lists.details(target)),
                tag: match Tag::from_file_name(&file_name) {
                    Ok(tag) => tag.to_string(),
                    Err(_) => file_name,
                },
            }
        })
        .collect();
    rows.sort_by(|a, b| a.tag.cmp(&b.tag));
    Ok(rows)
}

/// An index, as far as it matters here.
struct Listed {
    artifact_type: Option<String>,
    size: u64,
    entries: usize,
    stored: usize,
    candidates: Vec<Candidate>,
}

/// Everything that was read for a list.
struct Lists<'a> {
    repository: &'a Repository,
    indexes: HashMap<ContentDigest, Listed>,
    summaries: HashMap<ContentDigest, Summary>,
    /// In how many of the things listed each layer is, by its number.
    holders: Vec<u32>,
    referrers: HashMap<ContentDigest, u64>,
}

impl<'a> Lists<'a> {
    fn read(repository: &'a Repository, roots: &HashSet<Stream>) -> Result<Self, GraphError> {
        let mut indexes = HashMap::new();
        let mut wanted = HashSet::new();
        for root in roots {
            match root {
                Stream::Manifest(digest) => {
                    wanted.insert(*digest);
                }
                Stream::Index(digest) => {
                    // What is wrong with it is found again when its line is written.
                    if let Ok(listed) = read_index(repository, digest) {
                        wanted.extend(listed.candidates.iter().map(|c| c.digest));
                        indexes.insert(*digest, listed);
                    }
                }
                _ => {}
            }
        }
        let mut lists = Self {
            repository,
            indexes,
            summaries: summarize(repository, wanted.into_iter().collect()),
            holders: Vec::new(),
            referrers: count_referrers(repository, roots)?,
        };
        lists.count_holders(roots);
        Ok(lists)
    }

    fn count_holders(&mut self, roots: &HashSet<Stream>) {
        let mut holders = Vec::new();
        for root in roots {
            let layers = self.manifests(root).flat_map(|summary| &summary.layers);
            let mut numbers: Vec<usize> = layers.map(|layer| layer.number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                if holders.len() <= number {
                    holders.resize(number + 1, 0);
                }
                holders[number] += 1;
            }
        }
        self.holders = holders;
    }

    /// The manifest, or those of the index.
    fn manifests(&self, root: &Stream) -> impl Iterator<Item = &Summary> {
        let (own, listed) = match root {
            Stream::Manifest(digest) => (self.summaries.get(digest), None),
            root => (None, self.indexes.get(root.digest())),
        };
        let candidates = listed.into_iter().flat_map(|listed| &listed.candidates);
        own.into_iter()
            .chain(candidates.filter_map(|candidate| self.summaries.get(&candidate.digest)))
    }

    fn details(&self, root: Option<Stream>) -> Result<Details, GraphError> {
        let root = root.ok_or(GraphError::NotAnImage)?;
        let mut details = match root {
            Stream::Manifest(digest) => match self.summaries.get(&digest) {
                Some(summary) => of_manifest(summary),
                None => {
                    // For the reason why it could not be read.
                    of_manifest(&Summaries::new(self.repository).read(&digest)?)
                }
            },
            Stream::Index(digest) => match self.indexes.get(&digest) {
                Some(listed) => self.of_index(listed),
                None => self.of_index(&read_index(self.repository, &digest)?),
            },
            _ => return Err(GraphError::NotAnImage),
        };
        for layer in self.manifests(&root).flat_map(|summary| &summary.layers) {
            let holders = self.holders.get(layer.number).copied().unwrap_or(0);
            details.size = details.size.saturating_add(layer.size);
            if holders > 1 {
                details.shared = details.shared.saturating_add(layer.size);
            }
        }
        details.referrers = self.referrers.get(root.digest()).copied().unwrap_or(0);
        Ok(details)
    }

    fn of_index(&self, listed: &Listed) -> Details {
        let mut platforms = Vec::new();
        let mut size = listed.size;
        for candidate in &listed.candidates {
            let summary = self.summaries.get(&candidate.digest);
            size = size.saturating_add(summary.map_or(0, |summary| summary.documents));
            let read = || summary.and_then(|summary| summary.platform.clone());
            if !candidate.attestation {
                platforms.extend(candidate.stated.clone().or_else(read));
            }
        }
        Details {
            kind: Kind::Index,
            artifact_type: listed.artifact_type.clone(),
            platform: None,
            platforms,
            created: None,
            size,
            shared: 0,
            layers: listed.entries,
            stored: listed.stored,
            referrers: 0,
        }
    }
}

/// Without its layers, which [`Lists::details`] adds.
fn of_manifest(summary: &Summary) -> Details {
    Details {
        kind: summary.kind,
        artifact_type: summary.artifact_type.clone(),
        platform: summary.platform.clone(),
        platforms: Vec::new(),
        created: summary.created.clone(),
        size: summary.documents,
        shared: 0,
        layers: summary.layers.len(),
        stored: summary.layers.len(),
        referrers: 0,
    }
}

fn read_index(repository: &Repository, digest: &ContentDigest) -> Result<Listed, GraphError> {
    let stored = stored::read_linked(repository, Stream::Index(*digest))?
        .ok_or(GraphError::NoSuchImage { digest: *digest })?;
    let index = stored::parse_index(digest, &stored.bytes)?;
    let mut entries_stored = 0;
    for entry in &index.manifests {
        entries_stored += usize::from(find(repository, &entry.digest)?.is_some());
    }
    Ok(Listed {
        artifact_type: index.artifact_type.map(|kind| kind.to_string()),
        size: stored.bytes.len() as u64,
        entries: index.manifests.len(),
        stored: entries_stored,
        candidates: candidates(repository, digest)?,
    })
}

/// Reads manifests on all processors. Those that cannot be read are left out.
fn summarize(
    repository: &Repository,
    wanted: Vec<ContentDigest>,
) -> HashMap<ContentDigest, Summary> {
    /// Manifests that a thread takes at once.
    const BATCH: usize = 32;
    let summaries = Summaries::new(repository);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(HashMap::with_capacity(wanted.len()));
    let work = || {
        let mut own = Vec::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed).min(wanted.len());
            let batch = &wanted[from..wanted.len().min(from + BATCH)];
            if batch.is_empty() {
                break;
            }
            for digest in batch {
                if let Ok(summary) = summaries.read(digest) {
                    own.push((*digest, summary));
                }
            }
        }
        let lock = found.lock();
        lock.unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend(own);
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(wanted.len().div_ceil(BATCH));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How many referrers each root has. One look tells which have any.
fn count_referrers(
    repository: &Repository,
    roots: &HashSet<Stream>,
) -> Result<HashMap<ContentDigest, u64>, GraphError> {
    let subjects = listing::subjects(repository)?;
    let mut counts = HashMap::new();
    for digest in roots.iter().map(Stream::digest) {
        if subjects.contains(digest) {
            let count = crate::referrers::linked(repository, digest)?.len();
            counts.insert(*digest, count as u64);
        }
    }
    Ok(counts)
}

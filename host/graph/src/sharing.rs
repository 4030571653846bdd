//! What is stored once although several have it: counted by objects, for everything that has a tag.
//!
//! Each stream is read once, however many images have it, and each object is remembered with a
//! quarter of its digest, its size, and who has it: that is kept as a chain of sets of tagged
//! things, which objects of the same history have in common. Documents and what streams hold inline
//! are left out: neither is shared, nor large.

use std::collections::{BTreeMap, HashMap};

use lazaret_artifact::{ContentDigest, VerityDigest};
use lazaret_store::{Chunk, Repository};

use crate::content::open_kept_blob;
use crate::error::GraphError;
use crate::gc::digests::{DigestMap, key};
use crate::images::{load_graph, load_manifest};
use crate::listing;
use crate::name::Name;
use crate::names::{self, Stream};

/// What everything that has a tag shares. All sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sharing {
    /// By the digest of the manifest or index that has the tag. What cannot be read is not there.
    pub of: BTreeMap<ContentDigest, Share>,
    /// What all of them would take if each had its own: the sum of [`Share::bytes`].
    pub total: u64,
    /// What they take together: each object once.
    pub stored: u64,
}

/// What one of them has: layers or blobs, what compressed blobs hold, and layers that were kept as
/// they travelled; of an index, those of everything that is stored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Objects, each once.
    pub objects: u64,
    /// Bytes rebuilt from objects: what occurs twice counts twice.
    pub bytes: u64,
    /// Bytes of the objects, each once.
    pub unique: u64,
    /// Of these, bytes in objects that something else with a tag has, too.
    pub shared: u64,
}

/// Counts what everything that has a tag shares with the rest. What is damaged is left out.
///
/// # Errors
/// When the store fails otherwise than by damage.
pub fn sharing(repository: &Repository) -> Result<Sharing, GraphError> {
    let mut count = Count::new(repository);
    for root in tagged(repository)? {
        match count.add_root(root) {
            Ok(()) => {}
            Err(error) if error.is_damage() || error.is_not_found() => {
                tracing::warn!(%root, %error, "leaving out what is damaged");
            }
            Err(error) => return Err(error),
        }
    }
    count.finish()
}

/// What tags name, each once.
fn tagged(repository: &Repository) -> Result<Vec<ContentDigest>, GraphError> {
    let mut roots = Vec::new();
    for (_, target) in listing::references(repository, names::TAGS)? {
        let target = target.ok().and_then(|name| Stream::parse(name.as_str()));
        if let Some(Stream::Manifest(digest) | Stream::Index(digest)) = target {
            roots.push(digest);
        }
    }
    roots.sort_unstable();
    roots.dedup();
    Ok(roots)
}

/// A root, by its place.
type Root = u32;

/// Who has an object: a link of a chain, by its place. The first is the end of all chains.
type Holders = u32;

/// Nobody yet.
const NOBODY: Holders = 0;

struct Count<'a> {
    repository: &'a Repository,
    roots: Vec<(ContentDigest, Share)>,
    /// The streams of manifests that were read: many images are in several indexes.
    manifests: HashMap<ContentDigest, Vec<VerityDigest>>,
    /// Who has a stream, and how often.
    streams: BTreeMap<VerityDigest, BTreeMap<Root, u64>>,
}

struct Object {
    size: u64,
    holders: Holders,
}

/// Chains of sets of roots: those of each stream that an object is part of.
struct Chains {
    sets: Vec<Vec<Root>>,
    /// The rest of the chain, and a set.
    links: Vec<(Holders, usize)>,
}

impl<'a> Count<'a> {
    fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            roots: Vec::new(),
            manifests: HashMap::new(),
            streams: BTreeMap::new(),
        }
    }

    fn add_root(&mut self, digest: ContentDigest) -> Result<(), GraphError> {
        let manifests = match self.manifests.contains_key(&digest) {
            true => vec![digest],
            false => {
                let graph = load_graph(self.repository, &Name::Digest(digest))?;
                let manifests = graph.manifests.into_iter();
                manifests.map(|stored| stored.manifest.digest).collect()
            }
        };
        for manifest in &manifests {
            if !self.manifests.contains_key(manifest) {
                let streams = streams_of(self.repository, manifest)?;
                self.manifests.insert(*manifest, streams);
            }
        }
        let root = Root::try_from(self.roots.len()).expect("fewer tags than files fit a directory");
        self.roots.push((digest, Share::default()));
        for manifest in manifests {
            for stream in &self.manifests[&manifest] {
                let users = self.streams.entry(*stream).or_default();
                *users.entry(root).or_default() += 1;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Sharing, GraphError> {
        let mut chains = Chains {
            sets: Vec::new(),
            links: vec![(NOBODY, usize::MAX)],
        };
        let mut sets: HashMap<Vec<Root>, usize> = HashMap::new();
        let mut objects: DigestMap<Object> = DigestMap::default();
        for (stream, users) in std::mem::take(&mut self.streams) {
            let users_alone: Vec<Root> = users.keys().copied().collect();
            let set = *sets.entry(users_alone).or_insert_with_key(|users| {
                chains.sets.push(users.clone());
                chains.sets.len() - 1
            });
            let bytes = match self.read(&stream, set, &mut chains, &mut objects) {
                Ok(bytes) => bytes,
                Err(error) if error.is_damage() => {
                    tracing::warn!(%stream, %error, "leaving out a damaged stream");
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (root, times) in users {
                self.roots[root as usize].1.bytes += bytes * times;
            }
        }
        let mut sharing = Sharing::default();
        // Objects and bytes of all that have the same history.
        let mut sums: BTreeMap<Holders, (u64, u64)> = BTreeMap::new();
        for object in objects.into_values() {
            let (count, bytes) = sums.entry(object.holders).or_default();
            *count += 1;
            *bytes += object.size;
            sharing.stored += object.size;
        }
        for (holders, (count, bytes)) in sums {
            let roots = chains.roots(holders);
            let shared = if roots.len() > 1 { bytes } else { 0 };
            for root in roots {
                let share = &mut self.roots[root as usize].1;
                share.objects += count;
                share.unique += bytes;
                share.shared += shared;
            }
        }
        sharing.total = self.roots.iter().map(|(_, share)| share.bytes).sum();
        sharing.of = self.roots.into_iter().collect();
        Ok(sharing)
    }

    /// Notes a stream's objects; returns the bytes that it rebuilds from them.
    fn read(
        &self,
        stream: &VerityDigest,
        set: usize,
        chains: &mut Chains,
        objects: &mut DigestMap<Object>,
    ) -> Result<u64, GraphError> {
        let mut reader = self.repository.open_stream(stream, None)?;
        let mut made = HashMap::new();
        for digest in reader.object_refs() {
            let object = match objects.entry(key(digest)) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => new.insert(Object {
                    // One that is missing is damage, which others tell of.
                    size: self.repository.has_object(digest)?.unwrap_or(0),
                    holders: NOBODY,
                }),
            };
            object.holders = chains.add(object.holders, set, &mut made);
        }
        let mut bytes = 0;
        while let Some(chunk) = reader.next_chunk()? {
            if let Chunk::Object(digest) = chunk {
                bytes += objects.get(&key(&digest)).map_or(0, |object| object.size);
            }
        }
        Ok(bytes)
    }
}

impl Chains {
    /// The chain that is `holders` with `set`; `made` knows those of one stream.
    fn add(
        &mut self,
        holders: Holders,
        set: usize,
        made: &mut HashMap<Holders, Holders>,
    ) -> Holders {
        if self.links[holders as usize].1 == set {
            return holders;
        }
        *made.entry(holders).or_insert_with(|| {
            self.links.push((holders, set));
            Holders::try_from(self.links.len() - 1)
                .expect("fewer chains than references to objects")
        })
    }

    /// Everybody in a chain, each once.
    fn roots(&self, mut holders: Holders) -> Vec<Root> {
        let mut roots = Vec::new();
        while holders != NOBODY {
            let (rest, set) = self.links[holders as usize];
            roots.extend(&self.sets[set]);
            holders = rest;
        }
        roots.sort_unstable();
        roots.dedup();
        roots
    }
}

/// The streams that are stored of a manifest, beside documents.
fn streams_of(
    repository: &Repository,
    manifest: &ContentDigest,
) -> Result<Vec<VerityDigest>, GraphError> {
    let image = load_manifest(repository, manifest)?;
    let mut streams = Vec::with_capacity(image.layers.len());
    for layer in &image.layers {
        streams.push(layer.stream);
        streams.extend(layer.unpacked.map(|unpacked| unpacked.stream));
        if image.config.is_some() {
            let kept = open_kept_blob(repository, &layer.descriptor.digest)?;
            streams.extend(kept.map(|(stream, _)| stream));
        }
    }
    Ok(streams)
}

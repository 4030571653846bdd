//! Naming what was stored, in an order that a crash cannot betray: everything a name leads to is on
//! the disk before the name is, streams before the references to them. Streams are named in the
//! order in which the caller adds them, so that one that others refer to can come first; so are the
//! namespaces of references, so that tags can come last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::{AsFd, OwnedFd};

use lazaret_artifact::VerityDigest;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::{REFS, STREAMS, object_link};
use crate::name::StreamName;
use crate::names::{ref_depth, ref_link, ref_path};
use crate::repository::Repository;
use crate::temporary::replace_symlink;

/// Attempts at making a directory of references and a link in it, while others remove the directory
/// because it is empty.
const DIRECTORY_ATTEMPTS: usize = 16;

/// Names to be given together. Nothing happens before [`Transaction::commit`]; dropping it gives
/// none.
#[derive(Debug)]
#[must_use = "nothing is named before commit"]
pub struct Transaction {
    repository: Repository,
    /// In the order of the first mention.
    streams: Vec<(StreamName, VerityDigest)>,
    /// Where in `streams` a name is.
    places: HashMap<StreamName, usize>,
    /// By namespace, in the order of the first mention.
    refs: Vec<(String, BTreeMap<String, StreamName>)>,
    /// Where in `refs` a namespace is.
    namespaces: HashMap<String, usize>,
}

impl Repository {
    /// Begins giving names.
    pub fn transaction(&self) -> Transaction {
        Transaction {
            repository: self.clone(),
            streams: Vec::new(),
            places: HashMap::new(),
            refs: Vec::new(),
            namespaces: HashMap::new(),
        }
    }
}

impl Transaction {
    /// Names a splitstream, in place of what had the name. Names are given in the order of these
    /// calls; a name that was added before keeps its place and gets the new stream.
    pub fn link_stream(&mut self, name: StreamName, stream: VerityDigest) -> &mut Self {
        match self.places.get(&name) {
            Some(place) => self.streams[*place].1 = stream,
            None => {
                self.places.insert(name.clone(), self.streams.len());
                self.streams.push((name, stream));
            }
        }
        self
    }

    /// Makes `streams/refs/<namespace>/<name>` lead to a named stream, in place of what was there.
    /// The namespace may have several components, separated by slashes. Namespaces are gone through
    /// in the order of these calls.
    pub fn link_ref(&mut self, namespace: &str, name: &str, stream: StreamName) -> &mut Self {
        let place = match self.namespaces.get(namespace) {
            Some(place) => *place,
            None => {
                self.refs.push((namespace.to_owned(), BTreeMap::new()));
                let place = self.refs.len() - 1;
                self.namespaces.insert(namespace.to_owned(), place);
                place
            }
        };
        self.refs[place].1.insert(name.to_owned(), stream);
        self
    }

    /// Syncs the filesystem, then gives the names, each in one step.
    ///
    /// # Errors
    /// [`StoreError::ObjectMissing`] or [`StoreError::StreamMissing`] when a name would lead
    /// nowhere, [`StoreError::Name`] for a reference that cannot be; nothing was named then. When
    /// the operating system refuses, some names may have been given, all of them valid.
    pub fn commit(self) -> Result<(), StoreError> {
        let repository = &self.repository;
        repository.require_write()?;
        self.check()?;
        if self.streams.is_empty() && self.refs.is_empty() {
            return Ok(());
        }
        let root = &repository.inner.root;
        rustix::fs::syncfs(root).map_err(StoreError::io("sync", repository.path()))?;

        let streams = repository.open_or_make(STREAMS)?;
        for (name, digest) in &self.streams {
            replace_symlink(root, &streams, name.as_str(), &object_link(digest)).map_err(
                StoreError::io("create", repository.at(STREAMS).join(name.as_str())),
            )?;
        }
        repository.sync(&streams, STREAMS)?;
        if self.refs.is_empty() {
            return repository.sync(root, "");
        }

        let refs = format!("{STREAMS}/{REFS}");
        let parent = repository.open_or_make(&refs)?;
        for (namespace, links) in &self.refs {
            let depth = ref_depth(namespace);
            let links: Vec<(&str, String)> = links
                .iter()
                .map(|(name, stream)| (&**name, ref_link(depth, stream)))
                .collect();
            repository.link_refs(&format!("{refs}/{namespace}"), &links)?;
        }
        // Directories above nested namespaces may be new too.
        let above: BTreeSet<&str> = self
            .refs
            .iter()
            .flat_map(|(namespace, _)| namespace.match_indices('/').map(|(at, _)| &namespace[..at]))
            .collect();
        for namespace in above.into_iter().rev() {
            let path = format!("{refs}/{namespace}");
            repository.sync(&repository.open_or_make(&path)?, &path)?;
        }
        repository.sync(&parent, &refs)?;
        repository.sync(&streams, STREAMS)?;
        repository.sync(root, "")
    }

    /// Refuses names that would lead nowhere.
    fn check(&self) -> Result<(), StoreError> {
        for (_, digest) in &self.streams {
            if self.repository.has_object(digest)?.is_none() {
                return Err(StoreError::ObjectMissing { digest: *digest });
            }
        }
        let refs = self.refs.iter();
        let refs =
            refs.flat_map(|(namespace, links)| links.iter().map(move |link| (namespace, link)));
        for (namespace, (name, stream)) in refs {
            ref_path(namespace, name)?;
            let known = self.places.contains_key(stream)
                || self.repository.resolve_stream(stream)?.is_some();
            if !known {
                return Err(StoreError::StreamMissing {
                    name: stream.to_string(),
                });
            }
        }
        Ok(())
    }
}

impl Repository {
    fn open_or_make(&self, path: &str) -> Result<OwnedFd, StoreError> {
        self.make_directory(path)?;
        beneath::open_directory(&self.inner.root, path)
            .map_err(StoreError::io("open", self.at(path)))
    }

    /// Makes links in a directory of references, which is made with those above it.
    fn link_refs(&self, path: &str, links: &[(&str, String)]) -> Result<(), StoreError> {
        for attempt in 1.. {
            // What is above `streams/refs` is there.
            let nested = path.match_indices('/').skip(2).map(|(at, _)| &path[..at]);
            let made = nested
                .chain([path])
                .try_for_each(|directory| self.make_directory(directory))
                .and_then(|()| {
                    beneath::open_directory(&self.inner.root, path)
                        .map_err(StoreError::io("open", self.at(path)))
                })
                .and_then(|directory| {
                    for (name, target) in links {
                        replace_symlink(&self.inner.root, &directory, name, target)
                            .map_err(StoreError::io("create", self.at(path).join(name)))?;
                    }
                    self.sync(&directory, path)
                });
            match made {
                // Whoever removed the last reference removes the directory too.
                Err(StoreError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound
                        && attempt < DIRECTORY_ATTEMPTS => {}
                made => return made,
            }
        }
        unreachable!("the loop ends with its last attempt")
    }

    fn sync(&self, directory: impl AsFd, path: &str) -> Result<(), StoreError> {
        rustix::fs::fsync(directory).map_err(StoreError::io("sync", self.at(path)))
    }
}

//! Naming what was stored, in an order that a crash cannot betray: everything a name leads to is on
//! the disk before the name is, streams before the references to them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

use lazaret_artifact::VerityDigest;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::{REFS, STREAMS, object_link};
use crate::name::StreamName;
use crate::names::{ref_link, ref_path};
use crate::repository::Repository;
use crate::temporary::replace_symlink;

/// Names to be given together. Nothing happens before [`Transaction::commit`]; dropping it gives
/// none.
#[derive(Debug)]
#[must_use = "nothing is named before commit"]
pub struct Transaction {
    repository: Repository,
    streams: BTreeMap<StreamName, VerityDigest>,
    refs: BTreeMap<(String, String), StreamName>,
}

impl Repository {
    /// Begins giving names.
    pub fn transaction(&self) -> Transaction {
        Transaction {
            repository: self.clone(),
            streams: BTreeMap::new(),
            refs: BTreeMap::new(),
        }
    }
}

impl Transaction {
    /// Names a splitstream, in place of what had the name.
    pub fn link_stream(&mut self, name: StreamName, stream: VerityDigest) -> &mut Self {
        self.streams.insert(name, stream);
        self
    }

    /// Makes `streams/refs/<namespace>/<name>` lead to a named stream, in place of what was there.
    pub fn link_ref(&mut self, namespace: &str, name: &str, stream: StreamName) -> &mut Self {
        let key = (namespace.to_owned(), name.to_owned());
        self.refs.insert(key, stream);
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
        let namespaces: BTreeSet<&str> = self.refs.keys().map(|(space, _)| &**space).collect();
        for namespace in namespaces {
            let path = format!("{refs}/{namespace}");
            let directory = repository.open_or_make(&path)?;
            let own = self
                .refs
                .iter()
                .filter(|((space, _), _)| space == namespace);
            for ((_, name), stream) in own {
                replace_symlink(root, &directory, name, &ref_link(2, stream))
                    .map_err(StoreError::io("create", repository.at(&path).join(name)))?;
            }
            repository.sync(&directory, &path)?;
        }
        repository.sync(&parent, &refs)?;
        repository.sync(&streams, STREAMS)?;
        repository.sync(root, "")
    }

    /// Refuses names that would lead nowhere.
    fn check(&self) -> Result<(), StoreError> {
        for digest in self.streams.values() {
            if self.repository.has_object(digest)?.is_none() {
                return Err(StoreError::ObjectMissing { digest: *digest });
            }
        }
        for ((namespace, name), stream) in &self.refs {
            ref_path(namespace, name)?;
            let known = self.streams.contains_key(stream)
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

    fn sync(&self, directory: impl AsFd, path: &str) -> Result<(), StoreError> {
        rustix::fs::fsync(directory).map_err(StoreError::io("sync", self.at(path)))
    }
}

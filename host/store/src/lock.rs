//! Who may change the repository: everyone who adds holds a shared `flock` on its directory, one
//! who deletes the exclusive one (composefs 0.9 does the same on the same directory).

use std::os::fd::AsFd;
use std::path::Path;

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, FlockOperation, flock, unlinkat};
use rustix::io::Errno;

use crate::error::StoreError;
use crate::layout::{OBJECTS, STREAMS, TEMPORARY, object_path};
use crate::name::StreamName;
use crate::repository::Repository;

/// Takes the shared lock, waiting for a holder of the exclusive one.
pub(crate) fn lock_shared(root: impl AsFd, path: &Path) -> Result<(), StoreError> {
    match flock(&root, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Ok(()),
        Err(Errno::WOULDBLOCK) => {
            tracing::info!(path = %path.display(), "waiting for another process");
        }
        Err(error) => return Err(StoreError::io("lock", path)(error)),
    }
    loop {
        match flock(&root, FlockOperation::LockShared) {
            Err(Errno::INTR) => {}
            result => return result.map_err(StoreError::io("lock", path)),
        }
    }
}

/// Permission to delete. Shared again when dropped.
///
/// It keeps other processes and other openings of the repository out, but not other threads that
/// use clones of the same [`Repository`].
#[derive(Debug)]
pub struct ExclusiveLock<'a> {
    repository: &'a Repository,
}

impl Repository {
    /// Exchanges the shared lock for the exclusive one, and sweeps what crashed processes left.
    ///
    /// The exchange is not atomic: another process may have changed the repository in between, so
    /// what was read before has to be read again.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when anybody else has the repository open.
    pub fn try_lock_exclusive(&self) -> Result<ExclusiveLock<'_>, StoreError> {
        self.require_write()?;
        let root = &self.inner.root;
        match flock(root, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                // A failed exchange loses the lock it started from (flock(2)).
                lock_shared(root, self.path())?;
                return Err(StoreError::Locked {
                    path: self.path().to_owned(),
                });
            }
            Err(error) => return Err(StoreError::io("lock", self.path())(error)),
        }
        let lock = ExclusiveLock { repository: self };
        lock.sweep()?;
        Ok(lock)
    }
}

impl ExclusiveLock<'_> {
    /// Deletes an object. Returns whether it was there.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn remove_object(&self, digest: &VerityDigest) -> Result<bool, StoreError> {
        self.unlink(&format!("{OBJECTS}/{}", object_path(digest)))
    }

    /// Deletes a stream's name, and not the objects that it consists of. Returns whether it was
    /// there.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn remove_stream(&self, name: &StreamName) -> Result<bool, StoreError> {
        self.unlink(&format!("{STREAMS}/{name}"))
    }

    /// Deletes an image's name, and not the object. Returns whether it was there.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn remove_image(&self, digest: &VerityDigest) -> Result<bool, StoreError> {
        self.unlink(&format!("{}/{}", crate::layout::IMAGES, digest.hex()))
    }

    fn unlink(&self, path: &str) -> Result<bool, StoreError> {
        match unlinkat(&self.repository.inner.root, path, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(StoreError::io("remove", self.repository.at(path))(error)),
        }
    }

    /// Removes the temporary files of processes that died. Every living one that might own such a
    /// file holds the shared lock.
    fn sweep(&self) -> Result<(), StoreError> {
        let repository = self.repository;
        let failed = |error| StoreError::io("list", repository.path())(error);
        let entries = rustix::fs::Dir::read_from(&repository.inner.root).map_err(failed)?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().to_str()
                && name.starts_with(TEMPORARY)
            {
                tracing::debug!(name, "removing a leftover");
                self.unlink(name)?;
            }
        }
        Ok(())
    }
}

impl Drop for ExclusiveLock<'_> {
    fn drop(&mut self) {
        if let Err(error) = lock_shared(&self.repository.inner.root, self.repository.path()) {
            tracing::warn!(%error, "the exclusive lock is kept until the repository is closed");
        }
    }
}

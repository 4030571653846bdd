//! Who may change the repository: everyone who adds holds a shared `flock` on its directory, one
//! who deletes the exclusive one (composefs 0.9 does the same on the same directory).

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, FlockOperation, flock, unlinkat};
use rustix::io::Errno;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::{IMAGES, OBJECTS, REFS, STREAMS, TEMPORARY, object_path};
use crate::name::{StreamName, check_component};
use crate::repository::Repository;

/// Pause between two attempts at the exclusive lock. A blocking `flock` could not be cancelled.
const POLL: Duration = Duration::from_millis(20);

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
        if !self.exchange()? {
            // A failed exchange loses the lock it started from (flock(2)).
            lock_shared(&self.inner.root, self.path())?;
            return Err(StoreError::Locked {
                path: self.path().to_owned(),
            });
        }
        self.swept()
    }

    /// [`Repository::try_lock_exclusive`] as often as it takes. `waiting` is called once, before
    /// the first pause. Meanwhile no lock is held, so that two that wait do not wait for each other.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`] when `cancel` is set; the repository may be without any lock
    /// then, and is only good for being dropped.
    pub fn lock_exclusive(
        &self,
        cancel: &AtomicBool,
        waiting: &dyn Fn(),
    ) -> Result<ExclusiveLock<'_>, StoreError> {
        self.require_write()?;
        let root = &self.inner.root;
        let mut waited = false;
        while !self.exchange()? {
            flock(root, FlockOperation::Unlock).map_err(StoreError::io("unlock", self.path()))?;
            if !waited {
                waiting();
                waited = true;
            }
            if cancel.load(Ordering::Relaxed) {
                // Not waited for either: another process may collect for minutes.
                if let Err(error) = flock(root, FlockOperation::NonBlockingLockShared) {
                    tracing::debug!(%error, "the repository is left without a lock");
                }
                return Err(StoreError::Cancelled);
            }
            std::thread::sleep(POLL);
        }
        self.swept()
    }

    /// Tries to exchange the lock; says whether that worked. No lock is held where it did not.
    fn exchange(&self) -> Result<bool, StoreError> {
        loop {
            match flock(&self.inner.root, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(true),
                Err(Errno::WOULDBLOCK) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(StoreError::io("lock", self.path())(error)),
            }
        }
    }

    fn swept(&self) -> Result<ExclusiveLock<'_>, StoreError> {
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
        self.unlink(&format!("{IMAGES}/{}", digest.hex()))
    }

    /// Deletes a reference by its path below `streams/refs`, of any depth, and the directories that
    /// are empty then. Returns whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Name`], or when the operating system refuses.
    pub fn remove_ref(&self, path: &str) -> Result<bool, StoreError> {
        match path.rsplit_once('/') {
            Some((namespace, name)) => self.repository.remove_ref(namespace, name),
            None => {
                check_component(path)?;
                self.unlink(&format!("{STREAMS}/{REFS}/{path}"))
            }
        }
    }

    /// Puts the removal of names on the disk: what they led to may be deleted then.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn sync_names(&self) -> Result<(), StoreError> {
        let repository = self.repository;
        let mut waiting = vec![STREAMS.to_owned(), IMAGES.to_owned()];
        while let Some(path) = waiting.pop() {
            let directory = match beneath::open_directory(&repository.inner.root, &path) {
                Ok(directory) => directory,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(StoreError::io("open", repository.at(&path))(error)),
            };
            rustix::fs::fsync(directory).map_err(StoreError::io("sync", repository.at(&path)))?;
            waiting.extend(repository.directories_in(&path)?);
        }
        Ok(())
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

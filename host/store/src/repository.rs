//! Making and opening a repository.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use lazaret_artifact::VerityAlgorithm;
use rustix::fs::{AtFlags, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use crate::beneath;
use crate::error::{MetadataFault, StoreError};
use crate::layout::{METADATA, OBJECTS};
use crate::lock;
use crate::metadata::{self, Metadata};
use crate::temporary::Temporary;
use crate::verity::kernel::{self, Measured, Sealed};

/// Permissions of directories inside a repository, before the umask; composefs' choice. The
/// repository itself is for its owner only.
pub(crate) const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);

/// What a repository is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing will be changed. Works on a read-only filesystem.
    Read,
    /// Objects and names may be added.
    Write,
}

/// Whether the objects of a new repository are sealed by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerityPolicy {
    /// If the filesystem can.
    Auto,
    /// Or there is no repository.
    Require,
    /// Never. Digests are computed in user space.
    Insecure,
}

/// An open repository. Clones share one lock and one set of descriptors; all methods may be called
/// from many threads at once.
#[derive(Clone)]
pub struct Repository {
    pub(crate) inner: Arc<Inner>,
    /// Objects that are there are read before they are relied on.
    pub(crate) verify_present: bool,
}

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    /// The repository's directory. The lock hangs on this descriptor.
    pub(crate) root: Arc<OwnedFd>,
    objects: OnceLock<OwnedFd>,
    metadata: Metadata,
    verity_required: bool,
    access: Access,
    /// The filesystem has no nameless files.
    pub(crate) no_tmpfile: AtomicBool,
}

impl Repository {
    /// Makes a repository, with mode 0700 and its parents too, and opens it for writing. Does no
    /// more than open it when it is there with the same settings.
    ///
    /// # Errors
    /// [`StoreError::OtherConfiguration`] when it is there with other settings,
    /// [`StoreError::VerityUnsupported`] when fs-verity is required and not to be had.
    pub fn init(
        path: &Path,
        algorithm: VerityAlgorithm,
        policy: VerityPolicy,
    ) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(StoreError::io("create", path))?;
        let root = Arc::new(open_root(path)?);
        let wanted = Metadata::new(algorithm);
        let found = match read_metadata(&root, path) {
            Err(StoreError::NotARepository { .. }) => {
                // Another process may have made it since, and have stored objects already.
                if !has_objects(&root, path)? {
                    write_metadata(&root, path, &wanted, policy)?;
                }
                match read_metadata(&root, path) {
                    Err(StoreError::NotARepository { .. }) => return Err(older_format(path)),
                    found => found?,
                }
            }
            found => found?,
        };
        let (metadata, sealed) = found;
        let describe = |algorithm: VerityAlgorithm, erofs: u32, sealed: Option<bool>| {
            let verity = match sealed {
                Some(true) => ", fs-verity required",
                Some(false) => ", fs-verity not required",
                None => "",
            };
            format!("{algorithm}, EROFS format {erofs}{verity}")
        };
        let demanded = match policy {
            VerityPolicy::Auto => None,
            VerityPolicy::Require => Some(true),
            VerityPolicy::Insecure => Some(false),
        };
        if metadata.algorithm != algorithm
            || metadata.erofs_version() != wanted.erofs_version()
            || demanded.is_some_and(|demanded| demanded != sealed)
        {
            return Err(StoreError::OtherConfiguration {
                path: path.to_owned(),
                found: describe(
                    metadata.algorithm,
                    metadata.erofs_version(),
                    demanded.map(|_| sealed),
                ),
                wanted: describe(algorithm, wanted.erofs_version(), demanded),
            });
        }
        drop(root);
        Self::open(path, Access::Write)
    }

    /// Opens a repository and holds a shared lock on it until the last clone is dropped. Waits for
    /// a process that holds the exclusive lock.
    ///
    /// # Errors
    /// [`StoreError::NotARepository`]; [`StoreError::Metadata`] for a format this program does not
    /// know; [`StoreError::ReadOnly`] when it is to be written to and cannot be.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let root = open_root(path)?;
        lock::lock_shared(&root, path)?;
        let (metadata, verity_required) = read_metadata(&root, path)?;
        if access == Access::Write {
            check_writable(&root, path, &metadata)?;
        }
        tracing::debug!(
            path = %path.display(),
            algorithm = %metadata.algorithm,
            verity_required,
            "opened repository"
        );
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                root: Arc::new(root),
                objects: OnceLock::new(),
                metadata,
                verity_required,
                access,
                no_tmpfile: AtomicBool::new(false),
            }),
            verify_present: false,
        })
    }

    /// The same repository, but what is stored through this one reads an object that is there
    /// already, and replaces it when it is not what its name says. For repairing.
    #[must_use]
    pub fn with_verified_objects(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            verify_present: true,
        }
    }

    /// Where it lies, as given when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// How objects are named.
    #[must_use]
    pub fn algorithm(&self) -> VerityAlgorithm {
        self.inner.metadata.algorithm
    }

    /// Whether every object must be sealed by the kernel.
    #[must_use]
    pub fn is_verity_required(&self) -> bool {
        self.inner.verity_required
    }

    /// Its settings.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.inner.metadata
    }

    /// The repository's directory, for a program that mounts what lies in it.
    #[must_use]
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.inner.root.as_fd()
    }

    /// Refuses when the repository was opened for reading.
    pub(crate) fn require_write(&self) -> Result<(), StoreError> {
        match self.inner.access {
            Access::Write => Ok(()),
            Access::Read => Err(StoreError::ReadOnly {
                path: self.inner.path.clone(),
                reason: "it was opened for reading".to_owned(),
            }),
        }
    }

    /// The `objects` directory; `None` while there is none.
    pub(crate) fn objects(&self) -> Result<Option<BorrowedFd<'_>>, StoreError> {
        if let Some(objects) = self.inner.objects.get() {
            return Ok(Some(objects.as_fd()));
        }
        match beneath::open_directory(&self.inner.root, OBJECTS) {
            Ok(objects) => Ok(Some(self.inner.objects.get_or_init(|| objects).as_fd())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::io("open", self.at(OBJECTS))(error)),
        }
    }

    /// The `objects` directory, made if there is none.
    pub(crate) fn objects_for_writing(&self) -> Result<BorrowedFd<'_>, StoreError> {
        if let Some(objects) = self.objects()? {
            return Ok(objects);
        }
        self.make_directory(OBJECTS)?;
        self.objects()?
            .ok_or_else(|| StoreError::io("open", self.at(OBJECTS))(Errno::NOENT))
    }

    /// Makes a directory in the repository, unless it is there.
    pub(crate) fn make_directory(&self, path: &str) -> Result<(), StoreError> {
        match rustix::fs::mkdirat(&self.inner.root, path, DIRECTORY_MODE) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(StoreError::io("create", self.at(path))(error)),
        }
    }

    /// A path in the repository, for messages.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.inner.path.join(path)
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

fn open_root(path: &Path) -> Result<OwnedFd, StoreError> {
    // Not O_PATH: a lock needs a descriptor that is really open.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(StoreError::io("open", path))
}

/// Reads `meta.json`. The flag says that it is sealed, and so every object has to be.
pub(crate) fn read_metadata(root: &OwnedFd, path: &Path) -> Result<(Metadata, bool), StoreError> {
    let place = path.join(METADATA);
    let file: File = match beneath::open_file(root, METADATA) {
        Ok(file) => file.into(),
        Err(Errno::NOENT) => {
            return Err(StoreError::NotARepository {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(StoreError::io("open", place)(error)),
    };
    let mut json = Vec::new();
    (&file)
        .take(metadata::MAX_SIZE + 1)
        .read_to_end(&mut json)
        .map_err(StoreError::io("read", &place))?;
    let invalid = |source| StoreError::Metadata {
        path: place.clone(),
        source,
    };
    if json.len() as u64 > metadata::MAX_SIZE {
        return Err(invalid(MetadataFault::Size(metadata::MAX_SIZE)));
    }
    let metadata = Metadata::parse(&json).map_err(invalid)?;
    let measured = kernel::measure(&file, metadata.algorithm);
    let sealed = match measured.map_err(StoreError::io("measure", &place))? {
        Measured::Digest(_) => true,
        Measured::Unsealed | Measured::Unsupported => false,
        Measured::OtherAlgorithm => return Err(invalid(MetadataFault::Seal)),
    };
    Ok((metadata, sealed))
}

fn has_objects(root: &OwnedFd, path: &Path) -> Result<bool, StoreError> {
    match rustix::fs::statat(root, OBJECTS, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(StoreError::io("examine", path.join(OBJECTS))(error)),
    }
}

/// Objects without a `meta.json` are a repository from before composefs 0.7. Settings written over
/// it could contradict what is there.
fn older_format(path: &Path) -> StoreError {
    StoreError::OtherConfiguration {
        path: path.to_owned(),
        found: "objects but no meta.json (an older format)".to_owned(),
        wanted: "a new one".to_owned(),
    }
}

fn write_metadata(
    root: &Arc<OwnedFd>,
    path: &Path,
    metadata: &Metadata,
    policy: VerityPolicy,
) -> Result<(), StoreError> {
    let place = path.join(METADATA);
    let mut file = Temporary::create(root, root.as_fd(), &AtomicBool::new(false))
        .map_err(StoreError::io("create", &place))?;
    file.file()
        .write_all(&metadata.to_json())
        .and_then(|()| file.file().sync_all())
        .map_err(StoreError::io("write", &place))?;
    if policy != VerityPolicy::Insecure {
        let sealed = file.seal(metadata.algorithm);
        match sealed.map_err(StoreError::io("seal", &place))? {
            Sealed::Done => {}
            Sealed::Unsupported if policy == VerityPolicy::Auto => {
                tracing::debug!(path = %path.display(), "no fs-verity here");
            }
            Sealed::Unsupported => {
                return Err(StoreError::VerityUnsupported {
                    path: path.to_owned(),
                });
            }
        }
    }
    match file.link(root, METADATA) {
        // Another process was faster; whether it wanted the same is for the caller to see.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(StoreError::io("create", place)(error)),
    }
    rustix::fs::fsync(root).map_err(StoreError::io("sync", path))
}

fn check_writable(root: &OwnedFd, path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    let refuse = |reason: String| {
        Err(StoreError::ReadOnly {
            path: path.to_owned(),
            reason,
        })
    };
    let unknown = metadata.unknown_read_only_features();
    if !unknown.is_empty() {
        return refuse(format!("unknown read-only-compatible features {unknown:?}"));
    }
    // Permission bits alone do not tell: they bind nobody who is root.
    let filesystem = rustix::fs::fstatvfs(root).map_err(StoreError::io("examine", path))?;
    if filesystem.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return refuse("the filesystem is mounted read-only".to_owned());
    }
    let wanted = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    match rustix::fs::accessat(root, ".", wanted, AtFlags::empty()) {
        Ok(()) => Ok(()),
        Err(error) => refuse(io::Error::from(error).to_string()),
    }
}

#[cfg(test)]
mod tests;

//! Files that nobody can see until they are whole.
//!
//! They have no name at all (`O_TMPFILE`). Where the filesystem cannot do that, they have a
//! temporary name in the repository's root: never in `objects/XX/` or `streams/`, where composefs
//! would stumble over it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use lazaret_artifact::VerityAlgorithm;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open, openat, renameat, symlinkat, unlinkat};
use rustix::io::{Errno, Result};

use crate::beneath;
use crate::layout::TEMPORARY;
use crate::verity::kernel::{self, Sealed};

/// Permissions of a file in the repository, before the umask; composefs' choice.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// Temporary names tried before giving up. A name holds the process, a counter and the time, so a
/// second try is already unlikely.
const NAME_ATTEMPTS: usize = 16;

/// A file being written. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Temporary {
    root: Arc<OwnedFd>,
    file: File,
    name: Option<String>,
}

impl Temporary {
    /// Creates an empty file on the filesystem of `directory`. `unsupported` remembers that the
    /// filesystem has no nameless files.
    pub(crate) fn create(
        root: &Arc<OwnedFd>,
        directory: BorrowedFd<'_>,
        unsupported: &AtomicBool,
    ) -> Result<Self> {
        if !unsupported.load(Ordering::Relaxed) {
            let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
            match openat(directory, ".", flags, FILE_MODE) {
                Ok(file) => {
                    return Ok(Self {
                        root: Arc::clone(root),
                        file: file.into(),
                        name: None,
                    });
                }
                Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
                    tracing::debug!("no O_TMPFILE here, using temporary names");
                    unsupported.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let (name, file) = with_fresh_name(|name| openat(root, name, flags, FILE_MODE))?;
        Ok(Self {
            root: Arc::clone(root),
            file: file.into(),
            name: Some(name),
        })
    }

    /// The file, open for reading and writing until it is sealed.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Opens it once more, for reading only.
    pub(crate) fn reopen(&self) -> Result<File> {
        let reader = match &self.name {
            Some(name) => beneath::open_file(&self.root, name)?,
            None => open(
                own_path(&self.file),
                OFlags::RDONLY | OFlags::CLOEXEC,
                Mode::empty(),
            )?,
        };
        Ok(reader.into())
    }

    /// Turns fs-verity on. The kernel wants a read-only descriptor and no writer left.
    pub(crate) fn seal(&mut self, algorithm: VerityAlgorithm) -> io::Result<Sealed> {
        self.file = self.reopen()?;
        kernel::seal(&self.file, algorithm)
    }

    /// Makes the file visible. `EEXIST` when something is there already.
    pub(crate) fn link(&self, directory: impl AsFd, path: &str) -> Result<()> {
        if let Some(name) = &self.name {
            return linkat(&self.root, name, directory, path, AtFlags::empty());
        }
        // Linking the descriptor itself is the shorter way. Before Linux 6.10 it takes a
        // capability, and `ENOENT` stands for the lack of it as well as for a missing directory.
        static NEEDS_PROC: AtomicBool = AtomicBool::new(false);
        if !NEEDS_PROC.load(Ordering::Relaxed) {
            match linkat(&self.file, "", &directory, path, AtFlags::EMPTY_PATH) {
                Err(Errno::NOENT) => {}
                result => return result,
            }
        }
        linkat(
            CWD,
            own_path(&self.file),
            directory,
            path,
            AtFlags::SYMLINK_FOLLOW,
        )
        .inspect(|()| NEEDS_PROC.store(true, Ordering::Relaxed))
    }

    /// Makes the file visible in the place of whatever is there.
    pub(crate) fn replace(mut self, directory: impl AsFd, path: &str) -> Result<()> {
        if self.name.is_none() {
            let (name, ()) = with_fresh_name(|name| self.link(&self.root, name))?;
            self.name = Some(name);
        }
        let name = self.name.as_deref().expect("it was just given one");
        renameat(&self.root, name, directory, path)?;
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Err(error) = unlinkat(&self.root, name, AtFlags::empty())
        {
            tracing::warn!(name, %error, "a temporary file stays behind");
        }
    }
}

/// Makes `path` a symbolic link to `target`, atomically, whatever was there. Returns whether
/// anything changed.
pub(crate) fn replace_symlink(
    root: &OwnedFd,
    directory: impl AsFd,
    name: &str,
    target: &str,
) -> Result<bool> {
    match symlinkat(target, &directory, name) {
        Err(Errno::EXIST) => {}
        result => return result.map(|()| true),
    }
    // What is there may be no link (`EINVAL`), or be gone by now: both are replaced.
    if let Ok(found) = rustix::fs::readlinkat(&directory, name, Vec::new())
        && found.as_bytes() == target.as_bytes()
    {
        return Ok(false);
    }
    let (temporary, ()) = with_fresh_name(|temporary| symlinkat(target, root, temporary))?;
    renameat(root, &*temporary, directory, name).inspect_err(|_| {
        if let Err(error) = unlinkat(root, &*temporary, AtFlags::empty()) {
            tracing::warn!(temporary, %error, "a temporary link stays behind");
        }
    })?;
    Ok(true)
}

/// Calls `create` with temporary names until one is free.
fn with_fresh_name<T>(create: impl Fn(&str) -> Result<T>) -> Result<(String, T)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..NAME_ATTEMPTS {
        let process = std::process::id();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = time.map_or(0, |since| since.as_nanos());
        let name = format!("{TEMPORARY}{process}-{count}-{time:x}");
        match create(&name) {
            Err(Errno::EXIST) => {}
            result => return result.map(|value| (name, value)),
        }
    }
    Err(Errno::EXIST)
}

/// A path that leads to an open file, named or not.
fn own_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

//! The directory exported to. Everything in it is reached from its descriptor, never through a
//! symbolic link: not one of the image's, and not one that somebody else puts there meanwhile.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use lazaret_artifact::EntryPath;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::ViewError;

/// Directories belong to nobody else until all is in them.
const PRIVATE: Mode = Mode::RWXU;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

pub(super) struct Destination {
    root: OwnedFd,
    path: PathBuf,
    /// The kernel has no `openat2` (before 5.6), or a sandbox forbids it.
    by_component: AtomicBool,
}

impl Destination {
    /// Makes the directory, its parents too, or takes one that is empty. Symbolic links in `path`
    /// are the caller's own and are followed.
    pub(super) fn prepare(path: &Path) -> Result<Self, ViewError> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            DirBuilder::new()
                .recursive(true)
                .create(parent)
                .map_err(ViewError::io("create", parent))?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(ViewError::io("create", path)(error));
            }
            _ => {}
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root =
            rustix::fs::open(path, flags, Mode::empty()).map_err(ViewError::io("open", path))?;
        for entry in Dir::read_from(&root).map_err(ViewError::io("list", path))? {
            let entry = entry.map_err(ViewError::io("list", path))?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                return Err(ViewError::NotEmpty {
                    path: path.to_owned(),
                });
            }
        }
        Ok(Self {
            root,
            path: path.to_owned(),
            by_component: AtomicBool::new(false),
        })
    }

    /// Where `path` is, for messages.
    pub(super) fn at(&self, path: &EntryPath) -> PathBuf {
        match path.is_root() {
            true => self.path.clone(),
            false => self.path.join(std::ffi::OsStr::from_bytes(path.as_bytes())),
        }
    }

    /// An error about `path`.
    pub(super) fn error<E: Into<io::Error>>(
        &self,
        operation: &'static str,
        path: &EntryPath,
    ) -> impl FnOnce(E) -> ViewError {
        ViewError::io(operation, self.at(path))
    }

    /// Makes a directory that is not there yet.
    pub(super) fn make_directory(
        &self,
        parent: &OwnedFd,
        path: &EntryPath,
    ) -> Result<(), ViewError> {
        rustix::fs::mkdirat(parent, file_name(path), PRIVATE)
            .map_err(self.error("create directory", path))
    }

    /// Opens a directory that is there.
    pub(super) fn open_directory(&self, path: &EntryPath) -> Result<OwnedFd, ViewError> {
        self.open(path).map_err(self.error("open", path))
    }

    fn open(&self, path: &EntryPath) -> rustix::io::Result<OwnedFd> {
        if path.is_root() {
            return rustix::io::fcntl_dupfd_cloexec(&self.root, 0);
        }
        if !self.by_component.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(
                &self.root,
                path.as_bytes(),
                DIRECTORY,
                Mode::empty(),
                resolve,
            ) {
                Err(Errno::NOSYS | Errno::PERM) => {
                    self.by_component.store(true, Ordering::Relaxed);
                }
                // A rename somewhere above, at the wrong moment.
                Err(Errno::AGAIN) => {}
                result => return result,
            }
        }
        self.open_by_component(path)
    }

    fn open_by_component(&self, path: &EntryPath) -> rustix::io::Result<OwnedFd> {
        let mut here = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        for component in path.components() {
            here = rustix::fs::openat(&here, component, DIRECTORY, Mode::empty())?;
        }
        Ok(here)
    }

    /// Opens anything in a directory without reading it, if it is still of that type.
    pub(super) fn open_path(
        &self,
        parent: &OwnedFd,
        path: &EntryPath,
        wanted: FileType,
    ) -> Result<OwnedFd, ViewError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, file_name(path), flags, Mode::empty())
            .map_err(self.error("open", path))?;
        let status = rustix::fs::statat(&file, c"", AtFlags::EMPTY_PATH)
            .map_err(self.error("examine", path))?;
        if FileType::from_raw_mode(status.st_mode) == wanted {
            Ok(file)
        } else {
            Err(self.error("open", path)(io::Error::other(
                "somebody replaced it",
            )))
        }
    }
}

/// The last component.
pub(super) fn file_name(path: &EntryPath) -> &[u8] {
    path.name().unwrap_or(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> EntryPath {
        EntryPath::from_untrusted(text.as_bytes()).unwrap()
    }

    #[test]
    fn directories_are_not_reached_through_symbolic_links() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("b")).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let place = temporary.path().join("x/y");
        let destination = Destination::prepare(&place).unwrap();
        std::fs::create_dir_all(place.join("real/b")).unwrap();
        std::os::unix::fs::symlink(outside.path(), place.join("link")).unwrap();
        std::os::unix::fs::symlink("real", place.join("near")).unwrap();
        for by_component in [false, true] {
            destination
                .by_component
                .store(by_component, Ordering::Relaxed);
            assert!(destination.open(&path("real/b")).is_ok());
            for bad in ["link", "link/b", "near", "near/b"] {
                assert!(
                    destination.open(&path(bad)).is_err(),
                    "{bad} {by_component}"
                );
            }
        }
    }

    #[test]
    fn only_an_empty_directory_will_do() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(Destination::prepare(temporary.path()).is_ok());
        std::fs::write(temporary.path().join(".hidden"), b"").unwrap();
        assert!(matches!(
            Destination::prepare(temporary.path()),
            Err(ViewError::NotEmpty { .. })
        ));
        assert!(matches!(
            Destination::prepare(&temporary.path().join(".hidden")),
            Err(ViewError::Io {
                operation: "open",
                ..
            })
        ));
    }
}

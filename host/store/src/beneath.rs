//! Opening paths below a directory without following symbolic links on the way.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, Result};

/// Opens `path`, relative to `directory`. A symbolic link anywhere in it is `ELOOP`, and a path
/// that leaves the directory is `EXDEV`. A kernel older than 5.6, or a sandbox that forbids
/// `openat2`, checks the last component only.
pub(crate) fn open(directory: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match openat2(&directory, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => openat(&directory, path, flags, Mode::empty()),
        result => result,
    }
}

/// Opens a directory for listing and syncing.
pub(crate) fn open_directory(directory: impl AsFd, path: &str) -> Result<OwnedFd> {
    open(directory, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Opens a file for reading. Does not block on a FIFO that lies where a file should be.
pub(crate) fn open_file(directory: impl AsFd, path: &str) -> Result<OwnedFd> {
    open(
        directory,
        path,
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn symbolic_links_are_not_followed_anywhere() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/file"), b"x").unwrap();
        symlink("real", at("link")).unwrap();
        symlink("file", at("real/link")).unwrap();
        let root = fs::File::open(directory.path()).unwrap();

        open_file(&root, "real/file").unwrap();
        assert_eq!(open_file(&root, "real/link").unwrap_err(), Errno::LOOP);
        assert_eq!(open_file(&root, "link/file").unwrap_err(), Errno::LOOP);
        assert_eq!(open_file(&root, "../x").unwrap_err(), Errno::XDEV);
    }
}

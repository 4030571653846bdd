//! Owners, modes, times and extended attributes of what was just made.
//!
//! In this order: the owner first, since changing it takes away set-id bits and capabilities;
//! extended attributes while the mode still allows it; then the mode; times last.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use lazaret_artifact::{EntryPath, Posix, Timestamp};
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::destination::{Destination, file_name};
use super::{Owners, Skipped, Warning};
use crate::error::ViewError;

/// Set-user-id and set-group-id.
const SET_ID: u32 = 0o6000;

/// The `-1` of chown(2): no id, but "leave it".
const NO_ID: u32 = u32::MAX;

/// What may be set at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    /// Owners are the image's.
    image_owners: bool,
    /// Attributes outside `user.` are worth trying.
    all_xattrs: bool,
}

impl Rights {
    pub(super) fn new(owners: Owners) -> Self {
        let root = rustix::process::geteuid().is_root();
        let image_owners = match owners {
            Owners::Auto => root,
            Owners::Image => true,
            Owners::Own => false,
        };
        Self {
            image_owners,
            all_xattrs: root,
        }
    }
}

/// Sets attributes and gathers what could not be set.
pub(super) struct Attributes<'a> {
    pub(super) destination: &'a Destination,
    pub(super) rights: Rights,
    pub(super) warnings: Vec<Warning>,
}

impl Attributes<'_> {
    /// Of an open file or directory.
    pub(super) fn set_open(
        &mut self,
        file: impl AsFd,
        path: &EntryPath,
        posix: &Posix,
        is_directory: bool,
    ) -> Result<(), ViewError> {
        let file = file.as_fd();
        let destination = self.destination;
        if let Some((owner, group)) = self.owners(path, posix) {
            rustix::fs::fchown(file, owner, group)
                .map_err(destination.error("set the owner of", path))?;
        }
        self.xattrs(path, posix, |name, value| {
            rustix::fs::fsetxattr(file, name, value, XattrFlags::empty())
        });
        rustix::fs::fchmod(file, self.mode(path, posix, is_directory))
            .map_err(destination.error("set the mode of", path))?;
        rustix::fs::futimens(file, &times(posix.mtime))
            .map_err(destination.error("set the times of", path))
    }

    /// Of a symbolic link, which has no mode.
    pub(super) fn set_symlink(
        &mut self,
        parent: &OwnedFd,
        path: &EntryPath,
        posix: &Posix,
    ) -> Result<(), ViewError> {
        self.set_owner_at(parent, path, posix)?;
        // No call sets attributes of a link by descriptor; the directory's is the next best.
        let place = proc_path(parent, Some(file_name(path)));
        self.xattrs(path, posix, |name, value| {
            rustix::fs::lsetxattr(place.as_slice(), name, value, XattrFlags::empty())
        });
        self.set_times_at(parent, path, posix)
    }

    /// Of a pipe or device, which cannot be opened without side effects; `file` names it only.
    pub(super) fn set_special(
        &mut self,
        parent: &OwnedFd,
        file: &OwnedFd,
        path: &EntryPath,
        posix: &Posix,
    ) -> Result<(), ViewError> {
        self.set_owner_at(parent, path, posix)?;
        let place = proc_path(file, None);
        self.xattrs(path, posix, |name, value| {
            rustix::fs::setxattr(place.as_slice(), name, value, XattrFlags::empty())
        });
        let mode = self.mode(path, posix, false);
        rustix::fs::chmodat(CWD, place.as_slice(), mode, AtFlags::empty())
            .map_err(self.destination.error("set the mode of", path))?;
        self.set_times_at(parent, path, posix)
    }

    fn set_owner_at(
        &mut self,
        parent: &OwnedFd,
        path: &EntryPath,
        posix: &Posix,
    ) -> Result<(), ViewError> {
        let Some((owner, group)) = self.owners(path, posix) else {
            return Ok(());
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(parent, file_name(path), owner, group, flags)
            .map_err(self.destination.error("set the owner of", path))
    }

    fn set_times_at(
        &self,
        parent: &OwnedFd,
        path: &EntryPath,
        posix: &Posix,
    ) -> Result<(), ViewError> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(parent, file_name(path), &times(posix.mtime), flags)
            .map_err(self.destination.error("set the times of", path))
    }

    fn owners(&mut self, path: &EntryPath, posix: &Posix) -> Option<(Option<Uid>, Option<Gid>)> {
        if !self.rights.image_owners {
            return None;
        }
        if posix.uid == NO_ID || posix.gid == NO_ID {
            self.warnings.push(Warning {
                path: path.clone(),
                skipped: Skipped::Owner,
            });
        }
        let owner = (posix.uid != NO_ID).then(|| Uid::from_raw(posix.uid));
        let group = (posix.gid != NO_ID).then(|| Gid::from_raw(posix.gid));
        Some((owner, group))
    }

    fn mode(&mut self, path: &EntryPath, posix: &Posix, is_directory: bool) -> Mode {
        let keeps_owner = self.rights.image_owners && posix.uid != NO_ID && posix.gid != NO_ID;
        // On a directory the bits only say whose the files in it become.
        let drops = !keeps_owner && !is_directory && posix.mode & SET_ID != 0;
        if drops {
            self.warnings.push(Warning {
                path: path.clone(),
                skipped: Skipped::SetId,
            });
        }
        let mode = if drops {
            posix.mode & !SET_ID
        } else {
            posix.mode
        };
        Mode::from_raw_mode(mode)
    }

    fn xattrs(
        &mut self,
        path: &EntryPath,
        posix: &Posix,
        set: impl Fn(&[u8], &[u8]) -> Result<(), Errno>,
    ) {
        for xattr in &posix.xattrs {
            if !self.rights.all_xattrs && !xattr.name.starts_with(b"user.") {
                self.warnings.push(Warning::xattr(path, &xattr.name, None));
            } else if let Err(error) = set(&xattr.name, &xattr.value) {
                let reason = io::Error::from(error).kind();
                self.warnings
                    .push(Warning::xattr(path, &xattr.name, Some(reason)));
            }
        }
    }
}

/// Both times: the image has no time of access, and now would make copies differ.
fn times(mtime: Timestamp) -> Timestamps {
    let time = Timespec {
        tv_sec: mtime.seconds,
        tv_nsec: mtime.nanoseconds.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// A path to an open file, or to a name in an open directory.
fn proc_path(file: &OwnedFd, name: Option<&[u8]>) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}", file.as_raw_fd()).into_bytes();
    if let Some(name) = name {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

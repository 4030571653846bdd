//! Going through all objects.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use crate::beneath;
use crate::error::StoreError;
use crate::layout::{OBJECTS, parse_object_name};
use crate::repository::Repository;

/// A file below `objects/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedObject {
    /// By its name; `None` when no object can have that name.
    pub(crate) digest: Option<VerityDigest>,
    /// Relative to `objects/`.
    pub(crate) path: String,
    pub(crate) is_file: bool,
    pub(crate) size: u64,
    /// Bytes it takes on disk.
    pub(crate) allocated: u64,
}

/// An object by its name alone.
#[derive(Debug)]
pub struct ObjectName<'a> {
    /// Its digest, by its name.
    pub digest: VerityDigest,
    repository: &'a Repository,
    directory: &'a OwnedFd,
    name: &'a CStr,
}

impl ObjectName<'_> {
    /// Its size, and what it takes on disk, in bytes.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        let status = rustix::fs::statat(self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| {
                StoreError::io("examine", self.repository.object_at(&self.digest))(error)
            })?;
        Ok(sizes(&status))
    }
}

/// Size and what it takes on disk, in bytes.
fn sizes(status: &Stat) -> (u64, u64) {
    (
        u64::try_from(status.st_size).unwrap_or(0),
        u64::try_from(status.st_blocks).unwrap_or(0) * 512,
    )
}

impl Repository {
    /// The directories of objects that there are, sorted.
    ///
    /// # Errors
    /// [`StoreError::ObjectName`] when there is anything else: whoever decides from what is there
    /// what may be deleted must understand all of it.
    pub fn object_directories(&self) -> Result<Vec<u8>, StoreError> {
        let mut directories = Vec::new();
        for entry in self.list(OBJECTS)? {
            let name = std::str::from_utf8(&entry.name).ok();
            let number = name.and_then(|name| u8::from_str_radix(name, 16).ok());
            match number {
                Some(number)
                    if entry.kind == FileType::Directory
                        && format!("{number:02x}").as_bytes() == entry.name =>
                {
                    directories.push(number);
                }
                _ => {
                    let name = String::from_utf8_lossy(&entry.name);
                    return Err(StoreError::ObjectName {
                        path: format!("{OBJECTS}/{name}"),
                    });
                }
            }
        }
        directories.sort_unstable();
        Ok(directories)
    }

    /// Calls `visit` with every object of one of the directories, in no order. Their content and
    /// size are not looked at.
    ///
    /// # Errors
    /// [`StoreError::ObjectName`] when there is anything that is no object; what `visit` returns.
    pub fn list_object_names(
        &self,
        directory: u8,
        visit: &mut dyn FnMut(ObjectName<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some((prefix, opened)) = self.open_object_directory(directory)? else {
            return Ok(());
        };
        let failed = |error| StoreError::io("list", self.at(OBJECTS).join(&prefix))(error);
        for entry in Dir::read_from(&opened).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let status = rustix::fs::statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW);
                    FileType::from_raw_mode(status.map_err(failed)?.st_mode)
                }
                kind => kind,
            };
            let digest = name
                .to_str()
                .ok()
                .and_then(|name| parse_object_name(self.algorithm(), &prefix, name));
            let Some(digest) = digest.filter(|_| kind == FileType::RegularFile) else {
                return Err(StoreError::ObjectName {
                    path: format!("{OBJECTS}/{prefix}/{}", name.to_string_lossy()),
                });
            };
            visit(ObjectName {
                digest,
                repository: self,
                directory: &opened,
                name,
            })?;
        }
        Ok(())
    }

    /// One of the directories and its name, if it is there.
    fn open_object_directory(
        &self,
        directory: u8,
    ) -> Result<Option<(String, OwnedFd)>, StoreError> {
        let Some(objects) = self.objects()? else {
            return Ok(None);
        };
        let prefix = format!("{directory:02x}");
        match beneath::open_directory(objects, &prefix) {
            Ok(opened) => Ok(Some((prefix, opened))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::io("open", self.at(OBJECTS).join(&prefix))(
                error,
            )),
        }
    }

    /// Calls `visit` with the name and the size of every object, in no order. Files that have no
    /// object's name are passed over; [`Repository::check`] reports them.
    ///
    /// # Errors
    /// When the operating system refuses, or what `visit` returns.
    pub fn for_each_object(
        &self,
        visit: &mut dyn FnMut(VerityDigest, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for directory in 0..=u8::MAX {
            self.list_objects(directory, &mut |object| match object.digest {
                Some(digest) if object.is_file => visit(digest, object.size),
                _ => Ok(()),
            })?;
        }
        Ok(())
    }

    /// Goes through one of the 256 directories of objects.
    pub(crate) fn list_objects(
        &self,
        directory: u8,
        visit: &mut dyn FnMut(ListedObject) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some((prefix, opened)) = self.open_object_directory(directory)? else {
            return Ok(());
        };
        let place = || self.at(OBJECTS).join(&prefix);
        let entries = Dir::read_from(&opened).map_err(StoreError::io("list", place()))?;
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", place()))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let status = match rustix::fs::statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => status,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(StoreError::io("examine", place())(error)),
            };
            let digest = name
                .to_str()
                .ok()
                .and_then(|name| parse_object_name(self.algorithm(), &prefix, name));
            let (size, allocated) = sizes(&status);
            visit(ListedObject {
                digest,
                path: format!("{prefix}/{}", name.to_string_lossy()),
                is_file: FileType::from_raw_mode(status.st_mode) == FileType::RegularFile,
                size,
                allocated,
            })?;
        }
        Ok(())
    }
}

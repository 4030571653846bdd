//! Going through all objects.

use std::os::fd::OwnedFd;

use lazaret_artifact::VerityDigest;
use rustix::fs::{AtFlags, Dir, FileType};
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

impl Repository {
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
        let Some(objects) = self.objects()? else {
            return Ok(());
        };
        let prefix = format!("{directory:02x}");
        let place = || self.at(OBJECTS).join(&prefix);
        let opened: OwnedFd = match beneath::open_directory(objects, &prefix) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(StoreError::io("open", place())(error)),
        };
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
            visit(ListedObject {
                digest,
                path: format!("{prefix}/{}", name.to_string_lossy()),
                is_file: FileType::from_raw_mode(status.st_mode) == FileType::RegularFile,
                size: u64::try_from(status.st_size).unwrap_or(0),
                allocated: u64::try_from(status.st_blocks).unwrap_or(0) * 512,
            })?;
        }
        Ok(())
    }
}

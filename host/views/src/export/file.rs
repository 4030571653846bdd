//! Regular files: content into a new file, holes left as holes.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use lazaret_artifact::EntryPath;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::destination::{Destination, file_name};
use super::{ExportOptions, Progress};
use crate::content::{Contents, Sink};
use crate::error::ViewError;
use crate::tree::Content;

/// What writing files shares between threads.
pub(super) struct Files<'a> {
    pub(super) contents: Contents,
    pub(super) destination: &'a Destination,
    pub(super) options: &'a ExportOptions,
    pub(super) progress: &'a (dyn Fn(Progress) + Sync),
    /// The destination cannot share blocks with the repository.
    no_clone: AtomicBool,
}

impl<'a> Files<'a> {
    pub(super) const fn new(
        contents: Contents,
        destination: &'a Destination,
        options: &'a ExportOptions,
        progress: &'a (dyn Fn(Progress) + Sync),
    ) -> Self {
        Self {
            contents,
            destination,
            options,
            progress,
            no_clone: AtomicBool::new(false),
        }
    }

    /// Makes a file and fills it. Nobody else can open it before it has its attributes.
    pub(super) fn write(
        &self,
        parent: &OwnedFd,
        path: &EntryPath,
        content: &Content,
    ) -> Result<File, ViewError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(parent, file_name(path), flags, mode)
            .map_err(self.destination.error("create", path))?;
        let file = File::from(file);
        if self.clone_object(&file, path, content)? {
            (self.progress)(Progress::Bytes(content.size));
            return Ok(file);
        }
        let mut sink = FileSink {
            files: self,
            file: &file,
            path,
            position: 0,
            written: 0,
        };
        self.contents
            .copy(content.layer, &content.extents, &mut sink)?;
        if sink.written < content.size {
            file.set_len(content.size)
                .map_err(self.destination.error("extend", path))?;
        }
        Ok(file)
    }

    /// Lets the file share an object's blocks, where the filesystem can (ioctl_ficlone(2)). The
    /// object is compared with its digest all the same.
    fn clone_object(
        &self,
        file: &File,
        path: &EntryPath,
        content: &Content,
    ) -> Result<bool, ViewError> {
        if self.no_clone.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Some((digest, size)) = self.contents.single_object(content) else {
            return Ok(false);
        };
        let object = self.contents.open_unverified(&digest)?;
        match rustix::fs::ioctl_ficlone(file, &object) {
            Ok(()) => {}
            Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) => {
                self.no_clone.store(true, Ordering::Relaxed);
                return Ok(false);
            }
            Err(_) => return Ok(false),
        }
        self.contents.verify(&digest)?;
        // The digest covers the size; the clone may be of a file that was swapped since.
        let is_whole = file.metadata().is_ok_and(|status| status.len() == size);
        if !is_whole {
            file.set_len(0)
                .map_err(self.destination.error("write", path))?;
        }
        Ok(is_whole)
    }
}

struct FileSink<'a> {
    files: &'a Files<'a>,
    file: &'a File,
    path: &'a EntryPath,
    position: u64,
    /// Where the last write ended.
    written: u64,
}

impl Sink for FileSink<'_> {
    fn data(&mut self, bytes: &[u8]) -> Result<(), ViewError> {
        self.files.options.check_cancel()?;
        self.file
            .write_all_at(bytes, self.position)
            .map_err(self.files.destination.error("write", self.path))?;
        self.position += bytes.len() as u64;
        self.written = self.position;
        (self.files.progress)(Progress::Bytes(bytes.len() as u64));
        Ok(())
    }

    fn hole(&mut self, length: u64) -> Result<(), ViewError> {
        self.position += length;
        Ok(())
    }
}

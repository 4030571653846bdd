//! A file under a name of its own until it is whole.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ocidir::cap_std::fs::{Dir, OpenOptions};

/// Names tried before giving up: each that is taken was left behind by a process that was killed
/// and had the same number.
const MAX_ATTEMPTS: u32 = 1000;

/// A new file that is removed again unless it is put in its place.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: Dir,
    name: String,
    file: File,
    placed: bool,
}

impl Temporary {
    pub(super) fn create(directory: &Dir) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let directory = directory.try_clone()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        for _ in 0..MAX_ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".lazaret-{}-{number}", std::process::id());
            match directory.open_with(&name, &options) {
                Ok(file) => {
                    return Ok(Self {
                        directory,
                        name,
                        file: file.into_std(),
                        placed: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, in place of whatever has it, once its content is on disk.
    pub(super) fn place(mut self, name: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.directory.rename(&self.name, &self.directory, name)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed
            && let Err(error) = self.directory.remove_file(&self.name)
        {
            tracing::warn!(name = self.name, %error, "left behind");
        }
    }
}

/// Brings the names in a directory to disk.
pub(super) fn sync_directory(directory: &Dir) -> io::Result<()> {
    directory.open(".")?.sync_all()
}

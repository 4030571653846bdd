//! Copies of a whole tree outside the repository.

mod attributes;
mod destination;
mod directory;
mod file;
mod header;
mod map;
mod tar;
#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lazaret_artifact::EntryPath;
use lazaret_artifact::text::escape;

use crate::error::ViewError;

pub use directory::directory;
pub use tar::tar;

/// How to export.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// Whose the files will be. Tar archives always have the owners of the image.
    pub owners: Owners,
    /// Threads that write files; none means one for each core, eight at most.
    pub jobs: Option<NonZeroUsize>,
    /// Set from outside to stop. What was written by then stays.
    pub cancel: Arc<AtomicBool>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            owners: Owners::Auto,
            jobs: None,
            cancel: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl ExportOptions {
    pub(crate) fn check_cancel(&self) -> Result<(), ViewError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(ViewError::Interrupted);
        }
        Ok(())
    }
}

/// Whose exported files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// The image's if the process is root, else its own.
    Auto,
    /// Those of the image, or it fails.
    Image,
    /// Those of the process. Set-id bits are left off, since they would lend the rights of whoever
    /// exports to programs out of an image.
    Own,
}

/// Something that was done; the caller adds it up. [`Tree::totals`](crate::Tree::totals) says what
/// it will come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A name was finished.
    Entry,
    /// That many bytes of a file were written.
    Bytes(u64),
}

/// What an export came to.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// Names, the root's included.
    pub entries: u64,
    /// Bytes of files without holes.
    pub bytes: u64,
    /// What could not be done, in the order of paths.
    pub warnings: Vec<Warning>,
}

/// Something of an entry that is missing in the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The entry.
    pub path: EntryPath,
    /// What is missing.
    pub skipped: Skipped,
}

/// What an export left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// A device node, for want of rights. The entry is missing altogether, with all its names.
    Device,
    /// An extended attribute: not permitted, not supported by the filesystem, or not expressible
    /// in the output.
    Xattr {
        /// Its name, escaped.
        name: String,
        /// The system's reason; none when it was not even tried.
        reason: Option<io::ErrorKind>,
    },
    /// An owner or group that no Linux system can have; the process's own stands in.
    Owner,
    /// Set-user-id or set-group-id bits of a file that gets the process's owner.
    SetId,
}

impl Warning {
    pub(crate) fn xattr(path: &EntryPath, name: &[u8], reason: Option<io::ErrorKind>) -> Self {
        Self {
            path: path.clone(),
            skipped: Skipped::Xattr {
                name: escape(name),
                reason,
            },
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.skipped {
            Skipped::Device => f.write_str("device node left out"),
            Skipped::Xattr { name, reason: None } => {
                write!(f, "extended attribute {name} left out")
            }
            Skipped::Xattr {
                name,
                reason: Some(reason),
            } => {
                write!(f, "extended attribute {name} left out: {reason}")
            }
            Skipped::Owner => f.write_str("owner left as it was: out of range"),
            Skipped::SetId => f.write_str("set-id bits left off"),
        }
    }
}

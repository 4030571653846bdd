//! One layer: a tar archive of real files and hand-made entries, compressed or not.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// How a layer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Compression {
    /// As it is.
    None,
    /// gzip, level 6.
    Gzip,
    /// zstd, level 3.
    Zstd,
}

impl Compression {
    /// The layer media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::None => "application/vnd.oci.image.layer.v1.tar",
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }

    /// Compresses `data`.
    ///
    /// # Errors
    /// The compressor's.
    pub fn apply(self, data: &[u8]) -> Result<Vec<u8>> {
        Ok(match self {
            Self::None => data.to_vec(),
            Self::Gzip => {
                let level = flate2::Compression::new(6);
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(data)?;
                encoder.finish()?
            }
            Self::Zstd => zstd::encode_all(data, 3)?,
        })
    }
}

/// Builds the archive.
pub struct LayerBuilder {
    archive: tar::Builder<Vec<u8>>,
}

impl Default for LayerBuilder {
    fn default() -> Self {
        let mut archive = tar::Builder::new(Vec::new());
        archive.follow_symlinks(false);
        archive.mode(tar::HeaderMode::Complete);
        archive.sparse(false);
        Self { archive }
    }
}

impl LayerBuilder {
    /// Adds a file, directory or symbolic link of this machine under its own absolute path.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_real(&mut self, path: &Path) -> Result<()> {
        self.add_real_below("", path)
    }

    /// Adds what [`Self::add_real`] adds, below the directory `prefix`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_real_below(&mut self, prefix: &str, path: &Path) -> Result<()> {
        let name = Path::new(prefix).join(path.components().skip(1).collect::<PathBuf>());
        if fs::symlink_metadata(path)?.is_dir() {
            self.archive.append_dir(&name, path)
        } else {
            self.archive.append_path_with_name(path, &name)
        }
        .with_context(|| path.display().to_string())
    }

    /// Adds a regular file.
    ///
    /// # Errors
    /// When the name does not fit a tar header.
    pub fn add_file(&mut self, name: &str, content: &[u8], mode: u32) -> Result<()> {
        let mut header = header(tar::EntryType::Regular, mode);
        header.set_size(content.len() as u64);
        Ok(self.archive.append_data(&mut header, name, content)?)
    }

    /// Adds a directory.
    ///
    /// # Errors
    /// When the name does not fit a tar header.
    pub fn add_directory(&mut self, name: &str) -> Result<()> {
        let mut header = header(tar::EntryType::Directory, 0o755);
        Ok(self.archive.append_data(&mut header, name, &[][..])?)
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// When a name does not fit a tar header.
    pub fn add_symlink(&mut self, name: &str, target: &str) -> Result<()> {
        let mut header = header(tar::EntryType::Symlink, 0o777);
        Ok(self.archive.append_link(&mut header, name, target)?)
    }

    /// Adds a hard link to an earlier file.
    ///
    /// # Errors
    /// When a name does not fit a tar header.
    pub fn add_hardlink(&mut self, name: &str, target: &str) -> Result<()> {
        let mut header = header(tar::EntryType::Link, 0o644);
        Ok(self.archive.append_link(&mut header, name, target)?)
    }

    /// The finished archive.
    ///
    /// # Errors
    /// None that memory would give.
    pub fn finish(self) -> Result<Vec<u8>> {
        Ok(self.archive.into_inner()?)
    }
}

fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(0);
    header
}

//! Picks real files of this machine: a root file system of a wanted size.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What was picked.
#[derive(Debug, Default)]
pub struct Pick {
    /// Paths, parents before children, in byte order below each root.
    pub paths: Vec<PathBuf>,
    /// Bytes of the regular files among them.
    pub bytes: u64,
    /// Regular files among them.
    pub files: u64,
}

/// Walks `roots` in byte order and takes everything until `max_bytes` of regular files are
/// together. Stays on one file system, skips sockets and what cannot be read, and takes no file
/// larger than an eighth of `max_bytes`.
///
/// # Errors
/// When a root cannot be read.
pub fn pick(roots: &[PathBuf], max_bytes: u64) -> Result<Pick> {
    let mut picked = Pick::default();
    for root in roots {
        let meta = fs::symlink_metadata(root).with_context(|| root.display().to_string())?;
        // composefs wants an entry for every directory.
        let mut above: Vec<PathBuf> = root.ancestors().skip(1).map(Path::to_owned).collect();
        above.retain(|path| path.parent().is_some() && !picked.paths.contains(path));
        picked.paths.extend(above.into_iter().rev());
        walk(root, meta.dev(), max_bytes, &mut picked);
    }
    Ok(picked)
}

fn walk(path: &Path, device: u64, max_bytes: u64, picked: &mut Pick) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let kind = meta.file_type();
    if meta.dev() != device || picked.bytes >= max_bytes {
        return;
    }
    if kind.is_file() {
        if meta.len() > max_bytes / 8 || fs::File::open(path).is_err() {
            return;
        }
        picked.bytes += meta.len();
        picked.files += 1;
        picked.paths.push(path.to_owned());
    } else if kind.is_symlink() {
        picked.paths.push(path.to_owned());
    } else if kind.is_dir() {
        picked.paths.push(path.to_owned());
        let Ok(entries) = fs::read_dir(path) else {
            return;
        };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        for name in names {
            walk(&name, device, max_bytes, picked);
        }
    }
}

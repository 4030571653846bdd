//! The compiled-code cache. What lies in it is native code that this process will run, so its
//! directory must be the user's own and nobody else's to write.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::{debug, warn};
use wasmtime::{Cache, CacheConfig};

/// Opens or makes the cache. A directory that others could write to is not used, with a warning;
/// a directory that cannot be made costs time at every start and nothing else.
pub(crate) fn open(directory: &Path) -> Option<Cache> {
    let directory = match prepare(directory) {
        Ok(directory) => directory,
        Err(reason) => {
            warn!(directory = %directory.display(), %reason, "not using the compiled-code cache");
            return None;
        }
    };
    let mut config = CacheConfig::new();
    config.with_directory(&directory);
    match Cache::new(config) {
        Ok(cache) => Some(cache),
        Err(error) => {
            debug!(%error, "no compiled-code cache");
            None
        }
    }
}

fn prepare(directory: &Path) -> Result<PathBuf, String> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| error.to_string())?;
    let meta = fs::symlink_metadata(directory).map_err(|error| error.to_string())?;
    let user = rustix::process::geteuid().as_raw();
    if !meta.is_dir() {
        return Err("not a directory".to_owned());
    }
    if meta.uid() != user {
        return Err(format!("belongs to user {}, not {user}", meta.uid()));
    }
    if meta.permissions().mode() & 0o022 != 0 {
        return Err(format!(
            "others can write to it (mode {:o})",
            meta.permissions().mode() & 0o7777
        ));
    }
    directory.canonicalize().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_others_can_write_is_not_used() {
        let base = std::env::temp_dir().join(format!("lazaret-cache-{}", std::process::id()));
        let good = base.join("a/b");
        prepare(&good).unwrap();
        assert_eq!(
            fs::metadata(&good).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::set_permissions(&good, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(&good).unwrap_err().contains("others can write"));
        fs::set_permissions(&good, fs::Permissions::from_mode(0o700)).unwrap();
        let link = base.join("link");
        std::os::unix::fs::symlink(&good, &link).unwrap();
        assert!(prepare(&link).is_err());
        fs::remove_dir_all(base).unwrap();
    }
}

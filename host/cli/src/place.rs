//! Where the repository and the compiled-code cache lie when nobody says.

use std::env;
use std::path::{Path, PathBuf};

/// The repository of the whole machine.
const SYSTEM_REPOSITORY: &str = "/var/lib/lazaret";

/// The compiled-code cache of a root without a home.
const SYSTEM_CACHE: &str = "/var/cache/lazaret/code";

/// What places are derived from.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub is_root: bool,
    pub home: Option<PathBuf>,
    pub data_home: Option<PathBuf>,
    pub cache_home: Option<PathBuf>,
}

/// A user without a home has no place of their own.
#[derive(Debug, thiserror::Error)]
#[error("neither HOME nor XDG_DATA_HOME says where the repository is")]
pub struct Homeless;

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        // The XDG specification has relative paths ignored.
        let directory = |variable| {
            env::var_os(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        Self {
            is_root: rustix::process::geteuid().is_root(),
            home: directory("HOME"),
            data_home: directory("XDG_DATA_HOME"),
            cache_home: directory("XDG_CACHE_HOME"),
        }
    }
}

/// The default repository.
pub fn repository(surroundings: &Surroundings) -> Result<PathBuf, Homeless> {
    if surroundings.is_root {
        return Ok(PathBuf::from(SYSTEM_REPOSITORY));
    }
    let home = || {
        surroundings
            .home
            .as_ref()
            .map(|home| home.join(".local/share"))
    };
    let data = surroundings
        .data_home
        .clone()
        .or_else(home)
        .ok_or(Homeless)?;
    Ok(data.join("lazaret"))
}

/// The compiled-code cache. None without a place for it, and never inside the repository or around
/// it: the cache is native code that is run, the repository holds what strangers sent.
pub fn code_cache(surroundings: &Surroundings, repository: &Path) -> Option<PathBuf> {
    let home = || surroundings.home.as_ref().map(|home| home.join(".cache"));
    let cache = match surroundings.cache_home.clone().or_else(home) {
        Some(caches) => caches.join("lazaret/code"),
        None if surroundings.is_root => PathBuf::from(SYSTEM_CACHE),
        None => return None,
    };
    let repository = std::path::absolute(repository).ok()?;
    if cache.starts_with(&repository) || repository.starts_with(&cache) {
        tracing::warn!(cache = %cache.display(), "no compiled-code cache: it would lie in the repository");
        return None;
    }
    Some(cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Surroundings {
        Surroundings {
            home: Some("/home/u".into()),
            ..Surroundings::default()
        }
    }

    #[test]
    fn root_has_the_machines_repository_and_others_their_own() {
        let root = Surroundings {
            is_root: true,
            ..user()
        };
        let xdg = Surroundings {
            data_home: Some("/data".into()),
            ..user()
        };
        for (surroundings, path) in [
            (&root, "/var/lib/lazaret"),
            (&user(), "/home/u/.local/share/lazaret"),
            (&xdg, "/data/lazaret"),
        ] {
            assert_eq!(repository(surroundings).unwrap(), Path::new(path));
        }
        assert!(repository(&Surroundings::default()).is_err());
    }

    #[test]
    fn compiled_code_never_lies_with_the_repository() {
        let elsewhere = Path::new("/srv/repo");
        let root = Surroundings {
            is_root: true,
            ..Surroundings::default()
        };
        let xdg = Surroundings {
            cache_home: Some("/srv/repo/cache".into()),
            ..user()
        };
        for (surroundings, repository, path) in [
            (&user(), elsewhere, Some("/home/u/.cache/lazaret/code")),
            (&root, elsewhere, Some("/var/cache/lazaret/code")),
            (&Surroundings::default(), elsewhere, None),
            (&xdg, elsewhere, None),
            (
                &xdg,
                Path::new("/srv/other"),
                Some("/srv/repo/cache/lazaret/code"),
            ),
            (&user(), Path::new("/home/u/.cache/lazaret/code/repo"), None),
        ] {
            assert_eq!(
                code_cache(surroundings, repository).as_deref(),
                path.map(Path::new)
            );
        }
    }
}

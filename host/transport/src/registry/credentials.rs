//! Who we are to a registry: given credentials, else those of the files that `podman login`,
//! `skopeo login` and `docker login` write (containers-auth.json(5); docker/cli `config.json`).
//!
//! The most specific entry wins: `host/a/b` before `host/a` before `host`. Nothing is looked up
//! before a registry asks for it. A secret is never shown: not in `Debug`, errors or logs.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::options::RegistryOptions;
use super::read_file;
use crate::error::TransportError;

mod helper;

/// Bytes of a file of credentials. A path that leads to something endless must not fill the memory.
const MAX_AUTH_FILE: u64 = 1024 * 1024;

/// What docker.io is called in files of credentials, besides its name (docker/cli
/// `IndexServer`; helpers know it by the first of these only).
const DOCKER_HUB_KEYS: [&str; 3] = [
    "https://index.docker.io/v1/",
    "index.docker.io",
    "registry-1.docker.io",
];

/// Text that is shown to nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one that it is meant for.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What a registry, or who gives out its tokens, is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token to get others with (OAuth 2's refresh token).
    Identity(Secret),
    /// A token for the registry itself.
    Registry(Secret),
}

/// Credentials and whence they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The credentials.
    pub credentials: Credentials,
    /// "given", the file, or the program.
    pub origin: String,
}

/// The credentials for a repository; `None` when there are none anywhere.
pub(super) fn find(
    host: &str,
    repository: &str,
    options: &RegistryOptions,
) -> Result<Option<Found>, TransportError> {
    if let Some((user, password)) = &options.credentials {
        return Ok(Some(Found {
            credentials: Credentials::Password {
                user: user.clone(),
                password: Secret::new(password.clone()),
            },
            origin: "given".to_owned(),
        }));
    }
    let user = rustix::process::getuid().as_raw();
    let places = places(options.auth_file.as_deref(), user, |name| {
        std::env::var_os(name)
    });
    for place in places {
        let Some(file) = place.read()? else { continue };
        if let Some(found) = file.find(&place.path, host, repository)? {
            tracing::debug!(origin = found.origin, "credentials");
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// That a file of credentials which was asked for is there and can be read.
pub(super) fn check(options: &RegistryOptions) -> Result<(), TransportError> {
    match &options.auth_file {
        Some(path) => AuthFile::parse(path, &read_file(path, MAX_AUTH_FILE)?).map(drop),
        None => Ok(()),
    }
}

/// A file that may hold credentials.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    /// Whether somebody named this very file.
    named: bool,
}

/// The files to look into, in order. A file that was named is the only one. Without a runtime
/// directory the number of the user counts (containers/image `getPathToAuth`).
fn places(
    named: Option<&Path>,
    user: u32,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<Place> {
    let directory = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let named = named
        .map(Path::to_owned)
        .or_else(|| directory("REGISTRY_AUTH_FILE"));
    if let Some(path) = named {
        return vec![Place { path, named: true }];
    }
    let home = directory("HOME");
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let runtime = match directory("XDG_RUNTIME_DIR") {
        Some(path) => path.join("containers/auth.json"),
        None => PathBuf::from(format!("/run/containers/{user}/auth.json")),
    };
    let config = directory("XDG_CONFIG_HOME")
        .map(|path| path.join("containers/auth.json"))
        .or_else(|| below_home(".config/containers/auth.json"));
    let docker = directory("DOCKER_CONFIG")
        .map(|path| path.join("config.json"))
        .or_else(|| below_home(".docker/config.json"));
    [Some(runtime), config, docker]
        .into_iter()
        .flatten()
        .map(|path| Place { path, named: false })
        .collect()
}

impl Place {
    /// The file; `None` where it is one of the usual ones and not there or not ours to read.
    fn read(&self) -> Result<Option<AuthFile>, TransportError> {
        let bytes = match read_file(&self.path, MAX_AUTH_FILE) {
            Ok(bytes) => bytes,
            Err(TransportError::Io { source, .. }) if !self.named => {
                if source.kind() != std::io::ErrorKind::NotFound {
                    tracing::warn!(path = %self.path.display(), error = %source, "passed over");
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        AuthFile::parse(&self.path, &bytes).map(Some)
    }
}

/// `auth.json` or `config.json`; members that say nothing of credentials are passed over.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuthFile {
    auths: BTreeMap<String, Option<Entry>>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

/// One entry of `auths`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

impl AuthFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TransportError> {
        // An empty file is one that somebody made beforehand.
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|error| TransportError::Settings {
            path: path.to_owned(),
            // The parser's own message may quote a value.
            reason: format!(
                "not a file of credentials, line {} column {}",
                error.line(),
                error.column()
            ),
        })
    }

    /// The entry for a repository: that of a helper before that in the file, as containers and
    /// Docker have it.
    fn find(
        &self,
        path: &Path,
        host: &str,
        repository: &str,
    ) -> Result<Option<Found>, TransportError> {
        let written = self.written(path, host, repository)?;
        let helper = names_of(host)
            .find_map(|name| self.cred_helpers.get(name))
            .unwrap_or(&self.creds_store);
        if !helper.is_empty() {
            let server = names_of(host).nth(1).unwrap_or(host);
            match helper::get(helper, server) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                // A store that is gone, as of a desktop one is not sitting at.
                Err(error) if written.is_some() => tracing::warn!(%error, "passed over"),
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// The entry in the file itself.
    fn written(
        &self,
        path: &Path,
        host: &str,
        repository: &str,
    ) -> Result<Option<Found>, TransportError> {
        let found = |(key, entry): (&String, &Entry)| -> Result<Option<Found>, TransportError> {
            let credentials = entry
                .credentials()
                .map_err(|reason| TransportError::Settings {
                    path: path.to_owned(),
                    reason: format!("entry {key:?}: {reason}"),
                })?;
            Ok(credentials.map(|credentials| Found {
                credentials,
                origin: path.display().to_string(),
            }))
        };
        let get = |key: &str| {
            let (key, entry) = self.auths.get_key_value(key)?;
            Some((key, entry.as_ref()?))
        };
        for key in keys(host, repository) {
            if let Some(entry) = get(&key)
                && let Some(found) = found(entry)?
            {
                return Ok(Some(found));
            }
        }
        // Docker wrote addresses for a long time, and still does for its own registry.
        for (key, entry) in &self.auths {
            let Some(entry) = entry else { continue };
            if names_of(host).any(|name| host_of(key) == Some(name))
                && let Some(found) = found((key, entry))?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Keys for a repository, the most specific first.
fn keys(host: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for name in names_of(host) {
        let mut key = format!("{name}/{repository}");
        while key.len() > name.len() {
            keys.push(key.clone());
            key.truncate(key.rfind('/').unwrap_or_default());
        }
    }
    // Depth counts before the name of the host.
    keys.sort_by_key(|key| std::cmp::Reverse(key.matches('/').count()));
    keys.extend(names_of(host).map(str::to_owned));
    keys
}

/// What a registry may be called in a file.
fn names_of(host: &str) -> impl Iterator<Item = &str> {
    let more: &[&str] = if host == "docker.io" {
        &DOCKER_HUB_KEYS
    } else {
        &[]
    };
    std::iter::once(host).chain(more.iter().copied())
}

/// The host of a key that is an address: `https://host/v1/`, or `host/v1/` with a version.
fn host_of(key: &str) -> Option<&str> {
    let address = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"));
    match address {
        Some(address) => address.split('/').next(),
        None => key
            .strip_suffix("/v1/")
            .or_else(|| key.strip_suffix("/v2/"))
            .filter(|host| !host.contains('/')),
    }
}

impl Entry {
    /// What the entry says; `None` where it is a mark that a helper knows more.
    fn credentials(&self) -> Result<Option<Credentials>, &'static str> {
        let given = |secret: &Option<Secret>| secret.clone().filter(|s| !s.reveal().is_empty());
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credentials::Identity(token)));
        }
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Credentials::Registry(token)));
        }
        if let Some(auth) = given(&self.auth) {
            /// Programs differ in whether they pad.
            const ENGINE: GeneralPurpose = GeneralPurpose::new(
                &STANDARD,
                GeneralPurposeConfig::new()
                    .with_decode_padding_mode(DecodePaddingMode::Indifferent),
            );
            let bytes = ENGINE
                .decode(auth.reveal().trim())
                .map_err(|_| "auth is not base64")?;
            let text = String::from_utf8(bytes).map_err(|_| "auth is not text")?;
            let (user, password) = text.split_once(':').ok_or("auth has no colon")?;
            return Ok(Some(Credentials::Password {
                user: user.to_owned(),
                // Docker's first versions padded with these.
                password: Secret::new(password.trim_end_matches('\0').to_owned()),
            }));
        }
        match (&self.username, &self.password) {
            (Some(user), Some(password)) => Ok(Some(Credentials::Password {
                user: user.clone(),
                password: password.clone(),
            })),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;

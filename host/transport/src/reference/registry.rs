//! Names in registries: `docker://HOST/NAME[:TAG][@DIGEST]`.
//!
//! Names and tags follow the distribution specification's grammar ("Pulling manifests"), hosts
//! that of Docker's references (distribution/reference): a first component that has a dot or a
//! colon, is `localhost` or has a capital is a host, anything else is a part of the name and the
//! host is `docker.io`. What is parsed here is put into URLs, so nothing else gets through.

use std::fmt;

use lazaret_artifact::ContentDigest;

use super::{split_digest, write_rest};

/// The registry that is meant where a name has no host.
const DEFAULT_HOST: &str = "docker.io";

/// Another name of it, from before 2015 (distribution/reference, `legacyDefaultDomain`).
const LEGACY_HOST: &str = "index.docker.io";

/// Where the default registry keeps what has a name of one component.
const DEFAULT_OWNER: &str = "library/";

/// The tag that is meant where neither tag nor digest is given.
const DEFAULT_TAG: &str = "latest";

/// Characters of host, slash and name together: the distribution specification warns that clients
/// stop there, and a name of megabytes would go into every request.
const MAX_NAME_LENGTH: usize = 255;

/// Characters of a tag (distribution-spec, "Pulling manifests").
const MAX_TAG_LENGTH: usize = 128;

/// A repository of a registry, and what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryRef {
    /// The host and perhaps a port.
    pub host: String,
    /// The repository's name: components divided by slashes.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// Digest of the wanted manifest or index. It decides where a tag is named too.
    pub digest: Option<ContentDigest>,
}

impl RegistryRef {
    /// The whole name, as podman and docker have it: `HOST/NAME:TAG`, or `HOST/NAME@DIGEST` where
    /// only a digest is named. A tag alone would be everybody's `latest`.
    #[must_use]
    pub fn full_name(&self) -> String {
        let Self {
            host, repository, ..
        } = self;
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("{host}/{repository}:{tag}"),
            (None, Some(digest)) => format!("{host}/{repository}@{digest}"),
            (None, None) => format!("{host}/{repository}:{DEFAULT_TAG}"),
        }
    }

    /// Parses what comes after `docker:`. The error is the reason alone.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(text) = text.strip_prefix("//") else {
            return Err("docker: is followed by //HOST/NAME".to_owned());
        };
        let (rest, digest) = split_digest(text)?;
        if rest.contains('@') {
            return Err("what follows @ is no digest".to_owned());
        }
        let (host, rest) = match rest.split_once('/') {
            Some((first, rest)) if is_host_like(first) => (first, rest),
            _ => (DEFAULT_HOST, rest),
        };
        let (name, tag) = match rest.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if name.is_empty() {
            return Err("names no repository".to_owned());
        }
        if !is_host(host) {
            return Err(format!("{host:?} is not HOST or HOST:PORT"));
        }
        if !is_repository(name) {
            return Err(format!(
                "{name:?} is no repository's name: components of a-z, 0-9 and single separators \
                 between them, divided by slashes"
            ));
        }
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(format!(
                "{tag:?} is no tag: at most {MAX_TAG_LENGTH} of letters, digits, '_', '.' and '-', \
                 not starting with '.' or '-'"
            ));
        }
        let host = if host == LEGACY_HOST {
            DEFAULT_HOST
        } else {
            host
        };
        let repository = if host == DEFAULT_HOST && !name.contains('/') {
            format!("{DEFAULT_OWNER}{name}")
        } else {
            name.to_owned()
        };
        if host.len() + 1 + repository.len() > MAX_NAME_LENGTH {
            return Err(format!(
                "host and name are longer than {MAX_NAME_LENGTH} characters"
            ));
        }
        let tag = match (tag, &digest) {
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (tag, _) => tag.map(str::to_owned),
        };
        Ok(Self {
            host: host.to_owned(),
            repository,
            tag,
            digest,
        })
    }
}

impl fmt::Display for RegistryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker://{}/{}", self.host, self.repository)?;
        write_rest(f, self.tag.as_deref(), self.digest.as_ref())
    }
}

/// Whether the first component of a name is a host rather than a part of the repository's name.
fn is_host_like(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':']) || text.contains(|c: char| c.is_uppercase())
}

/// A domain name, an IPv4 address or an IPv6 address in brackets; then perhaps a port.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            // Zones and the like have no place in a URL.
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match port.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if port.is_empty() => (None, None),
                None => return false,
            }
        }
        None => match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // Digits alone: Rust's own parsers also take a sign.
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    name.is_none_or(|name| name.split('.').all(is_label)) && port.is_none_or(is_port)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`
fn is_repository(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_component = |component: &str| {
        let starts_well = component.bytes().next().is_some_and(is_word);
        let ends_well = component.bytes().last().is_some_and(is_word);
        starts_well
            && ends_well
            && component
                .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                .all(|separator| {
                    matches!(separator, "" | "." | "_" | "__")
                        || separator.bytes().all(|byte| byte == b'-')
                })
    };
    text.split('/').all(is_component)
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_TAG_LENGTH
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

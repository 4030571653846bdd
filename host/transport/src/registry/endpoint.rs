//! Where a repository is, and where a registry may send its client from there.
//!
//! A registry names further addresses itself: in redirects, in the `Location` of an upload, in the
//! `Link` to a next page, as the realm that gives out tokens. None of them may lead from TLS to
//! plain HTTP, plain HTTP leads to loopback only (unless it was asked for), and credentials are
//! for the registry's own origin (distribution-spec, "Redirects"; CVE-2020-15157).

use std::net::IpAddr;

use lazaret_artifact::text::escape;
use reqwest::Url;

use crate::error::TransportError;
use crate::reference::RegistryRef;

/// The host that serves the registry everybody calls docker.io (docker/docs, "Docker Hub").
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Bytes of an address a registry sends its client to. Signed URLs of object stores have some
/// thousands; a client that followed more would keep and repeat whatever it is given.
const MAX_ADDRESS_LENGTH: usize = 16 * 1024;

/// A repository's address.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// As the user wrote it; what messages and credential files call it.
    pub registry: String,
    /// The repository's name.
    pub repository: String,
    base: Url,
    plain_http: bool,
}

impl Endpoint {
    /// The repository of `reference`, by HTTPS.
    pub(super) fn new(reference: &RegistryRef, plain_http: bool) -> Result<Self, TransportError> {
        let fail = |reason: &str| TransportError::Reference {
            text: reference.to_string(),
            reason: reason.to_owned(),
        };
        let host = match reference.host.as_str() {
            host if host == DOCKER_HUB.0 => DOCKER_HUB.1,
            host => host,
        };
        let scheme = if plain_http { "http" } else { "https" };
        let base: Url = format!("{scheme}://{host}/")
            .parse()
            .map_err(|_| fail("the host is no host"))?;
        let is_host = base.path() == "/"
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !is_host {
            return Err(fail("the host is no host"));
        }
        Ok(Self {
            registry: reference.host.clone(),
            repository: reference.repository.clone(),
            base,
            plain_http,
        })
    }

    /// The same by plain HTTP.
    pub(super) fn into_plain(mut self) -> Self {
        // Only from one special scheme to another, which `url` allows.
        let changed = self.base.set_scheme("http");
        debug_assert!(changed.is_ok());
        self
    }

    /// Whether bytes to and from the registry never leave this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Whether the registry is spoken to without TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// `/v2/`, which every registry answers (distribution-spec, "Determining Support").
    pub(super) fn root(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        url
    }

    /// `/v2/REPOSITORY/PARTS…`; nothing in the parts can end a component.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("http and https URLs have a path")
            .clear()
            .push("v2")
            .extend(self.repository.split('/'))
            .extend(parts);
        url
    }

    /// Whether an address is the registry's own: credentials go nowhere else.
    pub(super) fn is_origin(&self, url: &Url) -> bool {
        same_origin(&self.base, url)
    }

    /// The address that an answer of `from` sends its client to. The error is the reason against.
    pub(super) fn follow(&self, from: &Url, location: &[u8]) -> Result<Url, String> {
        if location.len() > MAX_ADDRESS_LENGTH {
            return Err(format!("an address of {} bytes", location.len()));
        }
        let text = std::str::from_utf8(location).map_err(|_| "an address that is no text")?;
        let url = from.join(text).map_err(|_| {
            // What comes after the path may be a signature.
            let start = text.split('?').next().unwrap_or_default();
            format!("an address that is none, {}", escape(start.as_bytes()))
        })?;
        match self.admit(from, &url) {
            Ok(()) => Ok(url),
            Err(reason) => Err(format!(
                "{reason}, {}://{}{}",
                url.scheme(),
                url.host_str().unwrap_or_default(),
                url.path()
            )),
        }
    }

    fn admit(&self, from: &Url, url: &Url) -> Result<(), &'static str> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a user in it");
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if from.scheme() == "https" => Err("an address without TLS"),
            "http" if self.plain_http || is_loopback(url) => Ok(()),
            "http" => Err("an address without TLS on another host"),
            _ => Err("an address that is not HTTP"),
        }
    }
}

/// Scheme, host and port.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str, plain_http: bool) -> Endpoint {
        let reference = RegistryRef {
            host: host.to_owned(),
            repository: "a/b".to_owned(),
            tag: None,
            digest: None,
        };
        Endpoint::new(&reference, plain_http).unwrap()
    }

    #[test]
    fn addresses_are_made_of_components() {
        let hub = endpoint("docker.io", false);
        assert_eq!(
            hub.url(&["manifests", "v1"]).as_str(),
            "https://registry-1.docker.io/v2/a/b/manifests/v1"
        );
        assert_eq!(hub.registry, "docker.io");
        let plain = endpoint("[::1]:5000", false).into_plain();
        assert_eq!(
            plain.url(&["blobs", "../?#/x"]).as_str(),
            "http://[::1]:5000/v2/a/b/blobs/..%2F%3F%23%2Fx"
        );
        assert_eq!(plain.root().as_str(), "http://[::1]:5000/v2/");
    }

    #[test]
    fn loopback_is_told_by_name_and_number() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.9.1", true),
            ("[::1]:80", true),
            ("localhost.example", false),
            ("128.0.0.1", false),
            ("[::2]", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(endpoint(host, false).is_loopback(), expected, "{host}");
        }
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["a b", "a/b", "u@h", "h?x", "h#x", "h:x", ""] {
            let reference = RegistryRef {
                host: host.to_owned(),
                repository: "a".to_owned(),
                tag: None,
                digest: None,
            };
            assert!(Endpoint::new(&reference, false).is_err(), "{host:?}");
        }
    }

    #[test]
    fn a_registry_sends_nobody_out_of_tls() {
        let secure = endpoint("r.example", false);
        let from = secure.url(&["blobs", "x"]);
        let follow = |location: &str| secure.follow(&from, location.as_bytes());
        assert_eq!(
            follow("/y?z=1").unwrap().as_str(),
            "https://r.example/y?z=1"
        );
        assert_eq!(
            follow("https://cdn.example/y").unwrap().as_str(),
            "https://cdn.example/y"
        );
        for (location, reason) in [
            (
                "http://r.example/y?secret",
                "an address without TLS, http://r.example/y",
            ),
            (
                "http://127.0.0.1/y",
                "an address without TLS, http://127.0.0.1/y",
            ),
            (
                "file:///etc/passwd",
                "an address that is not HTTP, file:///etc/passwd",
            ),
            (
                "https://u:p@cdn.example/",
                "an address with a user in it, https://cdn.example/",
            ),
            ("https://\u{1b}", "an address that is none, https://\\u{1b}"),
        ] {
            assert_eq!(follow(location).unwrap_err(), reason);
        }
        assert!(follow(&"x".repeat(MAX_ADDRESS_LENGTH + 1)).is_err());

        let local = endpoint("127.0.0.1:1", false).into_plain();
        let from = local.root();
        assert!(local.follow(&from, b"http://localhost:2/").is_ok());
        assert!(local.follow(&from, b"https://cdn.example/").is_ok());
        assert_eq!(
            local.follow(&from, b"http://cdn.example/").unwrap_err(),
            "an address without TLS on another host, http://cdn.example/"
        );
        let plain = endpoint("r.example", true);
        assert!(plain.follow(&plain.root(), b"http://cdn.example/").is_ok());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let here = endpoint("r.example", false);
        for (url, expected) in [
            ("https://r.example/x", true),
            ("https://r.example:443/x", true),
            ("https://R.example/x", true),
            ("https://r.example:444/x", false),
            ("http://r.example/x", false),
            ("https://x.r.example/x", false),
        ] {
            assert_eq!(here.is_origin(&url.parse().unwrap()), expected, "{url}");
        }
    }
}

//! The HTTP client: whose certificates it trusts and what it never does by itself.
//!
//! It follows no redirect and repeats no request: both are decided in [`super::session`]. It
//! decompresses nothing. Proxies are those of the environment (`HTTPS_PROXY` and so on), except
//! for registries on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Client};

use super::endpoint::Endpoint;
use super::options::RegistryOptions;
use super::read_file;
use crate::error::TransportError;

/// How long to wait for a connection; the handshake of TLS is part of it.
const MAX_CONNECT: Duration = Duration::from_secs(30);

/// Where the certificates of single registries are, in directories named like their hosts
/// (containers-certs.d(5); Docker's "Verify repository client with certificates").
const CERTIFICATE_DIRECTORIES: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

/// Bytes of a certificate file; the whole of Mozilla's list has a fifth of it. A path that leads
/// to something endless must not fill the memory.
const MAX_CERTIFICATE_FILE: u64 = 1024 * 1024;

/// Files read from one directory of certificates.
const MAX_CERTIFICATE_FILES: usize = 64;

/// A client for one registry.
pub(super) fn client(
    endpoint: &Endpoint,
    options: &RegistryOptions,
) -> Result<Client, TransportError> {
    // The program's only provider; whoever installed one before has the say.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = certificates(&endpoint.registry, options)?;
    let build = |system: bool| {
        let builder = Client::builder()
            .user_agent(concat!("lazaret/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(MAX_CONNECT.min(options.timeout))
            .tls_danger_accept_invalid_certs(!options.tls_verify);
        let builder = match endpoint.is_loopback() {
            true => builder.no_proxy(),
            false => builder,
        };
        match system {
            true => builder.tls_certs_merge(certificates.clone()),
            false => builder.tls_certs_only(certificates.clone()),
        }
        .build()
    };
    // A machine without any certificate can still speak plain HTTP, and fails clearly at TLS.
    build(true)
        .or_else(|error| {
            tracing::warn!(%error, "no certificate authorities of the system");
            build(false)
        })
        .map_err(|error| TransportError::Tls {
            registry: endpoint.registry.clone(),
            reason: super::fault::root_cause(&error),
        })
}

/// The certificates to trust besides the system's.
fn certificates(host: &str, options: &RegistryOptions) -> Result<Vec<Certificate>, TransportError> {
    let mut files = options.ca_files.clone();
    for directory in CERTIFICATE_DIRECTORIES {
        files.extend(certificate_files(&Path::new(directory).join(host)));
    }
    let mut certificates = Vec::new();
    for path in files {
        certificates.extend(read_certificates(&path)?);
    }
    Ok(certificates)
}

/// The `.crt` files of a directory, sorted; none when there is no such directory.
fn certificate_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = directory.read_dir() else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "crt"))
        .take(MAX_CERTIFICATE_FILES)
        .collect();
    files.sort();
    files
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>, TransportError> {
    let fail = |reason: &str| TransportError::Settings {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let bytes = read_file(path, MAX_CERTIFICATE_FILE)?;
    let certificates =
        Certificate::from_pem_bundle(&bytes).map_err(|_| fail("no PEM certificates"))?;
    match certificates.is_empty() {
        true => Err(fail("no certificate in it")),
        false => Ok(certificates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_certificate_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.crt");
        for (content, reason) in [
            ("", "no certificate in it"),
            ("text", "no certificate in it"),
            ("-----BEGIN CERTIFICATE-----\n!\n", "no PEM certificates"),
        ] {
            std::fs::write(&path, content).unwrap();
            let error = read_certificates(&path).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("cannot use {path:?}: {reason}"),
                "{content:?}"
            );
        }
        let huge = vec![b'x'; usize::try_from(MAX_CERTIFICATE_FILE).unwrap() + 1];
        std::fs::write(&path, huge).unwrap();
        assert!(matches!(
            read_certificates(&path),
            Err(TransportError::Limit { .. })
        ));
    }

    #[test]
    fn only_crt_files_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.crt", "a.crt", "client.cert", "client.key", "notes"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(
            certificate_files(directory.path()),
            [
                directory.path().join("a.crt"),
                directory.path().join("b.crt")
            ]
        );
        assert_eq!(
            certificate_files(&directory.path().join("absent")),
            Vec::<PathBuf>::new()
        );
    }
}

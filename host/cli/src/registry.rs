//! Options of the verbs that may talk to a registry.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{ArgAction, Args};
use lazaret_transport::RegistryOptions;

use crate::amount::Span;

/// How to talk to the registry that `docker://` names.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries (docker://)")]
pub struct RegistryFlags {
    /// File with credentials, as podman and docker write it [default: $REGISTRY_AUTH_FILE, else
    /// podman's and docker's]
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,

    /// Name and password; --authfile is better, since all users of this machine can see arguments
    #[arg(long, value_name = "USER:PASS")]
    creds: Option<Credentials>,

    /// Certificate (PEM) to trust besides the system's, repeatable
    #[arg(long = "ca", value_name = "FILE")]
    ca_files: Vec<PathBuf>,

    /// Whether to verify the registry's certificate; without, anybody in between can read
    /// credentials
    #[arg(long, value_name = "true|false", action = ArgAction::Set, default_value_t = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    tls_verify: bool,

    /// Do without TLS; registries on this machine may do so unasked
    #[arg(long)]
    plain_http: bool,

    /// How often to try again after a failure that may pass
    #[arg(long, value_name = "N", default_value_t = RegistryOptions::default().retries)]
    retries: u32,

    /// How long to wait for a byte
    #[arg(long, value_name = "TIME", default_value_t = Span(RegistryOptions::default().timeout))]
    timeout: Span,
}

impl RegistryFlags {
    /// For the libraries; `cancel` stops what is under way.
    pub fn options(&self, cancel: Arc<AtomicBool>) -> RegistryOptions {
        RegistryOptions {
            plain_http: self.plain_http,
            ca_files: self.ca_files.clone(),
            tls_verify: self.tls_verify,
            auth_file: self.authfile.clone(),
            credentials: self
                .creds
                .as_ref()
                .map(|creds| (creds.user.clone(), creds.password.clone())),
            retries: self.retries,
            timeout: self.timeout.0,
            cancel,
        }
    }
}

/// A name and a password. Nothing prints the password.
#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

impl FromStr for Credentials {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() => Ok(Self {
                user: user.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err("a user's name, a colon and a password are wanted"),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_colons_and_is_never_shown() {
        let creds: Credentials = "me:a:b".parse().unwrap();
        assert_eq!((&*creds.user, &*creds.password), ("me", "a:b"));
        assert_eq!(format!("{creds:?}"), "Credentials { user: \"me\", .. }");
        for bad in ["", "me", ":secret"] {
            let error = bad.parse::<Credentials>().unwrap_err();
            assert!(!error.contains("secret"), "{bad:?}");
        }
    }
}

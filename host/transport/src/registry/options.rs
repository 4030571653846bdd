//! How to talk to registries.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How to talk to registries. The default: the system's certificate authorities, credentials from
/// the usual files.
#[derive(Clone)]
pub struct RegistryOptions {
    /// Plain HTTP for any host. Without it only for loopback, and only where TLS is not spoken.
    pub plain_http: bool,
    /// Certificate authorities to trust besides the system's: PEM files.
    pub ca_files: Vec<PathBuf>,
    /// Whether certificates are checked.
    pub tls_verify: bool,
    /// Where credentials are, in place of the usual files.
    pub auth_file: Option<PathBuf>,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// How often a request is repeated after a fault that may pass.
    pub retries: u32,
    /// How long a connection may go without a byte.
    pub timeout: Duration,
    /// Set from outside to stop.
    pub cancel: Arc<AtomicBool>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            plain_http: false,
            ca_files: Vec::new(),
            tls_verify: true,
            auth_file: None,
            credentials: None,
            retries: 5,
            timeout: Duration::from_secs(60),
            cancel: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("plain_http", &self.plain_http)
            .field("ca_files", &self.ca_files)
            .field("tls_verify", &self.tls_verify)
            .field("auth_file", &self.auth_file)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .field("retries", &self.retries)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

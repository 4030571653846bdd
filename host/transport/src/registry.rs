//! Registries (distribution-spec v1.1), for reading and writing: the blocking outside.
//!
//! `oci-client` gives the words: error codes, lists of tags. Its requests are not used: each of
//! them keeps an answer of any length in memory, none is repeated, none can be cancelled, a
//! redirect may lead out of TLS, and a token with a line break in it ends the program. A hostile
//! registry has only to try. So requests are made here with `reqwest`, and every one of them has a
//! bound in bytes, in time without bytes, in redirects and in tries.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;
use lazaret_artifact::{ContentDigest, Descriptor};
use reqwest::Method;

use self::runtime::Runtime;
use self::session::Session;
use crate::allowance::Allowance;
use crate::blob::Role;
use crate::destination::BlobSource;
use crate::error::TransportError;
use crate::reference::RegistryRef;
use crate::source::Referrer;

mod authority;
mod challenge;
mod credentials;
mod documents;
mod download;
mod endpoint;
mod fault;
mod feed;
mod options;
mod pages;
mod patience;
mod range;
mod referrers;
mod retry;
mod runtime;
mod session;
mod tls;
mod upload;

pub use options::RegistryOptions;

/// A repository of a registry. Its methods block, may be called from several threads, and must
/// not be called from asynchronous code.
pub struct Registry {
    reference: RegistryRef,
    session: Arc<Session>,
    runtime: Arc<Runtime>,
    /// The fallback index of a subject is read, changed and written: one at a time.
    fallback: std::sync::Mutex<()>,
    pub(crate) allowance: Allowance,
}

impl Registry {
    /// Prepares. The registry is asked for something only where it is on this machine: whether it
    /// speaks TLS.
    ///
    /// # Errors
    /// A certificate or file of credentials that was named cannot be read.
    pub fn open(
        reference: &RegistryRef,
        options: &RegistryOptions,
    ) -> Result<Self, TransportError> {
        let endpoint = endpoint::Endpoint::new(reference, options.plain_http)?;
        credentials::check(options)?;
        let client = tls::client(&endpoint, options)?;
        let runtime = Runtime::new().map_err(|source| TransportError::Io {
            operation: "start threads for",
            path: reference.to_string().into(),
            source,
        })?;
        let mut session = Session::new(endpoint, options.clone(), client);
        runtime.block_on(session.probe())?;
        Ok(Self {
            reference: reference.clone(),
            session: Arc::new(session),
            runtime: Arc::new(runtime),
            fallback: std::sync::Mutex::new(()),
            allowance: Allowance::new(options),
        })
    }

    /// What was opened.
    #[must_use]
    pub const fn reference(&self) -> &RegistryRef {
        &self.reference
    }

    /// The document that the reference names, by its digest where it has one, with the digest
    /// computed here.
    pub(crate) fn resolve_root(&self) -> Result<(Descriptor, Vec<u8>), TransportError> {
        let digest = self.reference.digest.as_ref();
        let name = match (digest, &self.reference.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        };
        self.runtime
            .block_on(self.session.get_document(&name, digest))
    }

    /// The bytes of a blob or document, resumed where the connection breaks; not yet verified.
    /// Documents are read whole before this returns.
    pub(crate) fn open_body(
        &self,
        descriptor: &Descriptor,
        role: Role,
    ) -> Result<Box<dyn Read + Send>, TransportError> {
        match role {
            Role::Blob | Role::Config => download::open(&self.runtime, &self.session, descriptor),
            Role::Manifest | Role::Index => {
                let name = descriptor.digest.to_string();
                let request = self.session.document_request(Method::GET, &name);
                let limit = descriptor.size.min(MAX_DOCUMENT_SIZE);
                let answer = self
                    .runtime
                    .block_on(self.session.collect(&request, limit))?;
                match answer.status.is_success() {
                    true => Ok(Box::new(Cursor::new(answer.body))),
                    false => Err(self
                        .runtime
                        .block_on(self.session.refused(&request, &answer))),
                }
            }
        }
    }

    /// The repository's tags, sorted.
    pub(crate) fn tags(&self) -> Result<Vec<String>, TransportError> {
        self.runtime.block_on(self.session.tags())
    }

    /// What refers to `subject`: the registry's own list, else the fallback tag's; then what has
    /// cosign's tags. All of it is the registry's claim.
    pub(crate) fn referrers(
        &self,
        subject: &ContentDigest,
    ) -> Result<Vec<Referrer>, TransportError> {
        self.runtime.block_on(self.session.referrers(subject))
    }

    pub(crate) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        let request = self.session.blob_request(Method::HEAD, descriptor);
        self.runtime.block_on(self.session.has(&request))
    }

    pub(crate) fn has_document(&self, descriptor: &Descriptor) -> Result<bool, TransportError> {
        let name = descriptor.digest.to_string();
        let request = self.session.document_request(Method::HEAD, &name);
        self.runtime.block_on(self.session.has(&request))
    }

    /// Has the registry take a blob over from another of its repositories; false where it does
    /// not.
    pub(crate) fn mount_blob(
        &self,
        descriptor: &Descriptor,
        from: &str,
    ) -> Result<bool, TransportError> {
        self.runtime.block_on(self.session.mount(descriptor, from))
    }

    /// Sends a blob, whether it is there or not. `sent` hears of every byte once.
    pub(crate) fn put_blob(
        &self,
        descriptor: &Descriptor,
        bytes: &dyn BlobSource,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<(), TransportError> {
        upload::put(&self.runtime, &self.session, descriptor, bytes, sent)
    }

    /// Stores a document under `tag`, or under its digest. Where the registry does not say that it
    /// took note of `subject`, the index under the fallback tag is brought up to date.
    pub(crate) fn put_document(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        subject: Option<&ContentDigest>,
        tag: Option<&str>,
    ) -> Result<(), TransportError> {
        documents::check_document(descriptor, bytes)?;
        let store = self.session.store_document(descriptor, bytes, tag);
        let noted = self.runtime.block_on(store)?;
        let Some(subject) = subject.filter(|_| !noted) else {
            return Ok(());
        };
        let _one_at_a_time = self
            .fallback
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.runtime
            .block_on(self.session.add_fallback(subject, descriptor, bytes))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.reference).finish()
    }
}

/// A file that the user or the system's owner wrote, of at most `limit` bytes.
fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, TransportError> {
    let failed = |source| TransportError::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match bytes.len() as u64 > limit {
        true => Err(TransportError::Limit {
            what: format!("size of {}", path.display()),
            found: bytes.len() as u64,
            limit,
        }),
        false => Ok(bytes),
    }
}

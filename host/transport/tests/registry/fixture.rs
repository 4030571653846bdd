//! What the tests put into registries, and how they speak to them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use lazaret_artifact::{ContentDigest, Descriptor};
use lazaret_registry::Registry;
use lazaret_transport::{
    BlobSource, Destination, Reference, RegistryOptions, RegistryRef, Source, TransportError,
};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// The repository of most tests.
pub const NAME: &str = "team/thing";

/// Plain HTTP, few tries, little patience.
pub fn options() -> RegistryOptions {
    RegistryOptions {
        plain_http: true,
        retries: 2,
        timeout: Duration::from_secs(2),
        ..RegistryOptions::default()
    }
}

/// Bytes that are nowhere the same.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.parse().unwrap(),
        digest: ContentDigest::sha256(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

pub fn blob(bytes: &[u8]) -> Descriptor {
    descriptor("application/octet-stream", bytes)
}

/// An artifact of one blob, with the empty config.
pub fn artifact(kind: &str, content: &Descriptor, subject: Option<&Descriptor>) -> Vec<u8> {
    let plain = |descriptor: &Descriptor| {
        format!(
            r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#,
            descriptor.media_type, descriptor.digest, descriptor.size
        )
    };
    let subject = match subject {
        Some(subject) => format!(r#","subject":{}"#, plain(subject)),
        None => String::new(),
    };
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"{kind}","config":{},"layers":[{}],"annotations":{{"org.example.kind":"{kind}"}}{subject}}}"#,
        plain(&descriptor(EMPTY, b"{}")),
        plain(content),
    )
    .into_bytes()
}

/// An index of these.
pub fn index(entries: &[Descriptor]) -> Vec<u8> {
    let entries: Vec<String> = entries
        .iter()
        .map(|entry| {
            format!(
                r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#,
                entry.media_type, entry.digest, entry.size
            )
        })
        .collect();
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
        entries.join(",")
    )
    .into_bytes()
}

pub fn reference(host: &str, tag: Option<&str>) -> Reference {
    Reference::Registry(RegistryRef {
        host: host.to_owned(),
        repository: NAME.to_owned(),
        tag: tag.map(str::to_owned),
        digest: None,
    })
}

pub fn source(registry: &Registry, options: &RegistryOptions) -> Source {
    Source::open(&reference(&registry.host(), Some("v1")), options).unwrap()
}

pub fn destination(registry: &Registry, options: &RegistryOptions) -> Destination {
    Destination::open(&reference(&registry.host(), Some("v1")), options).unwrap()
}

/// All of a blob.
pub fn read(source: &Source, descriptor: &Descriptor) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    match source.open_blob(descriptor)?.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(TransportError::from_io(error, |error| {
            panic!("not of this crate: {error}")
        })),
    }
}

/// Bytes in memory, to be sent.
pub struct Bytes<'a>(pub &'a [u8]);

impl BlobSource for Bytes<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0))
    }
}

/// Sends a blob, and says how many bytes were said to be sent.
pub fn put(
    destination: &Destination,
    descriptor: &Descriptor,
    bytes: &[u8],
) -> Result<u64, TransportError> {
    let sent = std::sync::atomic::AtomicU64::new(0);
    destination.put_blob(descriptor, &Bytes(bytes), &|count| {
        sent.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    })?;
    Ok(sent.into_inner())
}

/// The chain of an error as the command line shows it, addresses of this test taken out.
pub fn chain(error: &TransportError, registry: &Registry) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text.replace(&registry.host(), "HOST")
}

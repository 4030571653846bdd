//! OCI archives from any bytes.
//!
//! 1. Opening, listing tags, resolving and searching referrers do not panic.
//! 2. Whatever is resolved is what its descriptor says: digest and size.
//! 3. A blob that can be read to its end has the digest and size it was asked for by, and lies in the
//!    file where it is said to lie.
//! 4. Asking twice gives the same answers.

use std::io::Read as _;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;

use lazaret_artifact::{ContentDigest, Descriptor};
use lazaret_transport::reference::ArchiveRef;
use lazaret_transport::{Reference, RegistryOptions, Resolved, Selection, Source, TransportError};

/// Bytes of an archive that are worth the time.
const MAX_SIZE: usize = 1 << 20;

/// Holds the reader of archives to the invariants.
///
/// # Panics
/// When one of them does not hold, or there is no room for a temporary file.
pub fn check(data: &[u8]) {
    if data.len() > MAX_SIZE {
        return;
    }
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(data).expect("room for the archive");
    let reference = Reference::Archive(ArchiveRef {
        path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
        tag: None,
        digest: None,
    });
    let Ok(source) = Source::open(&reference, &RegistryOptions::default()) else {
        return;
    };
    let _ = source.tags();
    for selection in [Selection::Best, Selection::All] {
        let first = source.resolve(&selection);
        let second = source.resolve(&selection);
        assert_eq!(told(&first), told(&second));
        if let Ok(resolved) = first {
            check_resolved(&source, &resolved);
        }
    }
}

fn check_resolved(source: &Source, resolved: &Resolved) {
    for index in &resolved.indexes {
        assert_is(&index.descriptor, &index.bytes);
        let _ = source.referrers(&index.descriptor.digest);
    }
    for manifest in &resolved.manifests {
        assert_is(&manifest.descriptor, &manifest.bytes);
        assert_is(&manifest.manifest.config, &manifest.config);
        let _ = source.referrers(&manifest.descriptor.digest);
        for layer in &manifest.manifest.layers {
            check_blob(source, layer);
        }
    }
}

fn check_blob(source: &Source, descriptor: &Descriptor) {
    let Ok(mut blob) = source.open_blob(descriptor) else {
        return;
    };
    let place = blob.file_unverified();
    let place = place.and_then(|place| Some((place.file.try_clone().ok()?, place.offset)));
    let mut bytes = Vec::new();
    if blob.read_to_end(&mut bytes).is_err() {
        return;
    }
    assert!(blob.is_verified());
    assert_is(descriptor, &bytes);
    if let Some((file, offset)) = place {
        let mut there = vec![0; bytes.len()];
        file.read_exact_at(&mut there, offset)
            .expect("the blob was read");
        assert_eq!(there, bytes);
    }
}

fn assert_is(descriptor: &Descriptor, bytes: &[u8]) {
    assert_eq!(descriptor.size, bytes.len() as u64);
    let found: ContentDigest = descriptor.digest.of_same_kind(bytes);
    assert_eq!(found, descriptor.digest);
}

/// What came of a resolution, in a form that can be compared.
fn told(result: &Result<Resolved, TransportError>) -> String {
    match result {
        Ok(resolved) => format!("{:?} {:?}", resolved.root, resolved.manifests.len()),
        Err(error) => error.to_string(),
    }
}

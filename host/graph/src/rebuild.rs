//! What a stream holds, bit for bit, and whether that is what its name says.
//!
//! The one place where bytes are given back. Objects are compared with their digests while they are
//! read, and the whole with the digest in the stream's name.

use std::io::{self, Write};

use lazaret_artifact::{ContentDigest, ContentHasher, DigestAlgorithm, VerityDigest};
use lazaret_store::Repository;

use crate::error::GraphError;
use crate::names::Stream;

/// Writes what `name` holds to `out`; false when there is no such stream.
///
/// # Errors
/// Damage, which may be found after bytes that are wrong have been written: whoever keeps them has
/// to wait for the end. [`lazaret_store::StoreError::Output`] when `out` fails.
pub fn rebuild(
    repository: &Repository,
    name: Stream,
    out: &mut dyn Write,
) -> Result<bool, GraphError> {
    let Some(stream) = repository.resolve_stream(&name.name())? else {
        return Ok(false);
    };
    let expected = name.digest();
    let found = rebuild_stream(repository, &stream, expected.algorithm(), out)?;
    if found != *expected {
        return Err(GraphError::Mismatch {
            stream: name,
            what: "content",
            expected: expected.to_string().into(),
            found: found.to_string().into(),
        });
    }
    Ok(true)
}

/// The digest of what a stream rebuilds, whatever its name is.
///
/// # Errors
/// Damage.
pub fn rebuilt_digest(
    repository: &Repository,
    stream: &VerityDigest,
    algorithm: DigestAlgorithm,
) -> Result<ContentDigest, GraphError> {
    rebuild_stream(repository, stream, algorithm, &mut io::sink())
}

fn rebuild_stream(
    repository: &Repository,
    stream: &VerityDigest,
    algorithm: DigestAlgorithm,
    out: &mut dyn Write,
) -> Result<ContentDigest, GraphError> {
    let mut tee = Tee {
        out,
        hash: ContentHasher::new(algorithm),
    };
    repository.open_stream(stream, None)?.rebuild(&mut tee)?;
    Ok(tee.hash.finish())
}

/// A writer that hashes what passes.
struct Tee<'a> {
    out: &'a mut dyn Write,
    hash: ContentHasher,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

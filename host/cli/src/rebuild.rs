//! What a stream holds, bit for bit, compared with the digest in its name.

use std::io::{self, Write};

use lazaret_artifact::{ContentDigest, ContentHasher};
use lazaret_graph::GraphError;
use lazaret_graph::names::Stream;
use lazaret_store::Repository;

/// Nothing is stored under a digest.
#[derive(Debug, thiserror::Error)]
#[error("nothing is stored under this digest")]
pub struct NoBlob;

/// Something else is stored under a digest.
#[derive(Debug, thiserror::Error)]
#[error("content mismatch: expected {expected}, found {found}")]
pub struct WrongContent {
    /// As asked for.
    pub expected: ContentDigest,
    /// As rebuilt.
    pub found: ContentDigest,
}

/// Writes what `name` holds to `out`; false when there is no such stream. An error may come after
/// bytes that are wrong.
pub fn rebuild(
    repository: &Repository,
    name: &Stream,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let Some(stream) = repository.resolve_stream(&name.name())? else {
        return Ok(false);
    };
    let expected = *name.digest();
    let mut tee = Tee {
        out,
        hash: ContentHasher::new(expected.algorithm()),
    };
    repository
        .open_stream(&stream, None)
        .and_then(|mut stream| stream.rebuild(&mut tee))
        .map_err(GraphError::from)?;
    let found = tee.hash.finish();
    if found != expected {
        return Err(WrongContent { expected, found }.into());
    }
    Ok(true)
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

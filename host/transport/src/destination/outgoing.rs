//! A blob on its way out, verified like one on its way in.

use std::io::{self, Read as _};

use lazaret_artifact::Descriptor;

use super::BlobSource;
use crate::blob::{Role, VerifyingReader};
use crate::error::TransportError;

/// Bytes that are read and written at once.
const PIECE: usize = 256 * 1024;

/// Reads all of `source` and gives it to `write`, piece by piece; `sent` learns of each piece. It
/// is an error when the bytes are not the descriptor's, and then `write` has not had all of them.
pub(super) fn copy(
    descriptor: &Descriptor,
    source: &dyn BlobSource,
    sent: &(dyn Fn(u64) + Sync),
    mut write: impl FnMut(&[u8]) -> Result<(), TransportError>,
) -> Result<(), TransportError> {
    let failed = |error: io::Error| {
        TransportError::from_io(error, |source| TransportError::Outgoing {
            digest: descriptor.digest,
            source,
        })
    };
    let opened = source.open().map_err(failed)?;
    let mut reader = VerifyingReader::new(opened, descriptor.digest, descriptor.size, Role::Blob);
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                write(&piece[..count])?;
                sent(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Whether the bytes of a document are its descriptor's.
pub(super) fn require_same(descriptor: &Descriptor, bytes: &[u8]) -> Result<(), TransportError> {
    let role = match descriptor.media_type.is_index() {
        true => Role::Index,
        false => Role::Manifest,
    };
    let mut reader = VerifyingReader::new(bytes, descriptor.digest, descriptor.size, role);
    match io::copy(&mut reader, &mut io::sink()) {
        Ok(_) => Ok(()),
        Err(error) => Err(TransportError::from_io(error, |source| {
            TransportError::Outgoing {
                digest: descriptor.digest,
                source,
            }
        })),
    }
}

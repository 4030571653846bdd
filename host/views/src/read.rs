//! One file's content, and what else extents name.

use std::io::{self, Write};

use lazaret_artifact::{ContentDigest, Extent, VerityDigest};
use lazaret_store::Repository;

use crate::content::{Contents, LayerStream, Sink};
use crate::error::ViewError;
use crate::tree::{NodeId, NodeKind, Tree};

/// Writes the content of a regular file to `out`, holes as zeros, and returns its size in bytes.
///
/// Every object is compared with its digest while it is read. The end of a large object that turns
/// out to be damaged is withheld, but what came before has been written by then.
///
/// # Errors
/// [`ViewError::NotAFile`]; [`ViewError::Output`] when `out` fails; damage.
pub fn read_file(
    repository: &Repository,
    tree: &Tree,
    id: NodeId,
    out: &mut dyn Write,
) -> Result<u64, ViewError> {
    let NodeKind::Regular(content) = tree.node(id).kind() else {
        return Err(ViewError::NotAFile {
            kind: tree.node(id).kind().name(),
        });
    };
    let contents = Contents::locate(repository, tree, std::iter::once(content))?;
    contents.copy(content.layer, &content.extents, &mut Plain(out))?;
    Ok(content.size)
}

/// Writes what `extents` name in the stream of `layer` to `out`: a part of a blob, such as a tensor
/// or a partition. Otherwise as [`read_file`].
///
/// # Errors
/// [`ViewError::Output`]; [`ViewError::Record`] for extents outside the stream; damage.
pub fn read_extents(
    repository: &Repository,
    layer: &ContentDigest,
    stream: &VerityDigest,
    extents: &[Extent],
    out: &mut dyn Write,
) -> Result<u64, ViewError> {
    let stream = LayerStream {
        layer: *layer,
        stream: *stream,
    };
    let contents = Contents::locate_extents(repository, stream, extents)?;
    contents.copy(0, extents, &mut Plain(out))?;
    Ok(extents
        .iter()
        .fold(0, |sum, extent| sum.saturating_add(extent.length())))
}

/// A writer that takes zeros for holes.
pub(crate) struct Plain<'a>(pub(crate) &'a mut dyn Write);

impl Sink for Plain<'_> {
    fn data(&mut self, bytes: &[u8]) -> Result<(), ViewError> {
        self.0
            .write_all(bytes)
            .map_err(|source| ViewError::Output { source })
    }

    fn hole(&mut self, length: u64) -> Result<(), ViewError> {
        write_zeros(self.0, length).map_err(|source| ViewError::Output { source })
    }
}

/// Writes `count` zeros.
pub(crate) fn write_zeros(out: &mut dyn Write, count: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let mut left = count;
    while left > 0 {
        let piece = usize::try_from(left)
            .unwrap_or(ZEROS.len())
            .min(ZEROS.len());
        out.write_all(&ZEROS[..piece])?;
        left -= piece as u64;
    }
    Ok(())
}

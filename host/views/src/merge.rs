//! Laying layers on top of each other (OCI image specification, layer.md, "Applying Changesets").
//!
//! Every name carries the number of the last layer that spoke of it. So a deletion can tell what
//! lies below from what its own layer says, and the order of entries and deletions within a layer
//! does not matter.
//!
//! Where the specification is silent: a deletion never makes a directory and never goes through a
//! symbolic link. A directory that a layer only implies, by naming something in it, keeps the
//! attributes it has below, and replaces anything below that is no directory (as extracting the
//! layer alone and stacking the results does). A hard link's own metadata is ignored.

mod blobs;
mod draft;

use lazaret_artifact::record::{Line, Verdict};
use lazaret_artifact::{ContentDigest, Entry, EntryKind, EntryPath, Extent};
use lazaret_graph::{Image, RecordReader, find_record};
use lazaret_store::Repository;

use crate::error::ViewError;
use crate::tree::{Layer, Tree};
use draft::Draft;

/// How many times its own size the files of one layer may claim to hold. No tar archive claims
/// more than once; formats whose pieces overlap may a few times. Stops a record whose entries all
/// name the same gigabyte from filling the disk on export.
const MAX_AMPLIFICATION: u64 = 8;

/// Bytes that files may claim whatever the size of the layer: literals and small layers.
const FREE_AMPLIFICATION: u64 = 1 << 20;

impl Tree {
    /// Merges the layers of an image by their import records, or lays out the blobs of an artifact
    /// by the names it gives them.
    ///
    /// # Errors
    /// [`ViewError::NoRecord`], [`ViewError::KeptWhole`], [`ViewError::Record`],
    /// [`ViewError::Amplified`], [`ViewError::FileName`], each with the layer or blob;
    /// [`ViewError::NoFiles`]; the store's.
    pub fn merge(repository: &Repository, image: &Image) -> Result<Self, ViewError> {
        let mut draft = Draft::new();
        if image.config.is_none() {
            let blobs = blobs::add_all(repository, image, &mut draft)?;
            return Ok(draft.finish(blobs));
        }
        let mut layers = Vec::with_capacity(image.layers.len());
        for layer in &image.layers {
            let layer = Layer {
                key: layer.key,
                stream: layer.stream,
            };
            draft.begin_layer();
            add_layer(repository, &layer, &mut draft)?;
            layers.push(layer);
        }
        Ok(draft.finish(layers))
    }
}

fn add_layer(repository: &Repository, layer: &Layer, draft: &mut Draft) -> Result<(), ViewError> {
    let key = layer.key;
    let record = find_record(repository, &key)?.ok_or(ViewError::NoRecord { layer: key })?;
    match record.summary.verdict {
        Verdict::Imported => {}
        Verdict::Opaque => {
            let reason = "no importer claimed it".to_owned();
            return Err(ViewError::KeptWhole { layer: key, reason });
        }
        Verdict::Faulted(reason) => return Err(ViewError::KeptWhole { layer: key, reason }),
    }
    let size = record.summary.size;
    let limit = amplification_limit(size);
    let mut claimed: u64 = 0;
    for line in RecordReader::open(repository, &key, &record.stream)? {
        let Line::Entry(entry) = line? else {
            continue;
        };
        claimed = claimed.saturating_add(stored_size(&entry));
        if claimed > limit {
            return Err(ViewError::Amplified {
                layer: key,
                size,
                limit,
            });
        }
        let path = entry.path.clone();
        draft
            .apply(entry)
            .map_err(|reason| contradiction(&key, &path, reason))?;
    }
    tracing::debug!(layer = %key, entries = record.summary.entries, "merged");
    Ok(())
}

/// Bytes that what is in a layer of `size` may come to.
pub(crate) const fn amplification_limit(size: u64) -> u64 {
    size.saturating_mul(MAX_AMPLIFICATION)
        .saturating_add(FREE_AMPLIFICATION)
}

fn contradiction(layer: &ContentDigest, path: &EntryPath, reason: &'static str) -> ViewError {
    ViewError::Record {
        layer: *layer,
        path: path.to_string(),
        reason,
    }
}

/// Bytes of content that have to be written somewhere when the entry is exported.
fn stored_size(entry: &Entry) -> u64 {
    if entry.kind != EntryKind::Regular {
        return 0;
    }
    let stored = entry
        .content
        .iter()
        .filter(|extent| !matches!(extent, Extent::Hole(_)));
    stored.fold(0, |sum, extent| sum.saturating_add(extent.length()))
}

#[cfg(test)]
mod tests;

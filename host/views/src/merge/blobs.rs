//! The files of an artifact: blobs that their descriptors name.
//!
//! A blob whose importer found files in it, or in what it decompresses to, shows those. Any other is
//! itself a file, if the artifact gives it a name (ORAS's title, ModelPack's file path, Ollama's
//! name), and is not in the tree if not. It is shown as it travelled, unless ModelPack's metadata
//! says that the file is as large as what it decompresses to. The names come from strangers: each
//! must be a clean relative path, and no two may claim one place, since it would depend on the
//! reader which blob is seen there.

use std::collections::BTreeSet;

use lazaret_artifact::record::{Line, Verdict};
use lazaret_artifact::{ContentDigest, Entry, EntryKind, EntryPath, Extent, FileMetadata, Posix};
use lazaret_graph::{Image, Layer, RecordReader, find_record};
use lazaret_store::Repository;

use super::add_layer;
use super::draft::Draft;
use crate::error::ViewError;
use crate::tree;

/// What an annotation may say of permissions. As with importers of blobs, nobody but a container
/// layer makes a program run with another's rights.
const PERMISSIONS: u32 = 0o777;

/// The names that blobs have taken.
#[derive(Default)]
struct Taken {
    files: BTreeSet<EntryPath>,
    directories: BTreeSet<EntryPath>,
}

impl Taken {
    /// Whether the name was free, and so were the directories that lead to it.
    fn take(&mut self, path: &EntryPath) -> bool {
        if self.directories.contains(path) || !self.files.insert(path.clone()) {
            return false;
        }
        let mut parent = path.parent();
        while let Some(directory) = parent {
            if self.files.contains(&directory) {
                return false;
            }
            parent = directory.parent();
            self.directories.insert(directory);
        }
        true
    }
}

/// Adds every blob of an artifact that is or holds files.
pub(super) fn add_all(
    repository: &Repository,
    image: &Image,
    draft: &mut Draft,
) -> Result<Vec<tree::Layer>, ViewError> {
    let mut taken = Taken::default();
    let mut without_files = None;
    let mut found = false;
    let mut layers = Vec::with_capacity(image.layers.len());
    for blob in &image.layers {
        let mut place = tree::Layer {
            key: blob.key,
            stream: blob.stream,
        };
        let unpacked = blob.unpacked.map(|unpacked| tree::Layer {
            key: unpacked.content,
            stream: unpacked.stream,
        });
        draft.begin_layer();
        let inside = unpacked.unwrap_or(place);
        if holds_files(repository, &inside.key)? {
            add_layer(repository, &inside, draft)?;
            place = inside;
            found = true;
        } else if let Some(path) = name_of(blob)? {
            if !taken.take(&path) {
                return Err(bad_name(blob, &path.to_string(), "another blob is there"));
            }
            let entry = file(repository, blob, path.clone(), &mut place, unpacked)?;
            draft
                .apply(entry)
                .map_err(|reason| bad_name(blob, &path.to_string(), reason))?;
            found = true;
        } else if without_files.is_none() {
            without_files = Some(blob.key);
        }
        layers.push(place);
    }
    match without_files {
        Some(layer) if !found => Err(ViewError::NoFiles { blob: layer }),
        _ => Ok(layers),
    }
}

fn holds_files(repository: &Repository, content: &ContentDigest) -> Result<bool, ViewError> {
    let Some(record) = find_record(repository, content)? else {
        return Ok(false);
    };
    if record.summary.verdict != Verdict::Imported || record.summary.entries == 0 {
        return Ok(false);
    }
    for line in RecordReader::open(repository, content, &record.stream)? {
        match line? {
            Line::Entry(entry) if entry.kind != EntryKind::Part => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

fn name_of(blob: &Layer) -> Result<Option<EntryPath>, ViewError> {
    match blob.descriptor.file_path() {
        None => Ok(None),
        Some(Ok(path)) if !path.is_root() => Ok(Some(path)),
        Some(Ok(_)) => Err(bad_name(blob, "", "no name is left of it")),
        Some(Err(error)) => Err(ViewError::FileName {
            blob: blob.key,
            reason: error.to_string(),
        }),
    }
}

fn bad_name(blob: &Layer, path: &str, reason: &'static str) -> ViewError {
    ViewError::FileName {
        blob: blob.key,
        reason: format!("{path:?}: {reason}"),
    }
}

/// The file that a blob is: `place`, which becomes `unpacked` where the metadata means that.
fn file(
    repository: &Repository,
    blob: &Layer,
    path: EntryPath,
    place: &mut tree::Layer,
    unpacked: Option<tree::Layer>,
) -> Result<Entry, ViewError> {
    let size_of = |layer: &tree::Layer| -> Result<u64, ViewError> {
        Ok(repository.open_stream(&layer.stream, None)?.total_size())
    };
    let mut size = size_of(place)?;
    let metadata = metadata_of(blob)?;
    if let Some(stated) = &metadata
        && stated.size != size
    {
        match unpacked {
            Some(unpacked) if size_of(&unpacked)? == stated.size => {
                *place = unpacked;
                size = stated.size;
            }
            _ => {
                return Err(ViewError::FileSize {
                    blob: blob.key,
                    path: path.to_string(),
                    stated: stated.size,
                    size,
                });
            }
        }
    }
    let content = match size {
        0 => Vec::new(),
        length => vec![Extent::Input { offset: 0, length }],
    };
    Ok(Entry {
        path,
        kind: EntryKind::Regular,
        content,
        target: Vec::new(),
        link: None,
        posix: metadata.map(|metadata| Posix {
            mode: metadata.mode & PERMISSIONS,
            uid: metadata.uid,
            gid: metadata.gid,
            mtime: metadata.mtime,
            ..Posix::default()
        }),
        media_type: None,
        attributes: Vec::new(),
    })
}

/// What `ModelPack`'s annotation says of a regular file; of anything else it says nothing of use.
fn metadata_of(blob: &Layer) -> Result<Option<FileMetadata>, ViewError> {
    match blob.descriptor.file_metadata() {
        None => Ok(None),
        Some(Ok(metadata)) => Ok(metadata.is_regular().then_some(metadata)),
        Some(Err(error)) => Err(ViewError::FileName {
            blob: blob.key,
            reason: error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests;

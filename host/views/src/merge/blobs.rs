//! The files of an artifact: blobs that their descriptors name.
//!
//! A blob whose importer found files in it shows those. Any other is itself a file, if the artifact
//! gives it a name (ORAS's title, ModelPack's file path), and is not in the tree if not. The names
//! come from strangers: each must be a clean relative path, and no two may claim one place, since
//! it would depend on the reader which blob is seen there.

use std::collections::BTreeSet;

use lazaret_artifact::record::{Line, Verdict};
use lazaret_artifact::{Entry, EntryKind, EntryPath, Extent};
use lazaret_graph::{Image, Layer, RecordReader, find_record};
use lazaret_store::Repository;

use super::add_layer;
use super::draft::Draft;
use crate::error::ViewError;
use crate::tree;

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
        let place = tree::Layer {
            key: blob.key,
            stream: blob.stream,
        };
        draft.begin_layer();
        if holds_files(repository, blob)? {
            add_layer(repository, &place, draft)?;
            found = true;
        } else if let Some(path) = name_of(blob)? {
            if !taken.take(&path) {
                return Err(bad_name(blob, &path.to_string(), "another blob is there"));
            }
            let size = repository.open_stream(&blob.stream, None)?.total_size();
            draft
                .apply(file(path.clone(), size))
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

fn holds_files(repository: &Repository, blob: &Layer) -> Result<bool, ViewError> {
    let Some(record) = find_record(repository, &blob.key)? else {
        return Ok(false);
    };
    if record.summary.verdict != Verdict::Imported || record.summary.entries == 0 {
        return Ok(false);
    }
    for line in RecordReader::open(repository, &blob.key, &record.stream)? {
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

fn file(path: EntryPath, size: u64) -> Entry {
    let content = match size {
        0 => Vec::new(),
        length => vec![Extent::Input { offset: 0, length }],
    };
    Entry {
        path,
        kind: EntryKind::Regular,
        content,
        target: Vec::new(),
        link: None,
        posix: None,
        media_type: None,
        attributes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;

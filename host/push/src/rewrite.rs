//! Documents that name something by a digest it no longer has, edited: only the descriptors
//! concerned change, all other text stays byte for byte.
//!
//! In a descriptor of a recompressed layer the digest, the size and the media type are new. Gone
//! are what described the old bytes: `data` and `urls` (image-spec descriptor.md) and the
//! annotations that lead eStargz and zstd:chunked readers into them. Members nobody here knows are
//! kept as they are written. `subject` is left alone: what it refers to is not what is sent.

use std::collections::HashMap;
use std::ops::Range;

use lazaret_artifact::media_type::Compression;
use lazaret_artifact::referrer::BUILDKIT_DIGEST;
use lazaret_artifact::{ContentDigest, Index, Manifest, MediaType};
use serde_json::Error as JsonError;
use serde_json::value::Value;

use crate::error::EditFault;
use crate::spans::{self, Member};

/// Annotations about places inside compressed bytes: eStargz's (containerd/stargz-snapshotter
/// docs/estargz.md) and zstd:chunked's (containers/storage pkg/chunked).
const ABOUT_BYTES: [&str; 7] = [
    "containerd.io/snapshot/stargz/toc.digest",
    "io.containers.estargz.uncompressed-size",
    "io.github.containers.zstd-chunked.manifest-checksum",
    "io.github.containers.zstd-chunked.manifest-position",
    "io.github.containers.zstd-chunked.tarsplit-checksum",
    "io.github.containers.zstd-chunked.tarsplit-position",
    "org.opencontainers.image.layer.toc.digest",
];

/// What something is called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Renamed {
    pub digest: ContentDigest,
    /// Bytes.
    pub size: u64,
    /// For a layer, how it is compressed now.
    pub compression: Option<Compression>,
}

/// By the digest it had.
pub(crate) type Renames = HashMap<ContentDigest, Renamed>;

/// The manifest `bytes` with its layers renamed; `None` when none of them was.
///
/// # Errors
/// It is no manifest, before or after.
pub(crate) fn manifest(bytes: &[u8], renames: &Renames) -> Result<Option<Vec<u8>>, EditFault> {
    let edited = edit_list(bytes, "layers", renames)?;
    if let Some(edited) = &edited {
        Manifest::parse(edited, None)?;
    }
    Ok(edited)
}

/// The index `bytes` with its manifests renamed, and what BuildKit says they are about; `None`
/// when nothing changes.
///
/// # Errors
/// It is no index, before or after.
pub(crate) fn index(bytes: &[u8], renames: &Renames) -> Result<Option<Vec<u8>>, EditFault> {
    let edited = edit_list(bytes, "manifests", renames)?;
    if let Some(edited) = &edited {
        Index::parse(edited, None)?;
    }
    Ok(edited)
}

/// The media type of a layer of type `from`, were it compressed with `to`; `None` where its family
/// has no name for that. Docker's documents never had one for zstd.
#[must_use]
pub(crate) fn layer_type(from: &MediaType, to: Compression) -> Option<MediaType> {
    from.layer_compression()?;
    let text = from.as_str();
    let stem = &text[..text.rfind(".tar")? + ".tar".len()];
    let is_docker = stem.starts_with("application/vnd.docker.");
    let suffix = match (to, is_docker) {
        (Compression::None, _) => "",
        (Compression::Gzip, true) => ".gzip",
        (Compression::Gzip, false) => "+gzip",
        (Compression::Zstd, true) => return None,
        (Compression::Zstd, false) => "+zstd",
    };
    format!("{stem}{suffix}").parse().ok()
}

/// `bytes` with the descriptors in its member `list` edited.
fn edit_list(bytes: &[u8], list: &str, renames: &Renames) -> Result<Option<Vec<u8>>, JsonError> {
    let document = spans::members(bytes, 0..bytes.len())?;
    let Some(list) = document.into_iter().find(|member| member.name == list) else {
        return Ok(None);
    };
    let mut replacements = Vec::new();
    for descriptor in spans::elements(bytes, list.value)? {
        if let Some(new) = edit_descriptor(bytes, descriptor.clone(), renames)? {
            replacements.push((descriptor, new));
        }
    }
    if replacements.is_empty() {
        return Ok(None);
    }
    Ok(Some(spans::splice(bytes, &replacements)))
}

fn edit_descriptor(
    bytes: &[u8],
    at: Range<usize>,
    renames: &Renames,
) -> Result<Option<Vec<u8>>, JsonError> {
    let members = spans::members(bytes, at)?;
    let digest = members.iter().find(|member| member.name == "digest");
    let renamed = match digest {
        Some(member) => renamed(bytes, &member.value, renames)?,
        None => None,
    };
    let mut changed = renamed.is_some();
    let mut kept = Vec::new();
    for Member {
        name,
        name_at,
        value,
    } in members
    {
        let new = match (name.as_str(), renamed) {
            (
                "annotations",
                Some(Renamed {
                    compression: Some(_),
                    ..
                }),
            ) => edit_annotations(bytes, &value, renames, &ABOUT_BYTES)?,
            ("annotations", _) => edit_annotations(bytes, &value, renames, &[])?,
            ("digest", Some(renamed)) => Some(json(&renamed.digest)?),
            ("size", Some(renamed)) => Some(json(&renamed.size)?),
            ("data" | "urls", Some(_)) => continue,
            (
                "mediaType",
                Some(Renamed {
                    compression: Some(to),
                    ..
                }),
            ) => {
                let old: MediaType = serde_json::from_slice(&bytes[value.clone()])?;
                layer_type(&old, to).map(|new| json(&new)).transpose()?
            }
            _ => None,
        };
        changed |= new.is_some();
        kept.push((name_at, new.unwrap_or_else(|| bytes[value].to_vec())));
    }
    Ok(changed.then(|| object(bytes, &kept)))
}

/// Annotations without those in `gone` and with BuildKit's reference renamed; `None` when nothing
/// changes.
fn edit_annotations(
    bytes: &[u8],
    at: &Range<usize>,
    renames: &Renames,
    gone: &[&str],
) -> Result<Option<Vec<u8>>, JsonError> {
    if bytes[at.clone()] == *b"null" {
        return Ok(None);
    }
    let mut changed = false;
    let mut kept = Vec::new();
    for member in spans::members(bytes, at.clone())? {
        let mut value = bytes[member.value.clone()].to_vec();
        if member.name == BUILDKIT_DIGEST
            && let Some(renamed) = renamed(bytes, &member.value, renames)?
        {
            value = json(&renamed.digest)?;
            changed = true;
        }
        if gone.contains(&member.name.as_str()) {
            changed = true;
            continue;
        }
        kept.push((member.name_at, value));
    }
    Ok(changed.then(|| object(bytes, &kept)))
}

/// What the digest written at `at` was renamed to.
fn renamed(
    bytes: &[u8],
    at: &Range<usize>,
    renames: &Renames,
) -> Result<Option<Renamed>, JsonError> {
    let text: Value = serde_json::from_slice(&bytes[at.clone()])?;
    let digest = text.as_str().and_then(|text| text.parse().ok());
    Ok(digest.and_then(|digest: ContentDigest| renames.get(&digest).copied()))
}

/// An object of names as they are written and values.
fn object(bytes: &[u8], members: &[(Range<usize>, Vec<u8>)]) -> Vec<u8> {
    let mut text = vec![b'{'];
    for (name, value) in members {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(&bytes[name.clone()]);
        text.push(b':');
        text.extend_from_slice(value);
    }
    text.push(b'}');
    text
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, JsonError> {
    serde_json::to_vec(value)
}

#[cfg(test)]
mod tests;

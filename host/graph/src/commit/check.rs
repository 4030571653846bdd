//! Whether what is to be committed agrees with itself.
//!
//! The caller verified all this when it fetched the documents; a mix-up between two of them would
//! put a lie into the repository, so it is looked at once more.

use std::collections::BTreeMap;

use lazaret_artifact::{ContentDigest, ImageConfig, VerityDigest};

use super::{Commit, ManifestCommit};
use crate::error::GraphError;
use crate::stored;

/// A manifest with what was parsed for it.
pub(super) struct Checked<'a> {
    pub(super) commit: ManifestCommit<'a>,
    /// Its config, if it is an image.
    pub(super) image: Option<ImageConfig>,
    /// The streams of its layers.
    pub(super) layers: BTreeMap<ContentDigest, VerityDigest>,
}

/// Checks documents against their digests and layers against documents.
pub(super) fn check<'a>(commit: &Commit<'a>) -> Result<Vec<Checked<'a>>, GraphError> {
    let given: BTreeMap<ContentDigest, VerityDigest> = commit
        .layers
        .iter()
        .map(|layer| (layer.key, layer.stream))
        .collect();
    let mut checked = Vec::with_capacity(commit.manifests.len());
    for manifest in commit.manifests {
        checked.push(check_manifest(manifest, &given)?);
    }
    let contents = commit.contents.iter();
    for key in contents.flat_map(|content| [content.blob, content.content]) {
        if !given.contains_key(&key) {
            return Err(GraphError::LayerNotGiven { layer: key });
        }
    }
    for index in commit.indexes {
        require_digest("index digest", &index.index.digest, index.bytes)?;
    }
    Ok(checked)
}

fn check_manifest<'a>(
    commit: &ManifestCommit<'a>,
    given: &BTreeMap<ContentDigest, VerityDigest>,
) -> Result<Checked<'a>, GraphError> {
    let manifest = commit.manifest;
    require_digest("manifest digest", &manifest.digest, commit.manifest_bytes)?;
    require_digest(
        "config digest",
        &manifest.config.digest,
        commit.config_bytes,
    )?;
    let image = match manifest.is_image() {
        true => Some(parse_config(commit)?),
        false => None,
    };
    let layers = stored::layer_digests(manifest, image.as_ref())
        .into_iter()
        .map(|key| match given.get(&key) {
            Some(stream) => Ok((key, *stream)),
            None => Err(GraphError::LayerNotGiven { layer: key }),
        })
        .collect::<Result<_, _>>()?;
    Ok(Checked {
        commit: *commit,
        image,
        layers,
    })
}

fn parse_config(commit: &ManifestCommit<'_>) -> Result<ImageConfig, GraphError> {
    let image = ImageConfig::parse(commit.config_bytes).map_err(|source| GraphError::Document {
        source: Box::new(source),
    })?;
    let (expected, found) = (image.diff_ids.len(), commit.manifest.layers.len());
    if expected != found {
        return Err(GraphError::Input {
            what: "number of layers",
            digest: commit.manifest.digest,
            expected: expected.to_string().into(),
            found: found.to_string().into(),
        });
    }
    Ok(image)
}

fn require_digest(
    what: &'static str,
    digest: &ContentDigest,
    bytes: &[u8],
) -> Result<(), GraphError> {
    let found = digest.of_same_kind(bytes);
    if found == *digest {
        return Ok(());
    }
    Err(GraphError::Input {
        what,
        digest: *digest,
        expected: digest.to_string().into(),
        found: found.to_string().into(),
    })
}

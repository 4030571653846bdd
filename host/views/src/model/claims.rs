//! What an artifact's own config document claims of its model.
//!
//! `ModelPack`'s (CNCF model-spec, config.md: `descriptor` and `config`) and Docker Model Runner's
//! (docker/model-spec, `config`). Whoever packed the artifact wrote it, and nobody compared it with
//! the bytes: so it is kept apart from what importers say, and stands only where they say nothing.
//! A document that cannot be read, or whose members are of other types than these, claims nothing.

use lazaret_artifact::json::document_from_slice;
use lazaret_graph::Image;
use serde::Deserialize;

use super::ModelCard;

/// The types of such documents, `ModelPack`'s with both prefixes.
const MODEL_CONFIGS: [&str; 4] = [
    "application/vnd.cncf.model.config.v1+json",
    "application/vnd.cnai.model.config.v1+json",
    "application/vnd.docker.ai.model.config.v0.1+json",
    "application/vnd.docker.ai.model.config.v0.2+json",
];

/// Bytes of one claim, as of a fact: a document of four mebibytes must not fill a screen.
const CLAIM_MAX: usize = 4096;

/// Licences that are listed.
const LICENCES_MAX: usize = 16;

/// What a config document claims. Nobody checked it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// What the model is called: `descriptor.name`, else `descriptor.title`.
    pub name: Option<String>,
    /// The family of models.
    pub family: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its licences, with commas between.
    pub licence: Option<String>,
    /// The format of its files.
    pub format: Option<String>,
    /// The family of networks.
    pub architecture: Option<String>,
    /// About how many parameters, in words (`8b`, `361.82 M`).
    pub parameters: Option<String>,
    /// The type of its numbers.
    pub precision: Option<String>,
    /// How they were quantised.
    pub quantization: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    descriptor: Option<Descriptor>,
    config: Option<Config>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    name: Option<String>,
    title: Option<String>,
    family: Option<String>,
    version: Option<String>,
    licenses: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    architecture: Option<String>,
    format: Option<String>,
    /// `ModelPack`'s.
    param_size: Option<String>,
    /// Docker's.
    parameters: Option<String>,
    precision: Option<String>,
    quantization: Option<String>,
}

impl Claims {
    /// What the config of an artifact claims; none if it is no model's, or claims nothing.
    pub(super) fn of(image: &Image) -> Option<Self> {
        let config = &image.manifest.config;
        if !MODEL_CONFIGS.contains(&config.media_type.as_str()) {
            return None;
        }
        match document_from_slice::<Document>(&image.config_bytes) {
            Ok(document) => Some(Self::in_document(document)).filter(|claims| !claims.is_empty()),
            Err(error) => {
                tracing::debug!(config = %config.digest, %error, "claims nothing");
                None
            }
        }
    }

    fn in_document(document: Document) -> Self {
        let descriptor = document.descriptor.unwrap_or_default();
        let config = document.config.unwrap_or_default();
        let licences = descriptor.licenses.unwrap_or_default();
        let shown = &licences[..licences.len().min(LICENCES_MAX)];
        Self {
            name: claim(descriptor.name).or(claim(descriptor.title)),
            family: claim(descriptor.family),
            version: claim(descriptor.version),
            licence: claim(Some(shown.join(", "))),
            format: claim(config.format),
            architecture: claim(config.architecture),
            parameters: claim(config.param_size).or(claim(config.parameters)),
            precision: claim(config.precision),
            quantization: claim(config.quantization),
        }
    }

    /// Without what importers say of the model.
    pub(super) fn beyond(self, card: &ModelCard) -> Self {
        let open = |claim: Option<String>, is_said: bool| claim.filter(|_| !is_said);
        Self {
            name: open(self.name, card.name.is_some()),
            licence: open(self.licence, card.licence.is_some()),
            format: open(self.format, card.format.is_some()),
            architecture: open(self.architecture, card.architecture.is_some()),
            parameters: open(self.parameters, card.tensors > 0),
            precision: open(self.precision, !card.dtypes.is_empty()),
            quantization: open(self.quantization, card.quantization.is_some()),
            family: self.family,
            version: self.version,
        }
    }

    /// Whether nothing is claimed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A text that says something, cut where it is long.
fn claim(text: Option<String>) -> Option<String> {
    let mut text = text.filter(|text| !text.is_empty())?;
    if text.len() > CLAIM_MAX {
        text.truncate(text.floor_char_boundary(CLAIM_MAX));
        text.push('…');
    }
    Some(text)
}

#[cfg(test)]
mod tests;

//! What `inspect --json` prints.

use std::collections::BTreeMap;

use lazaret_artifact::record::{ImporterIdentity, Severity, Verdict};
use lazaret_artifact::{ContentDigest, Descriptor, EntryPath, MediaType, Platform, Tag};
use lazaret_graph::referrers::ReferrerRow;
use lazaret_graph::{Image, Kind, Name};
use lazaret_views::Models;
use serde::Serialize;

use super::claims::ClaimsDocument;
use super::models::{FaultDocument, ModelDocument};
use super::{Holds, Layer, total_size};

type Annotations = BTreeMap<String, String>;

/// An image or artifact.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageDocument<'a> {
    name: &'a Name,
    digest: &'a ContentDigest,
    media_type: &'a MediaType,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a MediaType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a Platform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a str>,
    size: u64,
    tags: &'a [Tag],
    config: &'a Descriptor,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Descriptor>,
    annotations: &'a Annotations,
    referrers: Vec<ReferrerDocument<'a>>,
    layers: Vec<LayerDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<ModelDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<ClaimsDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_handed_on: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDocument<'a> {
    #[serde(flatten)]
    descriptor: &'a Descriptor,
    content: &'a ContentDigest,
    content_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<EntryPath>,
    kept_compressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<HoldsDocument<'a>>,
    #[serde(flatten)]
    import: Option<Import<'a>>,
}

#[derive(Serialize)]
struct HoldsDocument<'a> {
    digest: &'a ContentDigest,
    size: u64,
}

#[derive(Serialize)]
struct Import<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    importer: Option<&'a ImporterIdentity>,
    entries: u64,
    facts: u64,
    fuel: u64,
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
}

/// What refers to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrerDocument<'a> {
    digest: &'a ContentDigest,
    relation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
}

impl<'a> ReferrerDocument<'a> {
    /// One of them.
    pub fn of(row: &'a ReferrerRow) -> Self {
        Self {
            digest: &row.digest,
            relation: row.relation.to_string(),
            artifact_type: row.artifact_type.as_ref().map(|kind| kind.as_str()),
        }
    }
}

/// Of an image or artifact.
pub fn of_image<'a>(
    name: &'a Name,
    image: &'a Image,
    layers: &'a [Layer],
    models: &'a Models,
    referrers: &'a [ReferrerRow],
) -> ImageDocument<'a> {
    let manifest = &image.manifest;
    let config = image.config.as_ref();
    let artifact_type = manifest.artifact_type.as_ref();
    ImageDocument {
        name,
        digest: &manifest.digest,
        media_type: &manifest.media_type,
        kind: match config {
            Some(_) => Kind::Image,
            None => Kind::Artifact,
        },
        artifact_type: match config {
            Some(_) => artifact_type,
            None => artifact_type.or(Some(&manifest.config.media_type)),
        },
        platform: config.map(|config| &config.platform),
        created: config.and_then(|config| config.created.as_deref()),
        size: total_size(image, layers),
        tags: &image.tags,
        config: &manifest.config,
        subject: manifest.subject.as_ref(),
        annotations: &manifest.annotations,
        referrers: referrers.iter().map(ReferrerDocument::of).collect(),
        layers: image
            .layers
            .iter()
            .zip(layers)
            .map(|(layer, import)| LayerDocument {
                descriptor: &layer.descriptor,
                content: &layer.key,
                content_size: import.content_size,
                file: layer.descriptor.file_path().and_then(Result::ok),
                kept_compressed: import.kept_compressed,
                holds: import.holds.as_ref().map(|holds: &Holds| HoldsDocument {
                    digest: &holds.content,
                    size: holds.size,
                }),
                import: import.record.as_ref().map(|record| Import {
                    importer: record.header.importer.as_ref(),
                    entries: record.summary.entries,
                    facts: record.summary.facts,
                    fuel: record.summary.fuel,
                    verdict: &record.summary.verdict,
                    parameters: &record.header.parameters,
                    severity: record.summary.severity,
                }),
            })
            .collect(),
        models: models.cards.iter().map(ModelDocument::of).collect(),
        claimed: models.claims.as_ref().map(ClaimsDocument::of),
        faults: models.faults.iter().map(FaultDocument::of).collect(),
        not_handed_on: (models.not_handed_on > 0).then_some(models.not_handed_on),
    }
}

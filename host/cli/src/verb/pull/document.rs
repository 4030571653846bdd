//! What `pull --json` prints.

use std::path::Path;
use std::time::Duration;

use lazaret_artifact::record::Severity;
use lazaret_artifact::{ContentDigest, Tag};
use lazaret_graph::{Kind, Name};
use lazaret_intake::{Pulled, PulledLayer, PulledManifest, PulledReferrer};
use serde::Serialize;

use super::Told;
use super::summary::{kind, own_manifests};

/// The whole.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Name>,
    repository: String,
    digest: &'a ContentDigest,
    kind: Kind,
    tags: &'a [Tag],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moved: Vec<Moved<'a>>,
    seconds: f64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    findings: &'a [String],
    #[serde(flatten)]
    single: Option<ManifestDocument<'a>>,
    manifests: Vec<ManifestDocument<'a>>,
    indexes: &'a [ContentDigest],
    referrers: Vec<ReferrerDocument<'a>>,
}

/// A tag and what it named before.
#[derive(Serialize)]
struct Moved<'a> {
    tag: &'a Tag,
    digest: &'a ContentDigest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestDocument<'a> {
    manifest: &'a ContentDigest,
    config: &'a ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    layers: Vec<LayerDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDocument<'a> {
    digest: &'a ContentDigest,
    media_type: &'a str,
    size: u64,
    content: &'a ContentDigest,
    content_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<&'a ContentDigest>,
    reused: bool,
    repaired: bool,
    kept_compressed: bool,
    entries: u64,
    parts: u64,
    handed_on: u64,
    fuel: u64,
    new_objects: u64,
    new_bytes: u64,
    reflinked_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferrerDocument<'a> {
    digest: &'a ContentDigest,
    subject: &'a ContentDigest,
    relation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
}

/// What a pull brought in.
pub fn of<'a>(
    told: &Told<'a>,
    repository: &Path,
    pulled: &'a Pulled,
    elapsed: Duration,
) -> Document<'a> {
    Document {
        source: match told {
            Told::Pulled(source) => Some(source.to_string()),
            Told::Restaged(_) => None,
        },
        name: match told {
            Told::Pulled(_) => None,
            Told::Restaged(name) => Some(*name),
        },
        repository: repository.display().to_string(),
        digest: &pulled.root,
        kind: kind(pulled),
        tags: &pulled.tags,
        moved: pulled
            .moved
            .iter()
            .map(|(tag, digest)| Moved { tag, digest })
            .collect(),
        seconds: elapsed.as_secs_f64(),
        findings: &pulled.findings,
        single: match &*own_manifests(pulled) {
            [one] => Some(ManifestDocument::of(one)),
            _ => None,
        },
        manifests: pulled.manifests.iter().map(ManifestDocument::of).collect(),
        indexes: &pulled.indexes,
        referrers: pulled.referrers.iter().map(ReferrerDocument::of).collect(),
    }
}

impl<'a> ManifestDocument<'a> {
    fn of(manifest: &'a PulledManifest) -> Self {
        Self {
            manifest: &manifest.manifest,
            config: &manifest.config,
            platform: manifest.platform.as_ref().map(ToString::to_string),
            artifact_type: manifest.artifact_type.as_ref().map(|kind| kind.as_str()),
            layers: manifest.layers.iter().map(LayerDocument::of).collect(),
        }
    }
}

impl<'a> LayerDocument<'a> {
    fn of(layer: &'a PulledLayer) -> Self {
        Self {
            digest: &layer.digest,
            media_type: layer.media_type.as_str(),
            size: layer.travelled,
            content: &layer.content,
            content_size: layer.size,
            inside: layer.inside.as_ref(),
            reused: layer.reused,
            repaired: layer.repaired,
            kept_compressed: layer.kept_compressed,
            entries: layer.entries,
            parts: layer.parts,
            handed_on: layer.handed_on,
            fuel: layer.fuel,
            new_objects: layer.objects.written + layer.objects.reflinked,
            new_bytes: layer.objects.written_bytes + layer.objects.reflinked_bytes,
            reflinked_bytes: layer.objects.reflinked_bytes,
            severity: layer.severity,
            opaque: layer.opaque.as_deref(),
        }
    }
}

impl<'a> ReferrerDocument<'a> {
    fn of(referrer: &'a PulledReferrer) -> Self {
        Self {
            digest: &referrer.digest,
            subject: &referrer.subject,
            relation: referrer.relation.to_string(),
            artifact_type: referrer.artifact_type.as_ref().map(|kind| kind.as_str()),
        }
    }
}

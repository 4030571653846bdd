//! `lazaret inspect`

mod card;
mod claims;
mod document;
mod index;
mod models;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::{ContentDigest, Platform};
use lazaret_graph::images::resolve;
use lazaret_graph::names::Stream;
use lazaret_graph::referrers::{ReferrerRow, referrers};
use lazaret_graph::{
    GraphError, Image, Name, Record, find_record, load_index, load_platform, rebuild,
};
use lazaret_store::{Access, Repository};
use lazaret_views::{Models, ViewError};

use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;
use crate::verb::{NoBlob, parse_name};

/// Show an image, artifact or index: documents, layers, how they were imported
///
/// An index is shown as such, with what of it is stored, unless --platform, --manifest or --config
/// asks for one of its images.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Inspect {
    /// A tag, or @sha256:…
    name: String,

    /// Print the exact bytes of the manifest
    #[arg(long, group = "what")]
    manifest: bool,

    /// Print the exact bytes of the config
    #[arg(long, group = "what")]
    config: bool,

    /// Print the exact bytes of what NAME names, be it a manifest or an index
    #[arg(long, group = "what", conflicts_with = "platform")]
    raw: bool,

    /// Show the image for this platform, where NAME is an index
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
}

const JSON: &str = "\
JSON: name, digest, mediaType, kind, artifactType, platform, created, size (of the rebuilt blobs),
tags, config and subject (descriptors), annotations, referrers (direct ones, each with digest,
relation, artifactType), and layers, each with digest, mediaType, size (as it travelled), content
(diff_id or digest of what is stored), contentSize, file (its name), keptCompressed, annotations,
holds (digest and size of what a compressed blob decompresses to, which the rest is about), and
unless no import record is left: importer (name, version, digest, wit), parameters, entries,
facts, fuel, verdict, severity. Where there are models: models, each with name, format,
formatVersion, architecture, tensors, parameters, dtypes (dtype, tensors), quantization,
contextLength, embeddingLength, tokenizer, chatTemplate (digest), licence, verdict, fault (the
rule that a file breaks which was judged all the same), findings, size, files (file, blob, size),
shards (expected, there, contradictions), describedBy (file, blob, size of files beside it that
say what its own do not), claimed (what the artifact's config document claims and no importer
says: name, family, version, licence, format, architecture, parameters, precision, quantization);
claimed (the same, where there is not one model that it is about); faults (file, blob, reason of
files that could not be read); and notHandedOn (number of files that no importer was given, since
there are too many). Of an index: name, digest, mediaType, kind, artifactType, size, tags,
subject, annotations, referrers, and manifests, each a descriptor with stored and attestations
(digest, stored).";

/// A layer or blob and what its import left behind.
struct Layer {
    /// Of what the blob decompresses to, where that is kept beside it.
    record: Option<Record>,
    holds: Option<Holds>,
    content_size: u64,
    kept_compressed: bool,
}

/// What a compressed blob of an artifact decompresses to.
struct Holds {
    content: ContentDigest,
    size: u64,
}

impl Inspect {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let mut output = Output::new();
        self.show(global, &repository, &name, &mut output)
            .with_context(|| format!("inspecting {name}"))?;
        output.finish()?;
        Ok(Code::Done)
    }

    fn show(
        &self,
        global: &Global,
        repository: &Repository,
        name: &Name,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let stream = resolve(repository, name)?;
        if self.raw {
            return match rebuild(repository, stream, output.writer())? {
                true => Ok(()),
                false => Err(NoBlob.into()),
            };
        }
        let wants_image = self.manifest || self.config || self.platform.is_some();
        if let (Stream::Index(digest), false) = (stream, wants_image) {
            let stored = load_index(repository, &digest)?;
            let referrers = referrers(repository, &digest)?;
            return match global.json {
                true => output.document(&index::document(name, &stored, &referrers)),
                false => output.text(index::card(&stored, &referrers)),
            };
        }
        let image = load_platform(repository, name, self.platform.as_ref())?;
        if self.manifest {
            return output.bytes(&image.manifest_bytes);
        }
        if self.config {
            return output.bytes(&image.config_bytes);
        }
        let layers = imports(repository, &image)?;
        let referrers = referrers(repository, &image.manifest.digest)?;
        let models = found_models(repository, &image, &layers)?;
        if global.json {
            let document = document::of_image(name, &image, &layers, &models, &referrers);
            return output.document(&document);
        }
        let models = models::text(&models, name);
        output.text(card::of_image(&image, &layers, &models, &referrers))
    }
}

fn imports(repository: &Repository, image: &Image) -> Result<Vec<Layer>, GraphError> {
    let one = |layer: &lazaret_graph::Layer| {
        let travelled = layer.descriptor.digest;
        let holds = match &layer.unpacked {
            None => None,
            Some(unpacked) => Some(Holds {
                content: unpacked.content,
                size: repository.open_stream(&unpacked.stream, None)?.total_size(),
            }),
        };
        let looked_into = holds.as_ref().map_or(&layer.key, |holds| &holds.content);
        Ok(Layer {
            record: find_record(repository, looked_into)?,
            holds,
            content_size: repository.open_stream(&layer.stream, None)?.total_size(),
            kept_compressed: travelled != layer.key
                && lazaret_graph::open_kept_blob(repository, &travelled)?.is_some(),
        })
    };
    image.layers.iter().map(one).collect()
}

/// Where no record of an image has a fact there is no model, and nothing has to be read again for that.
fn found_models(
    repository: &Repository,
    image: &Image,
    layers: &[Layer],
) -> Result<Models, ViewError> {
    let records = layers.iter().filter_map(|layer| layer.record.as_ref());
    match records.map(|record| record.summary.facts).max() {
        None | Some(0) if image.config.is_some() => Ok(Models::default()),
        // An artifact's config may claim something.
        _ => lazaret_views::models(repository, image),
    }
}

/// Bytes of manifest, config and rebuilt layers.
fn total_size(image: &Image, layers: &[Layer]) -> u64 {
    let documents = (image.manifest_bytes.len() + image.config_bytes.len()) as u64;
    layers.iter().fold(documents, |sum, layer| {
        sum.saturating_add(layer.content_size)
    })
}

/// What refers to something, in a line.
fn referrers_line(referrers: &[ReferrerRow]) -> Option<String> {
    let text = match referrers.len() {
        0 => return None,
        number => format!("{number}; `lazaret referrers` shows them"),
    };
    Some(text)
}

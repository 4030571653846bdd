//! `lazaret inspect`

mod card;
mod document;

use anyhow::Context as _;
use clap::Args;
use lazaret_graph::images::resolve;
use lazaret_graph::{GraphError, Image, Record, find_record, load, rebuild};
use lazaret_store::{Access, Repository};

use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;
use crate::blob::NoBlob;
use crate::verb::parse_name;

/// Show an image or artifact: documents, layers, how they were imported
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
    #[arg(long, group = "what")]
    raw: bool,
}

const JSON: &str = "\
JSON: name, digest, mediaType, kind, artifactType, platform, created, size (of the rebuilt blobs),
tags, config and subject (descriptors), annotations, and layers, each with digest, mediaType, size
(as it travelled), content (diff_id or digest of what is stored), contentSize, annotations, and
unless no import record is left: importer (name, version, digest, wit), entries, facts, fuel,
verdict.";

/// A layer or blob and what its import left behind.
struct Layer {
    record: Option<Record>,
    content_size: u64,
}

impl Inspect {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let repository = global.open(Access::Read)?;
        let doing = || format!("inspecting {name}");
        let mut output = Output::new();
        if self.raw {
            let stream = resolve(&repository, &name).with_context(doing)?;
            if !rebuild(&repository, stream, output.writer()).with_context(doing)? {
                return Err(NoBlob).with_context(doing);
            }
            output.finish()?;
            return Ok(Code::Done);
        }
        let image = load(&repository, &name).with_context(doing)?;
        if self.manifest {
            output.bytes(&image.manifest_bytes)?;
        } else if self.config {
            output.bytes(&image.config_bytes)?;
        } else {
            let layers = imports(&repository, &image).with_context(doing)?;
            match global.json {
                true => output.document(&document::of_image(&name, &image, &layers))?,
                false => output.text(card::of_image(&image, &layers))?,
            }
        }
        output.finish()?;
        Ok(Code::Done)
    }
}

fn imports(repository: &Repository, image: &Image) -> Result<Vec<Layer>, GraphError> {
    let one = |layer: &lazaret_graph::Layer| {
        Ok(Layer {
            record: find_record(repository, &layer.key)?,
            content_size: repository.open_stream(&layer.stream, None)?.total_size(),
        })
    };
    image.layers.iter().map(one).collect()
}

/// Bytes of manifest, config and rebuilt layers.
fn total_size(image: &Image, layers: &[Layer]) -> u64 {
    let documents = (image.manifest_bytes.len() + image.config_bytes.len()) as u64;
    layers.iter().fold(documents, |sum, layer| {
        sum.saturating_add(layer.content_size)
    })
}

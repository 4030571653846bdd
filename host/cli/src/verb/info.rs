//! `lazaret info`

use anyhow::Context as _;
use clap::Args;
use lazaret_graph::{ImageRow, list};
use lazaret_store::{Access, Usage};
use serde::Serialize;

use crate::amount::size;
use crate::exit::Code;
use crate::global::Global;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::verb::init::Settings;

/// Show the repository: settings, counts, sizes, deduplication
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Info {}

const JSON: &str = "\
JSON: path, algorithm, verity (\"required\" or \"insecure\"), features, tags, objects, objectBytes,
allocatedBytes (on disk), streams, references, erofsImages, imageBytes (of all tagged images, each
image once, its blobs rebuilt).";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(flatten)]
    settings: Settings,
    features: Vec<String>,
    tags: usize,
    objects: u64,
    object_bytes: u64,
    allocated_bytes: u64,
    streams: u64,
    references: u64,
    erofs_images: u64,
    image_bytes: u64,
}

impl Info {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let repository = global.open(Access::Read)?;
        let doing = || format!("examining {:?}", repository.path());
        let usage = repository.usage().with_context(doing)?;
        let images = list(&repository).with_context(doing)?;
        let features = &repository.metadata().features;
        let kinds = [
            &features.compatible,
            &features.read_only_compatible,
            &features.incompatible,
        ];
        let document = Document {
            settings: Settings::of(&repository),
            features: kinds.into_iter().flatten().cloned().collect(),
            tags: images.len(),
            objects: usage.objects,
            object_bytes: usage.apparent,
            allocated_bytes: usage.allocated,
            streams: usage.streams,
            references: usage.refs,
            erofs_images: usage.images,
            image_bytes: image_bytes(&images),
        };
        let mut output = Output::new();
        match global.json {
            true => output.document(&document)?,
            false => output.text(card(&document, &usage))?,
        }
        output.finish()?;
        Ok(Code::Done)
    }
}

/// Bytes of all images, those with several tags once.
fn image_bytes(images: &[ImageRow]) -> u64 {
    let mut sizes: Vec<_> = images
        .iter()
        .filter_map(|image| Some((image.digest?, image.details.as_ref().ok()?.size)))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
        .iter()
        .fold(0, |sum, (_, size)| sum.saturating_add(*size))
}

fn card(document: &Document, usage: &Usage) -> String {
    let mut table = Table::headless([Align::Left, Align::Left]);
    let mut line = |title: &str, value: String| table.row([title.to_owned(), value]);
    for (title, value) in document.settings.lines() {
        line(title, value);
    }
    line(
        "Features",
        match document.features.is_empty() {
            true => "none".to_owned(),
            false => document.features.join(", "),
        },
    );
    line("Tags", document.tags.to_string());
    line("Streams", document.streams.to_string());
    line("EROFS images", document.erofs_images.to_string());
    let sizes = (size(usage.apparent), size(usage.allocated));
    line(
        "Objects",
        format!("{}: {}, {} on disk", usage.objects, sizes.0, sizes.1),
    );
    let ratio = match usage.apparent {
        0 => String::new(),
        stored => format!(
            ", {:.2} times what is stored",
            document.image_bytes as f64 / stored as f64
        ),
    };
    line("Images", format!("{}{ratio}", size(document.image_bytes)));
    table.render()
}

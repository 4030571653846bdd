//! `lazaret info`

use std::collections::BTreeSet;

use anyhow::Context as _;
use clap::Args;
use lazaret_graph::names::{REFERRERS, Stream};
use lazaret_graph::{ImageRow, Kind, Sharing, list, sharing};
use lazaret_store::{Access, Repository, StoreError, StreamName, Usage};
use serde::Serialize;

use crate::amount::{counted, size};
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
JSON: path, algorithm, verity (\"required\" or \"insecure\"), features, tags, images, artifacts
(those with a tag), manifests, indexes, layers (blobs of artifacts, too), keptBlobs (layers as they
travelled), referrers, objects, objectBytes, allocatedBytes (on disk), streams, references,
erofsImages, imageBytes (of all that is tagged, each once, its blobs rebuilt), sharing (bytes that
is what everything with a tag is rebuilt from, objects of its own for each; stored, the bytes of these
objects, each once; saved, the difference).";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(flatten)]
    settings: Settings,
    features: Vec<String>,
    tags: usize,
    images: usize,
    artifacts: usize,
    #[serde(flatten)]
    counts: Counts,
    objects: u64,
    object_bytes: u64,
    allocated_bytes: u64,
    streams: u64,
    references: u64,
    erofs_images: u64,
    image_bytes: u64,
    sharing: Saved,
}

/// What is saved because equal objects are stored once.
#[derive(Serialize)]
struct Saved {
    bytes: u64,
    stored: u64,
    saved: u64,
}

impl Saved {
    fn of(sharing: &Sharing) -> Self {
        Self {
            bytes: sharing.total,
            stored: sharing.stored,
            saved: sharing.total.saturating_sub(sharing.stored),
        }
    }

    fn text(&self) -> String {
        let percent = match self.bytes {
            0 => 0.0,
            bytes => self.saved as f64 * 100.0 / bytes as f64,
        };
        format!(
            "{} in {} of objects: saves {}, {percent:.1} %",
            size(self.bytes),
            size(self.stored),
            size(self.saved)
        )
    }
}

impl Info {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let repository = global.open(Access::Read)?;
        let doing = || format!("examining {:?}", repository.path());
        let usage = repository.usage().with_context(doing)?;
        let images = list(&repository).with_context(doing)?;
        let sharing = sharing(&repository).with_context(doing)?;
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
            images: of_kind(&images, Kind::Image),
            artifacts: of_kind(&images, Kind::Artifact),
            counts: Counts::of(&repository).with_context(doing)?,
            objects: usage.objects,
            object_bytes: usage.apparent,
            allocated_bytes: usage.allocated,
            streams: usage.streams,
            references: usage.refs,
            erofs_images: usage.images,
            image_bytes: image_bytes(&images),
            sharing: Saved::of(&sharing),
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

/// What is stored, tagged or not.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    manifests: u64,
    indexes: u64,
    layers: u64,
    kept_blobs: u64,
    referrers: usize,
}

impl Counts {
    fn of(repository: &Repository) -> Result<Self, StoreError> {
        let mut counts = Self::default();
        for (name, _) in repository.streams()? {
            match Stream::parse(name.as_str()) {
                Some(Stream::Manifest(_)) => counts.manifests += 1,
                Some(Stream::Index(_)) => counts.indexes += 1,
                Some(Stream::Layer(_)) => counts.layers += 1,
                Some(Stream::Blob(_)) => counts.kept_blobs += 1,
                _ => {}
            }
        }
        // One may refer to several.
        let referrers: BTreeSet<StreamName> = repository
            .stream_roots()?
            .into_iter()
            .filter(|(name, _)| name.starts_with(REFERRERS))
            .map(|(_, stream)| stream)
            .collect();
        counts.referrers = referrers.len();
        Ok(counts)
    }
}

/// Images or artifacts that have a tag, each once.
fn of_kind(rows: &[ImageRow], kind: Kind) -> usize {
    let of_kind = |row: &&ImageRow| row.details.as_ref().is_ok_and(|known| known.kind == kind);
    let digests: BTreeSet<_> = rows.iter().filter(of_kind).map(|row| row.digest).collect();
    digests.len()
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
    let counts = &document.counts;
    line("Tags", document.tags.to_string());
    line(
        "Tagged",
        format!(
            "{}, {}",
            counted(document.images as u64, "image", "images"),
            counted(document.artifacts as u64, "artifact", "artifacts")
        ),
    );
    line(
        "Stored",
        format!(
            "{}, {}, {}, {}, {}",
            counted(counts.manifests, "manifest", "manifests"),
            counted(counts.indexes, "index", "indexes"),
            counted(counts.layers, "layer or blob", "layers and blobs"),
            counted(counts.kept_blobs, "kept blob", "kept blobs"),
            counted(counts.referrers as u64, "referrer", "referrers")
        ),
    );
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
    line("Sharing", document.sharing.text());
    table.render()
}

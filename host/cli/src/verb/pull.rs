//! `lazaret pull`

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use lazaret_artifact::{ContentDigest, Platform, Tag};
use lazaret_builtins::BUILTINS;
use lazaret_engine::{Budget, Registry, SandboxOptions};
use lazaret_intake::{Importers, OnFault, PullOptions, Pulled, PulledLayer, UnpackLimits};
use lazaret_store::{Access, Repository, VerityPolicy};
use lazaret_transport::{Reference, Selection};
use serde::Serialize;

use crate::amount::{Bytes, Count, Fuel, Span, counted, size, span};
use crate::draw::Pulling;
use crate::exit::Code;
use crate::global::{Global, is_absent};
use crate::interrupt;
use crate::output::{Output, clean, note};
use crate::place::{self, Surroundings};
use crate::verb::init::{DEFAULT_ALGORITHM, Settings};

/// Import an image or artifact
///
/// Every digest is verified before anything gets a name. Importers run in a sandbox. Makes the
/// repository if there is none. Prints the digest of the manifest.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Pull {
    /// Where from: oci:DIR[:TAG][@DIGEST]
    source: String,

    /// Name to give it, repeatable [default: the source's]
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<Tag>,

    /// Platform to choose from an index [default: this machine's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,

    /// Whether to refuse an image with a layer that its importer fails on, or to keep the layer
    /// whole, without its entries
    #[arg(long, value_name = "refuse|opaque", value_enum, default_value_t)]
    #[arg(hide_possible_values = true)]
    on_fault: FaultWay,

    /// Layers and objects to handle at once [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Read every new layer back from the repository, and compare digests once more, before it gets a
    /// name
    #[arg(long)]
    verify_stored: bool,

    /// Keep no compiled importers [default: keep them in $XDG_CACHE_HOME/lazaret/code]
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    bounds: Bounds,
}

/// What one layer may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits for one layer or blob")]
struct Bounds {
    /// Instructions of its importer, and how many more for each byte
    #[arg(long, value_name = "N[+PER_BYTE]", default_value_t = Fuel(Budget::default().fuel))]
    fuel: Fuel,

    /// Memory of its importer
    #[arg(long, value_name = "SIZE", default_value_t = Bytes(Budget::default().memory as u64))]
    max_memory: Bytes,

    /// Entries in it
    #[arg(long, value_name = "N", default_value_t = Count(Budget::default().entries))]
    max_entries: Count,

    /// Time its importer may go on without asking for anything
    #[arg(long, value_name = "TIME", default_value_t = Span(Budget::default().stall))]
    stall_timeout: Span,

    /// Decompressed size
    #[arg(long, value_name = "SIZE", default_value_t = Bytes(UnpackLimits::default().size))]
    max_layer_size: Bytes,

    /// Decompressed size as a multiple of the compressed size
    #[arg(long, value_name = "N", default_value_t = UnpackLimits::default().ratio)]
    max_ratio: u64,
}

/// [`OnFault`] as a word.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FaultWay {
    /// Refuse the image.
    #[default]
    Refuse,
    /// Keep the layer whole, without its entries.
    Opaque,
}

const JSON: &str = "\
JSON: source, repository, manifest, config, platform, tags, seconds, and layers, each with digest,
mediaType, size (as it travelled), content (diff_id or digest of what is stored), contentSize,
reused, entries, fuel, newObjects, newBytes, opaque (the reason it was kept whole).";

impl Pull {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let source: Reference = self.source.parse()?;
        let path = global.path()?;
        let repository = open_or_make(&path, global)?;
        let options = self.options();
        interrupt::watch(options.cancel.clone()).context("listening for signals")?;
        let registry = Registry::new(self.sandbox(&path), BUILTINS);
        let started = Instant::now();
        let progress = Pulling::new(global);
        let pulled = lazaret_intake::pull(
            &repository,
            &source,
            &Importers::Registry(&registry),
            &options,
            &|event| progress.show(event),
        );
        drop(progress);
        let pulled = pulled.with_context(|| format!("pulling {source}"))?;
        let elapsed = started.elapsed();
        if !global.quiet {
            note(summary(&pulled, &span(elapsed)));
        }
        let mut output = Output::new();
        match global.json {
            true => output.document(&Document {
                source: source.to_string(),
                repository: path.display().to_string(),
                manifest: &pulled.manifests[0].manifest,
                config: &pulled.manifests[0].config,
                platform: pulled.manifests[0]
                    .platform
                    .as_ref()
                    .map(ToString::to_string),
                tags: &pulled.tags,
                seconds: elapsed.as_secs_f64(),
                layers: all_layers(&pulled).map(LayerDocument::of).collect(),
            })?,
            false => output.line(pulled.manifests[0].manifest)?,
        }
        output.finish()?;
        Ok(Code::Done)
    }

    fn options(&self) -> PullOptions {
        PullOptions {
            tags: self.tags.clone(),
            selection: match &self.platform {
                Some(platform) => Selection::Platforms(vec![platform.clone()]),
                None => Selection::Best,
            },
            on_fault: match self.on_fault {
                FaultWay::Refuse => OnFault::Refuse,
                FaultWay::Opaque => OnFault::Opaque,
            },
            limits: UnpackLimits {
                size: self.bounds.max_layer_size.0,
                ratio: self.bounds.max_ratio,
                ..UnpackLimits::default()
            },
            jobs: self.jobs,
            verify_stored: self.verify_stored,
            ..PullOptions::default()
        }
    }

    fn sandbox(&self, repository: &Path) -> SandboxOptions {
        let bounds = &self.bounds;
        SandboxOptions {
            budget: Budget {
                fuel: bounds.fuel.0,
                memory: usize::try_from(bounds.max_memory.0).unwrap_or(usize::MAX),
                entries: bounds.max_entries.0,
                stall: bounds.stall_timeout.0,
                ..Budget::default()
            },
            cache: match self.no_cache {
                true => None,
                false => place::code_cache(&Surroundings::of_process(), repository),
            },
        }
    }
}

/// A repository that cannot be written is refused here, before the source is touched.
fn open_or_make(path: &Path, global: &Global) -> anyhow::Result<Repository> {
    if !is_absent(path) {
        return Ok(Repository::open(path, Access::Write)?);
    }
    let repository = Repository::init(path, DEFAULT_ALGORITHM, VerityPolicy::Auto)
        .with_context(|| format!("making a repository at {path:?}"))?;
    if !global.quiet {
        note(format!(
            "new repository {}",
            Settings::of(&repository).sentence()
        ));
    }
    Ok(repository)
}

/// The layers of every manifest, one manifest after the other.
fn all_layers(pulled: &Pulled) -> impl Iterator<Item = &PulledLayer> {
    pulled
        .manifests
        .iter()
        .flat_map(|manifest| &manifest.layers)
}

/// What was done, in a line.
fn summary(pulled: &Pulled, time: &str) -> String {
    let layers: Vec<&PulledLayer> = all_layers(pulled).collect();
    let platform = &pulled.manifests[0].platform;
    let total: u64 = layers.iter().map(|layer| layer.size).sum();
    let tags: Vec<&str> = pulled.tags.iter().map(Tag::as_str).collect();
    let mut text = clean(&tags.join(", "));
    if let Some(platform) = platform {
        text.push_str(&format!(", {}", clean(&platform.to_string())));
    }
    let noun = match platform {
        Some(_) => ("layer", "layers"),
        None => ("blob", "blobs"),
    };
    text.push_str(&format!(
        ": {}",
        counted(layers.len() as u64, noun.0, noun.1)
    ));
    match layers.iter().filter(|layer| layer.reused).count() {
        0 => {}
        reused if reused == layers.len() => text.push_str(" (already there)"),
        reused => text.push_str(&format!(" ({reused} already there)")),
    }
    text.push_str(&format!(", {}", size(total)));
    match layers.iter().map(|layer| layer.objects.written_bytes).sum() {
        0 => {}
        written => text.push_str(&format!(" ({} new)", size(written))),
    }
    text.push_str(&format!(" in {time}"));
    text
}

#[derive(Serialize)]
struct Document<'a> {
    source: String,
    repository: String,
    manifest: &'a ContentDigest,
    config: &'a ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    tags: &'a [Tag],
    seconds: f64,
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
    reused: bool,
    entries: u64,
    fuel: u64,
    new_objects: u64,
    new_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque: Option<&'a str>,
}

impl<'a> LayerDocument<'a> {
    fn of(layer: &'a PulledLayer) -> Self {
        Self {
            digest: &layer.digest,
            media_type: layer.media_type.as_str(),
            size: layer.travelled,
            content: &layer.content,
            content_size: layer.size,
            reused: layer.reused,
            entries: layer.entries,
            fuel: layer.fuel,
            new_objects: layer.objects.written,
            new_bytes: layer.objects.written_bytes,
            opaque: layer.opaque.as_deref(),
        }
    }
}

//! `lazaret pull`

pub(super) mod document;
pub(super) mod summary;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use lazaret_artifact::{Platform, Tag};
use lazaret_builtins::BUILTINS;
use lazaret_engine::Registry;
use lazaret_graph::Name;
use lazaret_intake::{Importers, OnFault, Policy, PullOptions};
use lazaret_store::{Access, Repository, VerityPolicy};
use lazaret_transport::{Reference, Selection};

use crate::amount::span;
use crate::draw::Pulling;
use crate::exit::Code;
use crate::global::{Global, is_absent};
use crate::interrupt;
use crate::output::{Output, clean, note};
use crate::registry::RegistryFlags;
use crate::verb::bounds::Bounds;
use crate::verb::init::{DEFAULT_ALGORITHM, Settings};
use crate::verb::split::Pieces;

/// Import an image, an artifact or an index of them
///
/// Every digest is verified before anything gets a name. Importers run in a sandbox. Makes the
/// repository if there is none. Of an index, the image for this machine is pulled unless told
/// otherwise; the index itself is kept with it. Prints the digest of what the tag now names.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Pull {
    /// Where from: oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST] or
    /// docker://HOST/NAME[:TAG][@DIGEST]
    source: String,

    /// Name to give it, repeatable [default: the source's; HOST/NAME:TAG of a registry's]
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<Tag>,

    /// Platform to choose from an index, repeatable [default: this machine's]
    #[arg(long = "platform", value_name = "OS/ARCH[/VARIANT]")]
    platforms: Vec<Platform>,

    /// Everything that an index names, attestations included
    #[arg(long, conflicts_with = "platforms")]
    all_platforms: bool,

    /// What refers to it, too, such as signatures and SBOMs, and what refers to these
    #[arg(long)]
    referrers: bool,

    /// Keep layers as they travelled, too, so that `push` can give them back without new digests
    #[arg(long)]
    keep_compressed: bool,

    /// Whether to refuse an image with a layer that its importer fails on, or to keep the layer
    /// whole, without its entries
    #[arg(long, value_name = "refuse|opaque", value_enum, default_value_t)]
    #[arg(hide_possible_values = true)]
    on_fault: FaultWay,

    /// Store each tensor of a model as an object of its own, so that equal ones are stored once
    /// [default: whole files, and what is there as it is]
    #[arg(long, value_name = "tensors", value_enum)]
    #[arg(hide_possible_values = true)]
    split: Option<Pieces>,

    /// Whether to keep what importers find fault with, with the verdict on record, or to refuse it:
    /// pickles that are not clean, blobs that their importer fails on, shards that contradict their
    /// index
    #[arg(long, value_name = "store|strict", value_enum, default_value_t)]
    #[arg(hide_possible_values = true)]
    policy: PolicyWay,

    /// Layers and objects to handle at once [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Read every layer back from the repository, be it new or not, and compare digests once more
    /// before it gets a name; what is damaged is stored anew
    #[arg(long)]
    verify_stored: bool,

    /// Keep no compiled importers [default: keep them in $XDG_CACHE_HOME/lazaret/code]
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    registry: RegistryFlags,

    #[command(flatten)]
    bounds: Bounds,
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

/// [`Policy`] as a word.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum PolicyWay {
    /// Keep it.
    #[default]
    Store,
    /// Refuse it.
    Strict,
}

/// What a summary or document is of.
pub(super) enum Told<'a> {
    /// A pull from there.
    Pulled(&'a Reference),
    /// What this names, cut otherwise.
    Restaged(&'a Name),
}

const JSON: &str = "\
JSON: source, repository, digest (of what the tags name), kind (image, artifact or index), tags,
moved (tags that named something else before, with tag and digest), seconds, findings (what there is
to find fault with, in words), indexes (digests), referrers, each with digest, subject, relation,
artifactType, and manifests, each with manifest, config, platform, artifactType, and layers, each with
digest, mediaType, size (as it travelled), content (diff_id or digest of what is stored), contentSize,
inside (digest of what was looked into, of a blob that is kept compressed), reused, repaired,
keptCompressed, entries, parts and handedOn (tensors and the like, and files in it that an importer
read, both by this pull), fuel, newObjects, newBytes, reflinkedBytes (of newBytes), severity (clean,
suspicious or dangerous; absent where nobody judged), opaque (the reason it was kept whole). The
manifests of referrers come last. Where there is one other manifest, its manifest, config, platform
and layers are members of the document, too.";

impl Pull {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let source: Reference = self.source.parse()?;
        let path = global.path()?;
        let repository = open_or_make(&path, global)?;
        let options = self.options();
        interrupt::watch(options.cancel.clone()).context("listening for signals")?;
        let sandbox = self.bounds.sandbox(&path, !self.no_cache);
        let registry = Arc::new(Registry::new(sandbox, BUILTINS));
        let started = Instant::now();
        let progress = Pulling::new(global);
        let pulled = lazaret_intake::pull(
            &repository,
            &source,
            &Importers::Registry(registry),
            &options,
            &|event| progress.show(event),
        );
        drop(progress);
        let pulled = pulled.with_context(|| format!("pulling {source}"))?;
        let elapsed = started.elapsed();
        let told = Told::Pulled(&source);
        if !global.quiet {
            for (tag, digest) in &pulled.moved {
                note(format!(
                    "tag {} named {} before",
                    clean(tag.as_str()),
                    digest.short()
                ));
            }
            for line in summary::lines(&told, &pulled, &span(elapsed)) {
                note(line);
            }
        }
        let mut output = Output::new();
        match global.json {
            true => output.document(&document::of(&told, &path, &pulled, elapsed))?,
            false => output.line(pulled.root)?,
        }
        output.finish()?;
        Ok(Code::Done)
    }

    fn options(&self) -> PullOptions {
        let defaults = PullOptions::default();
        PullOptions {
            tags: self.tags.clone(),
            selection: match (self.all_platforms, &*self.platforms) {
                (true, _) => Selection::All,
                (false, []) => Selection::Best,
                (false, platforms) => Selection::Platforms(platforms.to_vec()),
            },
            referrers: self.referrers,
            keep_compressed: self.keep_compressed,
            registry: self.registry.options(defaults.cancel.clone()),
            on_fault: match self.on_fault {
                FaultWay::Refuse => OnFault::Refuse,
                FaultWay::Opaque => OnFault::Opaque,
            },
            split: self.split.map(Pieces::split),
            policy: match self.policy {
                PolicyWay::Store => Policy::Store,
                PolicyWay::Strict => Policy::Strict,
            },
            limits: self.bounds.unpacking(),
            jobs: self.jobs,
            verify_stored: self.verify_stored,
            ..defaults
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

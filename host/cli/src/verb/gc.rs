//! `lazaret gc`

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::VerityDigest;
use lazaret_graph::gc::{self, GcOptions, GcPlan};
use lazaret_graph::images::load_manifest;
use lazaret_graph::names::Stream;
use lazaret_store::{Access, Repository, StreamName};
use serde::Serialize;

use crate::amount::{counted, size, span};
use crate::draw::Collecting;
use crate::exit::Code;
use crate::global::Global;
use crate::interrupt;
use crate::output::{Output, clean, note};
use crate::time::day_of;

/// Manifests and indexes that are listed without -v.
const MAX_LISTED: usize = 20;

/// Delete what no tag leads to
///
/// Kept is what has a tag, all that it is made of, what refers to it, and what other tools named.
/// Waits until no other lazaret uses the repository. May be interrupted at any time: what is
/// unfinished, the next run does.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Gc {
    /// Only show what would be deleted and what that would free
    #[arg(long)]
    dry_run: bool,
}

const JSON: &str = "\
JSON: dryRun, repository, bytes (of the objects deleted), allocatedBytes (on disk), objects (their
number), missingObjects (needed and not there), manifests, indexes, configs, layers, keptBlobs,
records (digests), otherStreams, references, erofsImages (names), and with -v objectNames.";

impl Gc {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let repository = global.open(match self.dry_run {
            true => Access::Read,
            false => Access::Write,
        })?;
        let cancel = Arc::new(AtomicBool::new(false));
        interrupt::watch(cancel.clone()).context("listening for signals")?;
        let started = Instant::now();
        let plan = self
            .plan(global, &repository, &cancel)
            .with_context(|| format!("collecting garbage in {:?}", repository.path()))?;
        let parts = Parts::of(&plan);
        let mut output = Output::new();
        if global.json {
            output.document(&Document {
                dry_run: self.dry_run,
                repository: repository.path().display().to_string(),
                bytes: plan.bytes,
                allocated_bytes: plan.allocated,
                missing_objects: plan.missing,
                objects: plan.objects.len(),
                parts: &parts,
                object_names: (global.verbose > 0)
                    .then(|| plan.objects.iter().map(|(object, _)| object).collect()),
            })?;
        } else {
            for line in list(&repository, &plan, &parts, global.verbose > 0) {
                output.line(clean(&line))?;
            }
            if !plan.is_empty() {
                output.line(self.verdict(&plan))?;
            }
        }
        output.finish()?;
        if plan.missing > 0 {
            let objects = counted(plan.missing, "object is", "objects are");
            note(format!(
                "warning: {objects} needed and missing; `lazaret fsck` says whose"
            ));
        }
        if self.dry_run && plan.interrupted > 0 && !global.quiet {
            note(
                "a pull was killed while it gave names; gc finishes that first, and may free more",
            );
        }
        if !global.quiet && !self.dry_run {
            note(format!("done in {}", span(started.elapsed())));
        }
        Ok(Code::Done)
    }

    fn plan(
        &self,
        global: &Global,
        repository: &Repository,
        cancel: &AtomicBool,
    ) -> anyhow::Result<GcPlan> {
        let options = GcOptions {
            image_objects: &lazaret_views::erofs::objects,
            cancel,
        };
        let progress = Collecting::new(global);
        let show = |step| progress.show(step);
        if self.dry_run {
            return Ok(gc::plan(repository, &options, &show)?);
        }
        let waiting = || {
            if !global.quiet {
                crate::draw::aside(|| note("waiting for other processes that use the repository"));
            }
        };
        let lock = repository.lock_exclusive(cancel, &waiting)?;
        Ok(gc::collect(repository, &lock, &options, &show)?)
    }

    fn verdict(&self, plan: &GcPlan) -> String {
        let freed = size(plan.allocated);
        match self.dry_run {
            true => format!("would free {freed} on disk"),
            false => format!("freed {freed} on disk"),
        }
    }
}

/// What goes, sorted by what it is.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    manifests: Vec<String>,
    indexes: Vec<String>,
    configs: Vec<String>,
    layers: Vec<String>,
    kept_blobs: Vec<String>,
    records: Vec<String>,
    other_streams: Vec<String>,
    references: Vec<String>,
    erofs_images: Vec<String>,
}

impl Parts {
    fn of(plan: &GcPlan) -> Self {
        let mut parts = Self {
            references: plan.refs.clone(),
            erofs_images: plan.images.iter().map(VerityDigest::to_string).collect(),
            ..Self::default()
        };
        for stream in &plan.streams {
            parts.add(stream);
        }
        parts
    }

    fn add(&mut self, name: &StreamName) {
        let parsed = Stream::parse(name.as_str());
        let list = match parsed {
            Some(Stream::Manifest(_)) => &mut self.manifests,
            Some(Stream::Index(_)) => &mut self.indexes,
            Some(Stream::Config(_)) => &mut self.configs,
            Some(Stream::Layer(_)) => &mut self.layers,
            Some(Stream::Blob(_)) => &mut self.kept_blobs,
            Some(Stream::Record(_)) => &mut self.records,
            None => &mut self.other_streams,
        };
        list.push(match parsed {
            Some(stream) => stream.digest().to_string(),
            None => name.to_string(),
        });
    }

    /// In the order in which they are listed.
    fn kinds(&self) -> [(&'static str, &'static str, &[String]); 9] {
        [
            ("index", "indexes", &self.indexes),
            ("manifest", "manifests", &self.manifests),
            ("config", "configs", &self.configs),
            ("layer", "layers and blobs", &self.layers),
            ("kept blob", "kept blobs", &self.kept_blobs),
            ("import record", "import records", &self.records),
            ("other stream", "other streams", &self.other_streams),
            ("reference", "references", &self.references),
            ("EROFS image", "EROFS images", &self.erofs_images),
        ]
    }
}

/// What people look for by name first, then numbers; everything with `all`.
fn list(repository: &Repository, plan: &GcPlan, parts: &Parts, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, _, names) in parts.kinds() {
        let shown = match (all, kind) {
            (true, _) => names.len(),
            (false, "index" | "manifest") => names.len().min(MAX_LISTED),
            (false, _) => 0,
        };
        lines.extend(names[..shown].iter().map(|name| match kind {
            "manifest" => format!("{kind} {name}{}", about(repository, name)),
            _ => format!("{kind} {name}"),
        }));
        if shown > 0 && shown < names.len() {
            lines.push(format!("and {} more; -v shows all", names.len() - shown));
        }
    }
    if all {
        let objects = plan.objects.iter();
        lines.extend(objects.map(|(object, bytes)| format!("object {object} {}", size(*bytes))));
    }
    let mut counts: Vec<String> = parts
        .kinds()
        .into_iter()
        .filter(|(_, _, names)| !names.is_empty())
        .map(|(one, many, names)| counted(names.len() as u64, one, many))
        .collect();
    if !plan.objects.is_empty() {
        let objects = counted(plan.objects.len() as u64, "object", "objects");
        counts.push(format!("{objects}, {}", size(plan.bytes)));
    }
    lines.push(match counts.is_empty() {
        true => "nothing to delete".to_owned(),
        false => counts.join(", "),
    });
    lines
}

/// What a manifest is of, as long as it is there.
fn about(repository: &Repository, digest: &str) -> String {
    let Some(image) = digest
        .parse()
        .ok()
        .and_then(|digest| load_manifest(repository, &digest).ok())
    else {
        return String::new();
    };
    match &image.config {
        Some(config) => {
            let created = config.created.as_deref().map(day_of);
            let created = created.map_or_else(String::new, |day| format!(", created {day}"));
            format!(" {}{created}", config.platform)
        }
        None => {
            let manifest = &image.manifest;
            let kind = manifest.artifact_type.as_ref();
            format!(" {}", kind.unwrap_or(&manifest.config.media_type))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    dry_run: bool,
    repository: String,
    bytes: u64,
    allocated_bytes: u64,
    missing_objects: u64,
    objects: usize,
    #[serde(flatten)]
    parts: &'a Parts,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_names: Option<Vec<&'a VerityDigest>>,
}

//! `lazaret push`

mod recompress;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::{ContentDigest, Platform};
use lazaret_graph::Name;
use lazaret_push::options::DEFAULT_JOBS;
use lazaret_push::{PushOptions, Pushed};
use lazaret_store::Access;
use lazaret_transport::Reference;
use serde::Serialize;

use self::recompress::Recompression;
use crate::amount::{counted, size, span};
use crate::draw::Pushing;
use crate::exit::Code;
use crate::global::Global;
use crate::interrupt;
use crate::output::{Output, clean, note};
use crate::registry::RegistryFlags;
use crate::verb::parse_name;

/// Renamed digests that are listed without -v.
const MAX_RENAMED: usize = 20;

/// Give an image, an artifact or an index of them to a layout, an archive or a registry
///
/// What is there already is not sent again. Manifests, configs, indexes and blobs go as they came,
/// bit for bit. A layer that came compressed does so only if `pull --keep-compressed` kept it;
/// otherwise --recompress compresses it anew, which gives new digests. Prints the digest of what
/// was pushed.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Push {
    /// A tag, or @sha256:…
    name: String,

    /// Where to: oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker://HOST/NAME[:TAG]
    #[arg(value_name = "DEST")]
    destination: String,

    /// The whole index, with everything that it names [default: only the image for this machine]
    #[arg(long)]
    all: bool,

    /// Platform to choose where NAME is an index [default: this machine's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", conflicts_with = "all")]
    platform: Option<Platform>,

    /// What refers to it, too, and what refers to that
    #[arg(long)]
    referrers: bool,

    /// Compress layers anew of which the compressed bytes were not kept
    #[arg(long, value_name = "gzip|zstd[:LEVEL]")]
    recompress: Option<Recompression>,

    /// Blobs to send at once
    #[arg(long, value_name = "N", default_value_t = DEFAULT_JOBS)]
    jobs: NonZeroUsize,

    #[command(flatten)]
    registry: RegistryFlags,
}

const JSON: &str = "\
JSON: name, destination, repository, digest, tag, seconds, manifests, indexes, referrers (counts),
blobsSent, bytesSent, blobsPresent (at the destination), blobsMounted (from another repository
there), renamed, each with old and new (digests that --recompress changed), and leftOut (digests of
attestations that only the whole index can carry).";

impl Push {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let destination: Reference = self.destination.parse()?;
        let repository = global.open(Access::Read)?;
        let options = self.options();
        interrupt::watch(options.cancel.clone()).context("listening for signals")?;
        let started = Instant::now();
        let progress = Pushing::new(global);
        let pushed = lazaret_push::push(&repository, &name, &destination, &options, &|event| {
            progress.show(event);
        });
        drop(progress);
        let pushed = pushed.with_context(|| format!("pushing {name} to {destination}"))?;
        let elapsed = started.elapsed();
        if !global.quiet {
            report(&name, &pushed, elapsed, global.verbose > 0);
        }
        let mut output = Output::new();
        match global.json {
            true => output.document(&Document {
                name: &name,
                destination: destination.to_string(),
                repository: repository.path().display().to_string(),
                digest: &pushed.root,
                tag: pushed.tag.as_deref(),
                seconds: elapsed.as_secs_f64(),
                manifests: pushed.manifests,
                indexes: pushed.indexes,
                referrers: pushed.referrers,
                blobs_sent: pushed.blobs_sent,
                bytes_sent: pushed.bytes_sent,
                blobs_present: pushed.blobs_present,
                blobs_mounted: pushed.blobs_mounted,
                left_out: &pushed.left_out,
                renamed: pushed
                    .renamed
                    .iter()
                    .map(|(old, new)| Renamed { old, new })
                    .collect(),
            })?,
            false => output.line(pushed.root)?,
        }
        output.finish()?;
        Ok(Code::Done)
    }

    fn options(&self) -> PushOptions {
        let defaults = PushOptions::default();
        PushOptions {
            all: self.all,
            platform: self.platform.clone(),
            referrers: self.referrers,
            recompress: self.recompress.map(|way| way.0),
            jobs: Some(self.jobs),
            registry: self.registry.options(defaults.cancel.clone()),
            ..defaults
        }
    }
}

/// What was done: new digests first, the sum in a line.
fn report(name: &Name, pushed: &Pushed, elapsed: Duration, all: bool) {
    let shown = match all {
        true => pushed.renamed.len(),
        false => pushed.renamed.len().min(MAX_RENAMED),
    };
    for (old, new) in &pushed.renamed[..shown] {
        note(format!("{old} is now {new}"));
    }
    if shown < pushed.renamed.len() {
        let more = counted(
            (pushed.renamed.len() - shown) as u64,
            "more new digest",
            "more new digests",
        );
        note(format!("{more}; -v shows all"));
    }
    if !pushed.left_out.is_empty() {
        let attestations = counted(pushed.left_out.len() as u64, "attestation", "attestations");
        note(format!(
            "not sent: {attestations} that only the whole index can carry; --all sends it"
        ));
    }
    note(summary(name, pushed, &span(elapsed)));
}

fn summary(name: &Name, pushed: &Pushed, time: &str) -> String {
    let mut documents = Vec::new();
    for (number, one, many) in [
        (pushed.indexes, "index", "indexes"),
        (pushed.manifests, "manifest", "manifests"),
        (pushed.referrers, "referrer", "referrers"),
    ] {
        if number > 0 {
            documents.push(counted(number, one, many));
        }
    }
    let mut blobs = Vec::new();
    for (number, what) in [
        (pushed.blobs_sent, "sent"),
        (pushed.blobs_mounted, "mounted from another repository"),
        (pushed.blobs_present, "already there"),
    ] {
        match number {
            0 => {}
            number if blobs.is_empty() => {
                blobs.push(format!("{} {what}", counted(number, "blob", "blobs")));
            }
            number => blobs.push(format!("{number} {what}")),
        }
    }
    if pushed.bytes_sent > 0 {
        blobs.push(size(pushed.bytes_sent));
    }
    format!(
        "{}: {}; {} in {time}",
        clean(&name.to_string()),
        documents.join(", "),
        blobs.join(", ")
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    name: &'a Name,
    destination: String,
    repository: String,
    digest: &'a ContentDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    seconds: f64,
    manifests: u64,
    indexes: u64,
    referrers: u64,
    blobs_sent: u64,
    bytes_sent: u64,
    blobs_present: u64,
    blobs_mounted: u64,
    left_out: &'a [ContentDigest],
    renamed: Vec<Renamed<'a>>,
}

#[derive(Serialize)]
struct Renamed<'a> {
    old: &'a ContentDigest,
    new: &'a ContentDigest,
}

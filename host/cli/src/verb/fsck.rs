//! `lazaret fsck`

use std::collections::BTreeSet;

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::ContentDigest;
use lazaret_graph::{Finding, FsckOptions, Name, Severity, fsck_image};
use lazaret_store::{Access, CheckReport};
use serde::Serialize;

use crate::amount::{counted, size};
use crate::draw::Checking;
use crate::exit::Code;
use crate::global::Global;
use crate::output::{Output, clean, note};
use crate::verb::parse_name;

/// Names in the hint; one bad object can be part of every image.
const MAX_NAMES: usize = 10;

/// Check objects, streams and names; list all damage
///
/// Every object is compared with its digest. With a NAME only that image or index is looked at, with
/// what refers to it, and without --deep the objects of its layers have only to be there. Changes
/// nothing; pulling again repairs. Exits with 6 when there is damage. What is only worth knowing is
/// listed with -v.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Fsck {
    /// Rebuild layers and blobs, too, and compare them with their digests
    #[arg(long)]
    deep: bool,

    /// Check only this image: a tag, or @sha256:…
    name: Option<String>,
}

const JSON: &str = "\
JSON: damaged, images, layers, blobs (kept as they travelled), records, and without NAME objects,
objectBytes, streams (counts of what was checked), and findings, each with severity (damage, warning
or information), text, affected (names), blobs (digests of what has to be pulled again).";

impl Fsck {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = self.name.as_deref().map(parse_name).transpose()?;
        let repository = global.open(Access::Read)?;
        let progress = Checking::new(global);
        let show = |step| progress.show(step);
        let options = FsckOptions {
            deep: self.deep,
            ..FsckOptions::default()
        };
        let report = match &name {
            Some(name) => fsck_image(&repository, name, options, &show)
                .with_context(|| format!("checking {name}"))?,
            None => lazaret_graph::fsck(&repository, options, &show)
                .with_context(|| format!("checking {:?}", repository.path()))?,
        };
        drop(progress);
        let findings = &report.findings;
        let count = |severity| {
            let found = findings.iter().filter(|one| one.severity() == severity);
            found.count() as u64
        };
        let damages = count(Severity::Damage);
        let mut output = Output::new();
        if global.json {
            output.document(&Document {
                damaged: damages > 0,
                images: report.images,
                layers: report.layers,
                blobs: report.blobs,
                records: report.records,
                store: name.is_none().then(|| StoreCounts::of(&report.store)),
                findings: findings.iter().map(Line::of).collect(),
            })?;
        } else {
            let is_shown = |finding: &&Finding| {
                global.verbose > 0 || finding.severity() > Severity::Information
            };
            for finding in findings.iter().filter(is_shown) {
                output.line(clean(&finding.to_string()))?;
            }
        }
        output.finish()?;
        if !global.quiet {
            if let Some(hint) = repair(findings) {
                note(format!("hint: {}", clean(&hint)));
            }
            let verdict = match damages {
                0 => "no damage".to_owned(),
                found => counted(found, "piece of damage", "pieces of damage"),
            };
            let mut counts = vec![
                counted(report.images, "image", "images"),
                counted(report.layers, "layer", "layers"),
            ];
            if report.blobs > 0 {
                counts.push(counted(report.blobs, "kept blob", "kept blobs"));
            }
            if name.is_none() {
                counts.push(counted(report.store.objects, "object", "objects"));
                counts.push(size(report.store.bytes));
            }
            note(format!("{}: {verdict}", counts.join(", ")));
            if let (notes @ 1.., 0) = (count(Severity::Information), global.verbose) {
                let notes = counted(notes, "thing is", "things are");
                note(format!("{notes} worth knowing; -v shows them"));
            }
        }
        Ok(match damages {
            0 => Code::Done,
            _ => Code::Damage,
        })
    }
}

/// What to pull again.
fn repair(findings: &[Finding]) -> Option<String> {
    let damage = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Damage);
    let names: BTreeSet<&Name> = damage.flat_map(|finding| &finding.affected).collect();
    if names.is_empty() {
        return None;
    }
    let mut listed: Vec<String> = names
        .iter()
        .take(MAX_NAMES)
        .map(ToString::to_string)
        .collect();
    if let Some(more @ 1..) = names.len().checked_sub(MAX_NAMES) {
        listed.push(format!("{more} more"));
    }
    Some(format!(
        "`lazaret pull` with the same options repairs what is damaged; pull again: {}",
        listed.join(", ")
    ))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    damaged: bool,
    images: u64,
    layers: u64,
    blobs: u64,
    records: u64,
    #[serde(flatten)]
    store: Option<StoreCounts>,
    findings: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreCounts {
    objects: u64,
    object_bytes: u64,
    streams: u64,
}

impl StoreCounts {
    fn of(report: &CheckReport) -> Self {
        Self {
            objects: report.objects,
            object_bytes: report.bytes,
            streams: report.streams,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    severity: Severity,
    text: String,
    affected: &'a [Name],
    blobs: &'a [ContentDigest],
}

impl<'a> Line<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity(),
            text: finding.problem.to_string(),
            affected: &finding.affected,
            blobs: &finding.blobs,
        }
    }
}

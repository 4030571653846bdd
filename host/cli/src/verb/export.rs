//! `lazaret export`

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use lazaret_store::Access;
use lazaret_views::{ExportOptions, Exported, Tree, Warning, directory, tar};
use serde::Serialize;

use crate::amount::{counted, size, span};
use crate::draw::Exporting;
use crate::exit::Code;
use crate::global::Global;
use crate::interrupt;
use crate::output::{Output, clean, note};
use crate::verb::{Choice, Misuse, parse_name};

/// Warnings that are printed without -v. An image may give one for each of its files.
const MAX_WARNINGS: usize = 10;

/// Copy the merged files of an image into a directory, or write a tar archive of them
///
/// As root the files get the owners that they have in the image, else they are yours. A directory
/// must be empty or not exist. What the system does not permit, device nodes above all, is left out
/// with a warning.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Export {
    /// A tag, or @sha256:…
    name: String,

    /// A directory, or - for a tar archive on standard output
    #[arg(value_name = "DIR")]
    to: PathBuf,

    #[command(flatten)]
    choice: Choice,
}

const JSON: &str = "\
JSON (not with -): directory, entries, bytes (without holes), seconds, warnings (each with path and
text).";

impl Export {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let name = parse_name(&self.name)?;
        let to_archive = self.to.as_os_str() == "-";
        if to_archive && global.json {
            return Err(Misuse("standard output cannot have both the archive and JSON").into());
        }
        if to_archive && io::stdout().is_terminal() {
            return Err(Misuse("a tar archive is not for a terminal").into());
        }
        let repository = global.open(Access::Read)?;
        let doing = || format!("exporting {name}");
        let image = self.choice.load(&repository, &name).with_context(doing)?;
        let tree = Tree::merge(&repository, &image).with_context(doing)?;
        let options = ExportOptions::default();
        interrupt::watch(options.cancel.clone()).context("listening for signals")?;
        let started = Instant::now();
        let progress = Exporting::new(global, tree.totals());
        let show = |step| progress.show(step);
        let mut output = Output::new();
        let exported = match to_archive {
            true => tar(&repository, &tree, output.writer(), &options, &show),
            false => directory(&repository, &tree, &self.to, &options, &show),
        };
        drop(progress);
        let exported = exported.with_context(doing)?;
        let seconds = started.elapsed();
        if global.json {
            output.document(&Document {
                directory: self.to.display().to_string(),
                entries: exported.entries,
                bytes: exported.bytes,
                seconds: seconds.as_secs_f64(),
                warnings: exported.warnings.iter().map(WarningDocument::of).collect(),
            })?;
        }
        output.finish()?;
        if !global.quiet {
            warn(&exported, global.verbose > 0);
            let entries = counted(exported.entries, "entry", "entries");
            note(format!(
                "{entries}, {} in {}",
                size(exported.bytes),
                span(seconds)
            ));
        }
        Ok(Code::Done)
    }
}

fn warn(exported: &Exported, all: bool) {
    let warnings = &exported.warnings;
    let shown = match all {
        true => warnings.len(),
        false => warnings.len().min(MAX_WARNINGS),
    };
    for warning in &warnings[..shown] {
        note(format!("warning: {}", clean(&warning.to_string())));
    }
    if shown < warnings.len() {
        let more = counted(
            (warnings.len() - shown) as u64,
            "more warning",
            "more warnings",
        );
        note(format!("{more}; -v shows all"));
    }
}

#[derive(Serialize)]
struct Document {
    directory: String,
    entries: u64,
    bytes: u64,
    seconds: f64,
    warnings: Vec<WarningDocument>,
}

#[derive(Serialize)]
struct WarningDocument {
    path: lazaret_artifact::EntryPath,
    text: String,
}

impl WarningDocument {
    fn of(warning: &Warning) -> Self {
        Self {
            path: warning.path.clone(),
            text: warning.to_string(),
        }
    }
}

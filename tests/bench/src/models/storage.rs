//! What is stored of several artifacts together, in parts of a hundred of what travelled.

use std::fs;
use std::path::Path;

use anyhow::Result;
use lazaret_layouts::LayoutBuilder;

use super::cases::{Case, cases};
use super::chunks::{by_blocks, by_content, by_files};
use super::{Lazaret, Models};
use crate::report::Report;

/// Compares all cases.
///
/// # Errors
/// When a run fails.
pub fn storage(arguments: &Models, report: &mut Report) -> Result<()> {
    report.line("");
    report.line(&format!(
        "What is stored of several artifacts together, in % of what travelled; models of {:.0} MiB, of data that do \
         not compress. The first three columns count distinct bytes only. The last two are lazaret's repository \
         as it is on disk (`objectBytes` of `info`, with splitstreams and records), without and with \
         `--split tensors`.",
        arguments.stored as f64 / f64::from(1 << 20)
    ));
    report.line("");
    report.line(
        "| | travelled | whole files | blocks of 4 KiB | by content, 64 KiB | lazaret | by tensors | objects |",
    );
    report.line("|---|---|---|---|---|---|---|---|");
    for case in cases(arguments.stored)? {
        let case = case()?;
        row(arguments, &case, report)?;
    }
    Ok(())
}

fn row(arguments: &Models, case: &Case, report: &mut Report) -> Result<()> {
    let base = &arguments.directory;
    let path = base.join("case");
    let mut layout = LayoutBuilder::create(&path)?;
    for (tag, artifact) in &case.artifacts {
        artifact.write(&mut layout, tag)?;
    }
    layout.finish()?;
    let blobs = || {
        let blobs = case
            .artifacts
            .iter()
            .flat_map(|(_, artifact)| &artifact.blobs);
        blobs.map(|blob| &blob.data[..])
    };
    let travelled: u64 = blobs().map(|blob| blob.len() as u64).sum();
    let whole = stored(arguments, &path, case, &[])?;
    let cut = stored(arguments, &path, case, &["--split", "tensors"])?;
    let percent = |bytes: u64| format!("{:.1}", bytes as f64 / travelled as f64 * 100.0);
    report.line(&format!(
        "| {} | {:.0} MiB | {} | {} | {} | {} | **{}** | {} |",
        case.what,
        travelled as f64 / f64::from(1 << 20),
        percent(by_files(blobs())),
        percent(by_blocks(blobs())),
        percent(by_content(blobs())),
        percent(whole.1),
        percent(cut.1),
        cut.0,
    ));
    fs::remove_dir_all(path)?;
    Ok(())
}

/// Objects, and bytes of them, once everything is pulled.
fn stored(arguments: &Models, layout: &Path, case: &Case, options: &[&str]) -> Result<(u64, u64)> {
    let lazaret = Lazaret {
        binary: &arguments.lazaret,
        repository: arguments.directory.join("repo"),
    };
    lazaret.fresh()?;
    for (tag, _) in &case.artifacts {
        let source = format!("oci:{}:{tag}", layout.display());
        let mut pull = vec!["pull", &source];
        pull.extend(options);
        lazaret.run(&pull)?;
    }
    lazaret.run(&["gc"])?;
    lazaret.objects()
}

//! A very large file, and one of very many tensors.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use lazaret_layouts::artifact::OCI_MANIFEST;
use lazaret_layouts::models::{Dtype, Format, Model, Tensor, write_large};
use lazaret_layouts::{Carrier, LayoutBuilder};
use serde_json::json;

use super::volume::Volume;
use super::{Lazaret, Models};
use crate::measure::{Cost, measure, medians, rounds};
use crate::report::Report;

/// Tensors of the file whose index is large.
const MANY: usize = 10_000;

/// Runs of pulls that take milliseconds.
const SHORT_RUNS: usize = 15;

/// Mebibytes that a pull may have resident.
const MEMORY: f64 = 96.0;

/// What may be pulled, how, and how much longer than what it may take.
struct Row {
    what: &'static str,
    options: &'static [&'static str],
    limit: f64,
    beside: Beside,
}

/// What a pull is compared with.
#[derive(Clone, Copy)]
enum Beside {
    /// The slower of `cp` and `openssl dgst`.
    Slower,
    /// `openssl dgst` alone.
    Hashing,
}

/// Pulls the large file where it must be copied, and where blocks can be shared.
///
/// # Errors
/// When a run fails.
pub fn large(arguments: &Models, report: &mut Report) -> Result<()> {
    let base = &arguments.directory;
    report.line("");
    report.line(&format!(
        "A safetensors file of {:.2} GiB, already in memory, in a layout; {} turns of all commands in rotating \
         order, one more to warm up; medians. `cp` is `cp --reflink=never`.",
        arguments.bytes as f64 / f64::from(1 << 30),
        arguments.runs
    ));
    report.line("");
    report.line("| | wall | `cp` | `openssl dgst -sha256` | ratio | CPU | memory |");
    report.line("|---|---|---|---|---|---|---|");
    let copied = [
        Row {
            what: "copied (tmpfs)",
            options: &[],
            limit: 1.25,
            beside: Beside::Slower,
        },
        Row {
            what: "copied, by tensors (tmpfs)",
            options: &["--split", "tensors"],
            limit: 1.5,
            beside: Beside::Slower,
        },
    ];
    rows(arguments, base, &copied, report)?;
    let room = (arguments.bytes * 5 / 4).max(1 << 30);
    let volume = match Volume::xfs(&base.join("xfs.img"), base.join("xfs"), room) {
        Ok(volume) => volume,
        Err(error) => {
            println!("skipped: no XFS here: {error:#}");
            return Ok(());
        }
    };
    let shared = [Row {
        what: "reflinked (XFS)",
        options: &[],
        limit: 1.25,
        beside: Beside::Hashing,
    }];
    rows(arguments, volume.path(), &shared, report)?;
    drop(volume);
    fs::remove_file(base.join("xfs.img"))?;
    Ok(())
}

fn rows(arguments: &Models, place: &Path, rows: &[Row], report: &mut Report) -> Result<()> {
    let layout = place.join("layout");
    let blob = make_large(&layout, arguments.bytes)?;
    // Or the first that syncs would pay for it.
    measure(&["sync".into(), "--file-system".into(), blob.clone().into()])?;
    let copy = place.join("copy");
    let lazaret = Lazaret {
        binary: &arguments.lazaret,
        repository: place.join("repo"),
    };
    let source = format!("oci:{}:large", layout.display());
    let words = |words: &[&dyn AsRef<std::ffi::OsStr>]| -> Vec<OsString> {
        words.iter().map(|word| word.as_ref().to_owned()).collect()
    };
    let mut commands = vec![words(&[&"openssl", &"dgst", &"-sha256", &blob])];
    for row in rows {
        let mut pull = vec!["pull", &source];
        pull.extend(row.options);
        commands.push(lazaret.command(&pull));
    }
    // Last, and only where it is wanted: what it writes is in the way of the others.
    if rows.iter().any(|row| matches!(row.beside, Beside::Slower)) {
        commands.push(words(&[&"cp", &"--reflink=never", &blob, &copy]));
    }
    let prepare = || {
        let _ = fs::remove_file(&copy);
        lazaret.fresh()
    };
    let costs = rounds(arguments.runs, &prepare, &commands)?;
    let medians: Vec<Cost> = costs.iter().map(|costs| medians(costs)).collect();
    let hashing = medians[0].wall;
    let copying = medians.get(1 + rows.len()).map(|cost| cost.wall);
    let shown = copying.map_or_else(|| "-".to_owned(), |wall| format!("{wall:.2} s"));
    for (row, pull) in rows.iter().zip(&medians[1..]) {
        let beside = match row.beside {
            Beside::Slower => hashing.max(copying.unwrap_or_default()),
            Beside::Hashing => hashing,
        };
        report.line(&format!(
            "| {} | {:.2} s | {shown} | {hashing:.2} s | {} | {:.2} s | {} |",
            row.what,
            pull.wall,
            judged(pull.wall / beside, row.limit, 2, ""),
            pull.cpu,
            judged(pull.memory / 1024.0, MEMORY, 0, " MiB"),
        ));
    }
    for path in [&layout, &lazaret.repository] {
        fs::remove_dir_all(path)?;
    }
    let _ = fs::remove_file(&copy);
    Ok(())
}

/// A number beside what it must not exceed.
fn judged(value: f64, limit: f64, places: usize, unit: &str) -> String {
    let missed = if value <= limit { "" } else { "missed: " };
    format!("**{value:.places$}{unit}** ({missed}≤ {limit:.places$})")
}

/// A layout of one artifact of one large file. Returns where its blob lies.
fn make_large(path: &Path, bytes: u64) -> Result<PathBuf> {
    let mut layout = LayoutBuilder::create(path)?;
    let (digest, size) = layout.blob_from(|out| write_large(out, bytes, 1).map(drop))?;
    let mut artifact = Carrier::ALL[0].pack(&[("model.safetensors", b"")])?;
    artifact.config.data = br#"{"descriptor": {"name": "large"}}"#.to_vec();
    layout.blob(&artifact.config.data)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact.artifact_type,
        "config": artifact.config.descriptor(),
        "layers": [{
            "mediaType": artifact.blobs[0].media_type,
            "digest": digest,
            "size": size,
            "annotations": {"org.cncf.model.filepath": "model.safetensors"},
        }],
    });
    layout.manifest("large", manifest.to_string().as_bytes())?;
    let blob = layout.blob_path(&digest);
    layout.finish()?;
    Ok(blob)
}

/// Pulls a file of very many tiny tensors, and one of a single tensor of the same size.
///
/// # Errors
/// When a run fails.
pub fn many(arguments: &Models, report: &mut Report) -> Result<()> {
    let base = &arguments.directory;
    report.line("");
    report.line(&format!(
        "Reading an index of {MANY} tensors: a pull of a file that has so many, of eight bytes each, beside one of \
         the same bytes in one tensor (medians of {SHORT_RUNS}; the difference contains writing {MANY} \
         entries to the record; wanted: < 50 ms):"
    ));
    report.line("");
    report.line("| | many | one | difference |");
    report.line("|---|---|---|---|");
    for format in [Format::Safetensors, Format::Gguf] {
        let tensors = (0..MANY)
            .map(|at| {
                let name = format!("model.layers.{at}.self_attn.q_proj.weight");
                Tensor::noise(&name, Dtype::F32, &[2], 2)
            })
            .collect();
        let many = Model {
            tensors,
            metadata: Vec::new(),
        };
        let one = Model::uniform(2, 1, many.bytes());
        let took = [many, one]
            .map(|model| pull_small(arguments, base, format, &model))
            .into_iter()
            .collect::<Result<Vec<f64>>>()?;
        report.line(&format!(
            "| {} | {:.1} ms | {:.1} ms | {} |",
            format.name(),
            took[0] * 1e3,
            took[1] * 1e3,
            judged((took[0] - took[1]) * 1e3, 50.0, 1, " ms"),
        ));
    }
    Ok(())
}

/// Seconds that a pull of this model takes.
fn pull_small(arguments: &Models, base: &Path, format: Format, model: &Model) -> Result<f64> {
    let path = base.join("small");
    let mut layout = LayoutBuilder::create(&path)?;
    let artifact = Carrier::ALL[0].pack(&[(format.file(), &format.write(model))])?;
    artifact.write(&mut layout, "small")?;
    layout.finish()?;
    let lazaret = Lazaret {
        binary: &arguments.lazaret,
        repository: base.join("repo"),
    };
    let source = format!("oci:{}:small", path.display());
    let pull = lazaret.command(&["pull", &source]);
    let mut costs = Vec::new();
    for run in 0..=SHORT_RUNS {
        lazaret.fresh()?;
        let cost = measure(&pull)?;
        if run > 0 {
            costs.push(cost);
        }
    }
    fs::remove_dir_all(path)?;
    Ok(medians(&costs).wall)
}

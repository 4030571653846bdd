//! Many tags and very many small objects: what listing, collecting and checking take, in a repository
//! of this size and in smaller ones of the same shape, so that it can be seen how they grow.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use lazaret_artifact::media_type::{OCI_CONFIG, OCI_MANIFEST, OCI_TAR};
use lazaret_artifact::record::{Header, Line, RECORD_VERSION, Role, Summary, Verdict};
use lazaret_artifact::{ContentDigest, Entry, EntryKind, EntryPath, Extent, Manifest, Tag};
use lazaret_graph::{Commit, LayerRef, ManifestCommit, RecordRef, RecordWriter};
use lazaret_store::{Access, ContentType, Repository};
use serde_json::{Value, json};

use crate::measure::{Cost, measure, medians};
use crate::report::Report;

/// Images named in one transaction.
const BATCH: usize = 500;

/// Layers that all images share, beside one of their own.
const SHARED: usize = 3;

/// Bytes of an object: more than what stays in the stream.
const OBJECT: usize = 100;

/// Sizes measured, as parts of the whole.
const PARTS: [usize; 3] = [4, 2, 1];

/// Runs of each kind, of which the median counts.
const RUNS: usize = 3;

/// How large.
#[derive(clap::Args)]
pub struct Scale {
    /// The lazaret binary to measure.
    #[arg(long)]
    lazaret: PathBuf,
    /// A directory on a tmpfs with ten gigabytes free.
    #[arg(long, default_value = "/dev/shm/lazaret-scale")]
    directory: PathBuf,
    /// Images, each with a tag.
    #[arg(long, default_value_t = 10_000)]
    tags: usize,
    /// Small objects, no two of them alike.
    #[arg(long, default_value_t = 1_000_000)]
    objects: usize,
    /// Markdown file whose section of findings is replaced.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Makes the repositories and measures.
///
/// # Errors
/// When a run fails.
pub fn scale(arguments: &Scale) -> Result<()> {
    let mut report = Report::default();
    report.line("");
    report.line(&format!(
        "{SHARED} layers that all images share, and one of each image's own with its part of the \
         objects, of {OBJECT} bytes each; every layer with an import record. Medians of {RUNS} runs."
    ));
    report.line("");
    report.line("| tags | objects | what | wall | CPU | memory |");
    report.line("|---|---|---|---|---|---|");
    for part in PARTS {
        let (tags, objects) = (arguments.tags / part, arguments.objects / part);
        let path = &arguments.directory;
        let _ = fs::remove_dir_all(path);
        let started = Instant::now();
        make(&arguments.lazaret, path, tags, objects)?;
        eprintln!(
            "{tags} tags, {objects} objects: made in {:.0} s",
            started.elapsed().as_secs_f64()
        );
        for words in [&["images"][..], &["gc", "--dry-run"], &["fsck"]] {
            let cost = cost(&arguments.lazaret, path, words)?;
            report.line(&format!(
                "| {tags} | {objects} | `{}` | {:.2} s | {:.2} s | {:.0} MiB |",
                words.join(" "),
                cost.wall,
                cost.cpu,
                cost.memory / 1024.0
            ));
        }
    }
    report.line("");
    fs::remove_dir_all(&arguments.directory)?;
    match &arguments.write {
        Some(file) => report.write_between(file, "scale"),
        None => Ok(()),
    }
}

fn cost(lazaret: &Path, path: &Path, words: &[&str]) -> Result<Cost> {
    let mut command: Vec<OsString> =
        vec![lazaret.into(), "--repo".into(), path.into(), "-q".into()];
    command.extend(words.iter().map(OsString::from));
    let costs: Vec<Cost> = (0..RUNS)
        .map(|_| measure(&command))
        .collect::<Result<_>>()?;
    Ok(medians(&costs))
}

fn make(lazaret: &Path, path: &Path, tags: usize, objects: usize) -> Result<()> {
    let made = Command::new(lazaret)
        .arg("--repo")
        .arg(path)
        .args(["-q", "init", "--insecure"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(made.success(), "init failed");
    let repository = Repository::open(path, Access::Write)?;
    let mut layers = Vec::new();
    let mut records = Vec::new();
    let mut add = |name: &str, objects: std::ops::Range<usize>| -> Result<LayerRef> {
        let (layer, record) = layer(&repository, name, objects)?;
        layers.push(layer);
        records.push(record);
        Ok(layer)
    };
    let shared: Vec<LayerRef> = (0..SHARED)
        .map(|number| add(&format!("shared {number}"), 0..0))
        .collect::<Result<_>>()?;
    let own: Vec<LayerRef> = (0..tags)
        .map(|image| {
            let range = objects * image / tags..objects * (image + 1) / tags;
            add(&format!("image {image}"), range)
        })
        .collect::<Result<_>>()?;
    for (number, batch) in own.chunks(BATCH).enumerate() {
        let documents: Vec<(Vec<u8>, Vec<u8>)> = batch
            .iter()
            .enumerate()
            .map(|(at, own)| documents(number * BATCH + at, &shared, *own))
            .collect();
        let parsed: Vec<Manifest> = documents
            .iter()
            .map(|(manifest, _)| Manifest::parse(manifest, None))
            .collect::<Result<_, _>>()?;
        let manifests: Vec<ManifestCommit<'_>> = parsed
            .iter()
            .zip(&documents)
            .map(
                |(manifest, (manifest_bytes, config_bytes))| ManifestCommit {
                    manifest,
                    manifest_bytes,
                    config_bytes,
                },
            )
            .collect();
        let tags: Vec<(Tag, ContentDigest)> = parsed
            .iter()
            .enumerate()
            .map(|(at, manifest)| {
                let tag = format!("registry.example/team/image-{:05}:1", number * BATCH + at);
                Ok((tag.parse()?, manifest.digest))
            })
            .collect::<Result<_>>()?;
        let first = SHARED + number * BATCH;
        let mut of_batch = records[first..first + batch.len()].to_vec();
        if number == 0 {
            of_batch.extend(&records[..SHARED]);
        }
        Commit {
            manifests: &manifests,
            layers: &layers,
            records: &of_batch,
            tags: &tags,
            ..Commit::default()
        }
        .run(&repository)?;
    }
    Ok(())
}

/// A layer, cut as the tar importer cuts one, and its record.
fn layer(
    repository: &Repository,
    name: &str,
    objects: std::ops::Range<usize>,
) -> Result<(LayerRef, RecordRef)> {
    let mut writer = repository.stream_writer(ContentType::LAYER)?;
    let mut whole = Vec::new();
    let mut entries = Vec::new();
    let inline = |writer: &mut lazaret_store::StreamWriter, whole: &mut Vec<u8>, text: &str| {
        let header = format!("{text:512}");
        whole.extend_from_slice(header.as_bytes());
        writer.inline(header.as_bytes())
    };
    inline(&mut writer, &mut whole, name)?;
    for number in objects {
        let path = format!("usr/share/files/number-{number}");
        inline(&mut writer, &mut whole, &path)?;
        let content = format!("{number:0$}", OBJECT);
        let object = repository.put(content.as_bytes())?;
        entries.push((path, whole.len() as u64));
        writer.object(&object.digest, object.size)?;
        whole.extend_from_slice(content.as_bytes());
    }
    let key = ContentDigest::sha256(&whole);
    let stream = writer.finish()?.digest;
    let mut record = RecordWriter::new(
        repository,
        &Header {
            record_version: RECORD_VERSION,
            content: key,
            role: Role::Layer,
            media_type: OCI_TAR.parse()?,
            importer: None,
            parameters: std::collections::BTreeMap::new(),
        },
    )?;
    for (path, offset) in entries {
        record.line(&Line::Entry(Entry {
            path: EntryPath::from_untrusted(path.as_bytes()).context("a path")?,
            kind: EntryKind::Regular,
            content: vec![Extent::Input {
                offset,
                length: OBJECT as u64,
            }],
            target: Vec::new(),
            link: None,
            posix: None,
            media_type: None,
            attributes: Vec::new(),
        }))?;
    }
    let record = record.finish(Summary {
        stream,
        size: whole.len() as u64,
        blobs: vec![key],
        entries: 0,
        facts: 0,
        fuel: 0,
        verdict: Verdict::Imported,
        severity: None,
        handed_on: std::collections::BTreeMap::new(),
        faults: 0,
        unread: 0,
        limited: false,
    })?;
    Ok((LayerRef { key, stream }, record))
}

/// Manifest and config, of the size that they have in practice: a config has a history.
fn documents(image: usize, shared: &[LayerRef], own: LayerRef) -> (Vec<u8>, Vec<u8>) {
    let layers: Vec<ContentDigest> = shared.iter().chain([&own]).map(|l| l.key).collect();
    let history: Vec<Value> = (0..8)
        .map(|step| {
            json!({"created": "2024-01-02T03:04:05Z", "empty_layer": step >= 4,
                "created_by": format!("/bin/sh -c #(nop) step {step} of image {image}")})
        })
        .collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/sh"], "Labels": {"number": image.to_string()}},
        "rootfs": {"type": "layers", "diff_ids": layers}, "history": history,
    });
    let config = config.to_string().into_bytes();
    let describe = |kind: &str, digest: ContentDigest, size: usize| json!({"mediaType": kind, "digest": digest, "size": size});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": describe(OCI_CONFIG, ContentDigest::sha256(&config), config.len()),
        "layers": layers.iter().map(|l| describe(OCI_TAR, *l, 1)).collect::<Vec<_>>(),
    });
    (manifest.to_string().into_bytes(), config)
}

//! `lazaret images`

use anyhow::Context as _;
use clap::Args;
use lazaret_artifact::ContentDigest;
use lazaret_graph::images::Details;
use lazaret_graph::{ImageRow, Kind, Share, Sharing, list, sharing};
use lazaret_store::Access;
use serde::Serialize;

use crate::amount::size;
use crate::exit::Code;
use crate::failure;
use crate::global::Global;
use crate::output::{Output, note};
use crate::table::{Align, Table};
use crate::time::day_of;

/// Platforms of an index that are listed; official images have a dozen.
const MAX_PLATFORMS: usize = 4;

/// List what has a tag
///
/// An index is listed with the platforms that are stored of it. SHARED is how much of SIZE other
/// tags have, too, in layers or blobs that are the same.
#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub struct Images {
    /// Count by objects what is shared, as files of layers and tensors of split models are: SHARED,
    /// and OWN, which nothing else with a tag has. Reads the lists of all objects
    #[arg(long)]
    sharing: bool,
}

const JSON: &str = "\
JSON, a line for each tag: name, digest, kind (image, artifact or index), artifactType, platform
(os, architecture, variant), platforms (those stored of an index), created, size (of the rebuilt
blobs), shared (how much of it other tags have, too), layers (of an index: manifests), stored
(how many of these), referrers (their number), and with --sharing: sharing (objects; bytes that
are rebuilt from these; unique, bytes of these; shared, bytes of those among these that something
else with a tag has, too); or name, digest and error for one that cannot be read.";

impl Images {
    /// Runs it.
    pub fn run(self, global: &Global) -> anyhow::Result<Code> {
        let repository = global.open(Access::Read)?;
        let rows = list(&repository).context("listing images")?;
        let sharing = self
            .sharing
            .then(|| sharing(&repository))
            .transpose()
            .context("counting what images share")?;
        let sharing = sharing.as_ref();
        let mut output = Output::new();
        if global.json {
            for row in &rows {
                output.json_line(&Line::of(row, sharing))?;
            }
        } else {
            output.text(table(&rows, sharing).render())?;
        }
        output.finish()?;
        let mut code = Code::Done;
        for row in rows {
            if let Err(error) = row.details {
                let error = anyhow::Error::from(error).context(format!("tag {}", row.tag));
                note(failure::render(&error, false));
                code = Code::Damage;
            }
        }
        Ok(code)
    }
}

fn table(rows: &[ImageRow], sharing: Option<&Sharing>) -> Table {
    let mut titles = vec![
        ("NAME", Align::Left),
        ("KIND", Align::Left),
        ("DIGEST", Align::Left),
        ("CREATED", Align::Left),
        ("SIZE", Align::Right),
        ("SHARED", Align::Right),
    ];
    if sharing.is_some() {
        titles.push(("OWN", Align::Right));
    }
    titles.push(("PLATFORM OR TYPE", Align::Left));
    let mut table = Table::with_columns(&titles);
    for row in rows {
        let digest = row
            .digest
            .map_or_else(|| "-".to_owned(), |digest| digest.short());
        let dash = || "-".to_owned();
        let shares = sharing.map(|sharing| share(row, sharing));
        let (kind, created, whole, layers, about) = match &row.details {
            Ok(details) => (
                kind(details).to_owned(),
                details.created.as_deref().map_or("-", day_of).to_owned(),
                size(details.size),
                size(details.shared),
                about(details),
            ),
            Err(_) => ("damaged".to_owned(), dash(), dash(), dash(), String::new()),
        };
        let mut cells = vec![row.tag.clone(), kind, digest, created, whole];
        match shares {
            None => cells.push(layers),
            Some(None) => cells.extend([dash(), dash()]),
            Some(Some(share)) => {
                let own = share.unique.saturating_sub(share.shared);
                cells.extend([size(share.shared), size(own)]);
            }
        }
        cells.push(about);
        table.cells(&cells);
    }
    table
}

fn share<'a>(row: &ImageRow, sharing: &'a Sharing) -> Option<&'a Share> {
    sharing.of.get(&row.digest?)
}

/// The platform of an image, the type of an artifact, the platforms that are stored of an index.
fn about(details: &Details) -> String {
    if details.kind != Kind::Index {
        let platform = details.platform.as_ref().map(ToString::to_string);
        return platform
            .or_else(|| details.artifact_type.clone())
            .unwrap_or_default();
    }
    let mut parts: Vec<String> = details
        .platforms
        .iter()
        .take(MAX_PLATFORMS)
        .map(ToString::to_string)
        .collect();
    if parts.is_empty() {
        parts.extend(details.artifact_type.clone());
    }
    match details.platforms.len().saturating_sub(MAX_PLATFORMS) {
        0 => {}
        more => parts.push(format!("{more} more")),
    }
    let listed = parts.join(", ");
    match (details.stored, details.layers) {
        (stored, all) if stored == all => listed,
        (stored, all) => format!("{listed} ({stored} of {all} stored)")
            .trim_start()
            .to_owned(),
    }
}

fn kind(details: &Details) -> &'static str {
    match details.kind {
        Kind::Image => "image",
        Kind::Artifact => "artifact",
        Kind::Index => "index",
    }
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<ContentDigest>,
    #[serde(flatten)]
    details: Option<&'a Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sharing: Option<ShareDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ShareDocument {
    objects: u64,
    bytes: u64,
    unique: u64,
    shared: u64,
}

impl<'a> Line<'a> {
    fn of(row: &'a ImageRow, sharing: Option<&Sharing>) -> Self {
        Self {
            name: &row.tag,
            digest: row.digest,
            details: row.details.as_ref().ok(),
            sharing: sharing
                .and_then(|sharing| share(row, sharing))
                .map(|share| ShareDocument {
                    objects: share.objects,
                    bytes: share.bytes,
                    unique: share.unique,
                    shared: share.shared,
                }),
            error: row.details.as_ref().err().map(ToString::to_string),
        }
    }
}

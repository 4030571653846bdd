//! What there is to find fault with in what was brought in: importers that failed, verdicts, indexes
//! of shards that say something else than the shards do.

use std::collections::BTreeMap;

use lazaret_artifact::descriptor::FILE_NAMES;
use lazaret_artifact::record::{Line, Severity};
use lazaret_artifact::shards::{self, ShardFacts};
use lazaret_artifact::text::escape;
use lazaret_artifact::{ContentDigest, Descriptor, EntryPath};
use lazaret_graph::RecordReader;
use lazaret_store::Repository;
use lazaret_transport::ManifestDocument;

use crate::error::IntakeError;
use crate::fetch::{Fetched, Found};
use crate::limits::MAX_NAMES;
use crate::plan::{Kind, Plan, Wanted};

/// Everything, in words. `Policy::Strict` refuses what has any of it.
pub(crate) fn all(
    repository: &Repository,
    manifests: &[ManifestDocument],
    plan: &Plan,
    fetched: &[Fetched],
) -> Result<Vec<String>, IntakeError> {
    let mut findings = Vec::new();
    for (wanted, fetched) in plan.wanted.iter().zip(fetched) {
        of_names(wanted, &mut findings);
        let inside = fetched.inside.as_ref().map(|(_, found)| found);
        for found in std::iter::once(&fetched.found).chain(inside) {
            of_blob(wanted, found, &mut findings);
        }
    }
    for (document, layers) in manifests.iter().zip(&plan.layers) {
        // Layers hide each other's files; an artifact's are all there.
        if document.image.is_some() {
            continue;
        }
        of_places(&document.manifest.layers, &mut findings);
        let mut files = Vec::new();
        for (&blob, descriptor) in layers.iter().zip(&document.manifest.layers) {
            let path = descriptor.file_path().and_then(Result::ok);
            let wanted = &plan.wanted[blob];
            add_files(repository, wanted, &fetched[blob], path, &mut files)?;
        }
        if files.iter().any(|(_, facts)| facts.is_index()) {
            findings.extend(shards::check(&files));
        }
    }
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert(finding.clone()));
    Ok(findings)
}

fn of_blob(wanted: &Wanted, found: &Found, findings: &mut Vec<String>) {
    let name = || {
        let digest = wanted.descriptor.digest.short();
        match wanted.descriptor.file_path() {
            Some(Ok(path)) => format!("{} {digest} ({path})", wanted.noun()),
            _ => format!("{} {digest}", wanted.noun()),
        }
    };
    // What was asked for with `--on-fault opaque` is no finding twice.
    if let Some(fault) = found.fault() {
        findings.push(format!("{}: {fault}", name()));
    }
    let told = match found {
        Found::Imported(imported) => &*imported.noted.told,
        Found::Known(_) => &[],
    };
    findings.extend(told.iter().map(|fault| format!("{}: {fault}", name())));
    let more = if told.is_empty() { "" } else { " more" };
    match found.faults().saturating_sub(told.len() as u64) {
        0 => {}
        1 => findings.push(format!(
            "{}: an importer failed on one{more} file in it",
            name()
        )),
        faults => findings.push(format!(
            "{}: importers failed on {faults}{more} files in it",
            name()
        )),
    }
    match found.unread() {
        0 => {}
        1 => findings.push(format!("{}: a file in it was not looked into", name())),
        unread => findings.push(format!(
            "{}: {unread} files in it were not looked into",
            name()
        )),
    }
    if found.is_disputed() {
        findings.push(format!(
            "{}: its type and its names, or what several manifests call it, are of different formats",
            name()
        ));
    }
    if let Some(severity) = found.severity().filter(|found| *found > Severity::Clean) {
        let file = match found {
            Found::Imported(imported) => imported.noted.worst.as_ref(),
            Found::Known(_) => None,
        };
        findings.push(match file {
            Some(file) => format!("{}: {file} is {severity}", name()),
            None => format!("{} is {severity}", name()),
        });
    }
}

/// A descriptor that names one file twice, differently, and a blob with more names than are looked at.
fn of_names(wanted: &Wanted, findings: &mut Vec<String>) {
    let digest = wanted.descriptor.digest.short();
    let noun = wanted.noun();
    for descriptor in wanted.descriptors() {
        if wanted.kind == Kind::Blob
            && let Some(Err(error)) = descriptor.file_path()
        {
            findings.push(format!("{noun} {digest}: {error}"));
        }
        let mut names = FILE_NAMES.iter().filter_map(|key| {
            let path = EntryPath::from_untrusted(descriptor.annotations.get(*key)?.as_bytes());
            path.ok()?.name().map(<[u8]>::to_vec)
        });
        let first = names.next();
        if let Some(other) = names.find(|name| Some(name) != first.as_ref()) {
            findings.push(format!(
                "{noun} {digest} is called {} and {}",
                escape(&first.unwrap_or_default()),
                escape(&other)
            ));
        }
    }
    if wanted.has_too_many_names {
        findings.push(format!(
            "{noun} {digest} has more than {MAX_NAMES} types and names"
        ));
    }
}

/// Two blobs of an artifact that would be the same file.
fn of_places(blobs: &[Descriptor], findings: &mut Vec<String>) {
    let mut taken: BTreeMap<EntryPath, ContentDigest> = BTreeMap::new();
    for blob in blobs {
        // An archive is called what is in it, and several may be parts of one folder.
        let media_type = blob.media_type.essence();
        let inner = media_type.unwrapped().map(|(inner, _)| inner);
        if inner.unwrap_or(media_type).is_archive() {
            continue;
        }
        let Some(Ok(path)) = blob.file_path() else {
            continue;
        };
        match taken.get(&path) {
            Some(other) if *other != blob.digest => findings.push(format!(
                "blobs {} and {} are both called {path}",
                other.short(),
                blob.digest.short()
            )),
            Some(_) => {}
            None => {
                taken.insert(path, blob.digest);
            }
        }
    }
}

/// What is known of shards about a blob, which this manifest calls `path`, and the files in it.
fn add_files(
    repository: &Repository,
    wanted: &Wanted,
    fetched: &Fetched,
    path: Option<EntryPath>,
    files: &mut Vec<(EntryPath, ShardFacts)>,
) -> Result<(), IntakeError> {
    debug_assert_eq!(wanted.kind, Kind::Blob, "only artifacts are asked about");
    let inside = fetched.inside.as_ref();
    let inside = inside.map(|(content, found)| (*content, found));
    for (content, found) in [(wanted.content(), &fetched.found)]
        .into_iter()
        .chain(inside)
    {
        let (own, mut within) = match found {
            Found::Imported(imported) => (imported.noted.own.clone(), imported.noted.files.clone()),
            Found::Known(known) if known.summary.facts == 0 => continue,
            Found::Known(known) => read_back(repository, &content, &known.record)?,
        };
        if let (Some(path), false) = (&path, own.is_empty()) {
            files.push((path.clone(), own));
        }
        files.append(&mut within);
    }
    Ok(())
}

/// The same from a record.
fn read_back(
    repository: &Repository,
    content: &ContentDigest,
    record: &lazaret_artifact::VerityDigest,
) -> Result<(ShardFacts, Vec<(EntryPath, ShardFacts)>), IntakeError> {
    let mut own = ShardFacts::default();
    let mut about: BTreeMap<u32, ShardFacts> = BTreeMap::new();
    for line in RecordReader::open(repository, content, record)? {
        let Line::Fact(fact) = line? else { continue };
        match fact.subject {
            None => own.see(&fact.key, &fact.value),
            Some(entry) => {
                let mut seen = ShardFacts::default();
                seen.see(&fact.key, &fact.value);
                if !seen.is_empty() {
                    about.entry(entry).or_default().see(&fact.key, &fact.value);
                }
            }
        }
    }
    let mut files = Vec::new();
    if !about.is_empty() {
        let mut number = 0;
        for line in RecordReader::open(repository, content, record)? {
            if let Line::Entry(entry) = line? {
                if let Some(facts) = about.remove(&number) {
                    files.push((entry.path, facts));
                }
                number += 1;
            }
        }
    }
    Ok((own, files))
}

#[cfg(test)]
mod tests;

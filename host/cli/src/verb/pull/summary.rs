//! What `pull` tells people in the end.

use std::collections::BTreeSet;

use lazaret_artifact::Tag;
use lazaret_graph::Kind;
use lazaret_intake::{Pulled, PulledLayer, PulledManifest};

use super::Told;
use crate::amount::{counted, size};
use crate::output::clean;

/// Manifests that have a line of their own; an index may name a thousand.
const MAX_LINES: usize = 20;

/// Findings that have a line of their own; a directory of checkpoints has hundreds.
const MAX_FINDINGS: usize = 10;

/// The whole in a line, a line for each manifest where there are several, and what there is to find
/// fault with.
pub fn lines(told: &Told<'_>, pulled: &Pulled, time: &str) -> Vec<String> {
    let own = own_manifests(pulled);
    let tags: Vec<&str> = pulled.tags.iter().map(Tag::as_str).collect();
    let (mut head, there) = match told {
        Told::Pulled(_) => (clean(&tags.join(", ")), "already there"),
        Told::Restaged(name) => (clean(&name.to_string()), "as before"),
    };
    match &*own {
        [one] => {
            if let Some(platform) = &one.platform {
                head.push_str(&format!(", {}", clean(&platform.to_string())));
            }
        }
        several => {
            let manifests = counted(several.len() as u64, "manifest", "manifests");
            head.push_str(&format!(", {manifests}"));
        }
    }
    let referrers = pulled.referrers.len() as u64;
    if referrers > 0 {
        let referrers = counted(referrers, "referrer", "referrers");
        head.push_str(&format!(", {referrers}"));
    }
    let all = pulled.manifests.iter().flat_map(|one| &one.layers);
    head.push_str(&format!(
        ": {} in {time}",
        amounts(all, noun(&pulled.manifests), there)
    ));
    let mut lines = vec![head];
    if own.len() > 1 {
        lines.extend(own.iter().take(MAX_LINES).map(|one| line(one, there)));
        if own.len() > MAX_LINES {
            lines.push(format!("  and {} more", own.len() - MAX_LINES));
        }
    }
    lines.extend(findings(told, pulled));
    lines
}

/// A line for each finding, and where more is to be had.
fn findings(told: &Told<'_>, pulled: &Pulled) -> Vec<String> {
    let found = &pulled.findings;
    let shown = found.iter().take(MAX_FINDINGS);
    let mut lines: Vec<String> = shown
        .map(|finding| format!("warning: {}", clean(finding)))
        .collect();
    if let Some(more @ 1..) = found.len().checked_sub(MAX_FINDINGS) {
        lines.push(format!("warning: and {more} more findings"));
    }
    if !found.is_empty() {
        let name = match (told, &*pulled.tags) {
            (Told::Restaged(name), _) => name.to_string(),
            (Told::Pulled(_), [tag, ..]) => tag.to_string(),
            (Told::Pulled(_), []) => format!("@{}", pulled.root),
        };
        let name = clean(&name);
        lines.push(format!("`lazaret inspect {name}` has the details"));
    }
    lines
}

/// The manifests that were asked for, without those that came along as referrers.
pub fn own_manifests(pulled: &Pulled) -> Vec<&PulledManifest> {
    let referrers: BTreeSet<_> = pulled.referrers.iter().map(|one| one.digest).collect();
    let own =
        |one: &&PulledManifest| one.manifest == pulled.root || !referrers.contains(&one.manifest);
    pulled.manifests.iter().filter(own).collect()
}

/// What the tags name.
pub fn kind(pulled: &Pulled) -> Kind {
    let is_image = |one: &PulledManifest| one.manifest == pulled.root && one.platform.is_some();
    match pulled.root_is_index {
        true => Kind::Index,
        false if pulled.manifests.iter().any(is_image) => Kind::Image,
        false => Kind::Artifact,
    }
}

fn line(manifest: &PulledManifest, there: &str) -> String {
    let about = match (&manifest.platform, &manifest.artifact_type) {
        (Some(platform), _) => platform.to_string(),
        (None, Some(kind)) => kind.to_string(),
        (None, None) => "artifact".to_owned(),
    };
    format!(
        "  {} {}: {}",
        clean(&about),
        manifest.manifest.short(),
        amounts(&manifest.layers, noun([manifest]), there)
    )
}

/// One, and several, of what these manifests consist of.
fn noun<'a>(
    manifests: impl IntoIterator<Item = &'a PulledManifest>,
) -> (&'static str, &'static str) {
    let kinds: BTreeSet<bool> = manifests
        .into_iter()
        .map(|one| one.platform.is_some())
        .collect();
    match (kinds.contains(&true), kinds.contains(&false)) {
        (true, true) => ("layer or blob", "layers and blobs"),
        (true, false) => ("layer", "layers"),
        (false, _) => ("blob", "blobs"),
    }
}

/// How many layers, how large, and what became of them. Equal ones count once.
fn amounts<'a>(
    layers: impl IntoIterator<Item = &'a PulledLayer>,
    (one, many): (&str, &str),
    there: &str,
) -> String {
    let mut seen = BTreeSet::new();
    let layers: Vec<&PulledLayer> = layers
        .into_iter()
        .filter(|layer| seen.insert((layer.digest, layer.content)))
        .collect();
    let sum = |of: fn(&PulledLayer) -> u64| {
        layers
            .iter()
            .map(|layer| of(layer))
            .fold(0, u64::saturating_add)
    };
    let mut text = counted(layers.len() as u64, one, many);
    let count = |of: fn(&PulledLayer) -> bool| layers.iter().filter(|layer| of(layer)).count();
    let mut notes = Vec::new();
    match count(|layer| layer.reused) {
        0 => {}
        reused if reused == layers.len() => notes.push(there.to_owned()),
        reused => notes.push(format!("{reused} {there}")),
    }
    match count(|layer| layer.repaired) {
        0 => {}
        repaired => notes.push(format!("{repaired} repaired")),
    }
    text.push_str(&parentheses(&notes));
    text.push_str(&format!(", {}", size(sum(|layer| layer.size))));
    let reflinked = sum(|layer| layer.objects.reflinked_bytes);
    let written = sum(|layer| layer.objects.written_bytes);
    let mut notes = Vec::new();
    match (reflinked, written) {
        (0, 0) => {}
        (0, written) => notes.push(format!("{} new", size(written))),
        (reflinked, 0) => notes.push(format!("{} reflinked", size(reflinked))),
        (reflinked, written) => {
            notes.push(format!("{} reflinked", size(reflinked)));
            notes.push(format!("{} copied", size(written)));
        }
    }
    text.push_str(&parentheses(&notes));
    match sum(|layer| layer.parts) {
        0 => {}
        parts => text.push_str(&format!(", {}", counted(parts, "part", "parts"))),
    }
    text
}

fn parentheses(notes: &[String]) -> String {
    match notes {
        [] => String::new(),
        notes => format!(" ({})", notes.join(", ")),
    }
}

//! Whether a blob is an importer's: what its offer says of it, for those that go by a file's name where
//! the declared type is generic.

use crate::{Offer, Verdict};

/// Types that carry any file; its name decides. `ModelPack` with both prefixes, Docker Model Runner,
/// ORAS with and without a type of its own.
pub const GENERIC: [&str; 6] = [
    "application/octet-stream",
    "application/vnd.cnai.model.weight.v1.raw",
    "application/vnd.cncf.model.weight.v1.raw",
    "application/vnd.docker.ai.model.file",
    "application/vnd.unknown.artifact.v1",
    "application/vnd.unknown.layer.v1+file",
];

/// Annotations that hold a file's name.
pub const NAMES: [&str; 3] = [
    "org.cnai.model.filepath",
    "org.cncf.model.filepath",
    "org.opencontainers.image.title",
];

/// Whether the annotations name the blob's file, and any of the names fits: one that does not must not
/// keep a file from being looked at. `fits` sees each name in lower case, since some who open files
/// do not mind.
pub fn is_named<'a>(
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    fits: impl Fn(&str) -> bool,
) -> bool {
    annotations
        .into_iter()
        .filter(|(key, _)| NAMES.contains(key))
        .any(|(_, name)| fits(&name.to_ascii_lowercase()))
}

/// What an importer answers: first bytes that contradict a claim put it last and do not void it, so
/// that the contradiction is found and recorded, and nobody gets a file unread by breaking its first
/// byte. They never make a claim.
#[must_use]
pub const fn verdict(is_claimed: bool, is_contradicted: bool) -> Verdict {
    match (is_claimed, is_contradicted) {
        (false, _) => Verdict::No,
        (true, true) => Verdict::Maybe,
        (true, false) => Verdict::Yes,
    }
}

/// An offer's annotations.
pub fn annotations(offer: &Offer) -> impl Iterator<Item = (&str, &str)> {
    let pairs = offer.annotations.iter();
    pairs.map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Whether the operator wants tensors as objects of their own (`split=tensors`).
#[must_use]
pub fn is_split(offer: &Offer) -> bool {
    let wanted = |(key, value): &(String, Vec<u8>)| key == "split" && value == b"tensors";
    offer.parameters.iter().any(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_that_fits_is_enough() {
        let [old, path, title] = NAMES;
        for (annotations, expected) in [
            (&[][..], false),
            (&[("elsewhere", "a.x")], false),
            (&[(title, "a.x")], true),
            (&[(title, "a.y")], false),
            (&[(path, "d/a.x"), ("elsewhere", "a.y")], true),
            (&[(old, "b.x"), (title, "a.x")], true),
            (&[(title, "a.x"), (path, "a.y")], true),
            (&[(title, "a.y"), (path, "a.x")], true),
            (&[(title, "a.y"), (path, "a.z")], false),
            (&[(title, "A.X")], true),
        ] {
            let named = is_named(annotations.iter().copied(), |name| name.ends_with(".x"));
            assert_eq!(named, expected, "{annotations:?}");
        }
    }

    #[test]
    fn a_contradiction_puts_last() {
        for (claim, contradicted, expected) in [
            (false, false, Verdict::No),
            (false, true, Verdict::No),
            (true, true, Verdict::Maybe),
            (true, false, Verdict::Yes),
        ] {
            assert_eq!(verdict(claim, contradicted), expected);
        }
    }
}

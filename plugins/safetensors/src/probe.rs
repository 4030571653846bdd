//! Whether a blob is this importer's: by its declared type, and where that is generic by its file's
//! name. Its first bytes may contradict that; they never claim anything.

use lazaret_guest::claim::{GENERIC, is_named};

/// What a blob is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of tensors.
    File,
    /// An index of shards.
    Index,
}

/// The end of a file's name.
pub const SUFFIX: &str = ".safetensors";

/// The end of an index's name.
pub const INDEX_SUFFIX: &str = ".safetensors.index.json";

/// Types that mean a file.
pub const FILES: [&str; 2] = [
    "application/vnd.docker.ai.safetensors",
    "application/x-safetensors",
];

/// The type that means an index.
pub const INDEX: &str = "application/x-safetensors-index+json";

/// Further types of which the name decides: an index is a weight's configuration, a document, or
/// whatever the packer took it for.
pub const MORE: [&str; 5] = [
    "application/json",
    "application/vnd.cnai.model.doc.v1.raw",
    "application/vnd.cnai.model.weight.config.v1.raw",
    "application/vnd.cncf.model.doc.v1.raw",
    "application/vnd.cncf.model.weight.config.v1.raw",
];

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().chain([INDEX]).chain(GENERIC).chain(MORE)
}

/// What a blob of this type with these annotations is; none if it is another's. One name that fits is
/// enough.
pub fn declared<'a>(
    media_type: &str,
    annotations: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<Kind> {
    if FILES.contains(&media_type) {
        return Some(Kind::File);
    }
    if media_type == INDEX {
        return Some(Kind::Index);
    }
    if !GENERIC.contains(&media_type) && !MORE.contains(&media_type) {
        return None;
    }
    let names: Vec<_> = annotations.collect();
    [Kind::File, Kind::Index]
        .into_iter()
        .find(|&kind| is_named(names.iter().copied(), |name| named(name) == Some(kind)))
}

/// Whether the first bytes contradict what the blob is declared to be.
#[must_use]
pub fn is_contradicted(kind: Kind, head: &[u8]) -> bool {
    let first = match kind {
        Kind::File => head.get(8),
        Kind::Index => head.iter().find(|byte| !byte.is_ascii_whitespace()),
    };
    first.is_some_and(|&byte| byte != b'{')
}

fn named(name: &str) -> Option<Kind> {
    if name.ends_with(SUFFIX) {
        Some(Kind::File)
    } else if name.ends_with(INDEX_SUFFIX) {
        Some(Kind::Index)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "org.opencontainers.image.title";
    const PATH: &str = "org.cncf.model.filepath";
    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    fn kind(media_type: &str, annotations: &[(&str, &str)]) -> Option<Kind> {
        declared(media_type, annotations.iter().copied())
    }

    #[test]
    fn an_exact_type_decides() {
        for media_type in FILES {
            assert_eq!(kind(media_type, &[(TITLE, "a.gguf")]), Some(Kind::File));
        }
        assert_eq!(kind(INDEX, &[]), Some(Kind::Index));
        assert_eq!(
            kind("application/x-gguf", &[(TITLE, "a.safetensors")]),
            None
        );
    }

    #[test]
    fn a_generic_type_needs_a_name() {
        for (annotations, expected) in [
            (&[][..], None),
            (&[(TITLE, "a.safetensors")], Some(Kind::File)),
            (&[(PATH, "d/a.safetensors")], Some(Kind::File)),
            (&[(PATH, "model.safetensors.index.json")], Some(Kind::Index)),
            (&[(TITLE, "a.gguf")], None),
            (&[("title", "a.safetensors")], None),
            (
                &[(TITLE, "a.safetensors"), (PATH, "b.safetensors")],
                Some(Kind::File),
            ),
            (
                &[(TITLE, "a.safetensors"), (PATH, "a.gguf")],
                Some(Kind::File),
            ),
            (
                &[(TITLE, "a.safetensors"), (PATH, "a.safetensors.index.json")],
                Some(Kind::File),
            ),
        ] {
            assert_eq!(kind(RAW, annotations), expected, "{annotations:?}");
        }
    }

    #[test]
    fn first_bytes_may_contradict() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\n";
        for (kind, head, contradicted) in [
            (Kind::File, &lfs[..], true),
            (Kind::Index, lfs, true),
            (Kind::File, b"\x02\0\0\0\0\0\0\0{}", false),
            (Kind::Index, b" \n{}", false),
            (Kind::File, b"\x02\0", false),
        ] {
            assert_eq!(is_contradicted(kind, head), contradicted, "{head:?}");
        }
    }
}

//! Whether a blob is this importer's: by the type that the tar importer gives such files, and where the
//! type is generic by its file's whole name. Its first bytes may contradict that; they never claim
//! anything.

use lazaret_guest::claim::{GENERIC, is_named};

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The configuration of a model: `PretrainedConfig` of transformers.
    Model,
    /// The configuration of its tokenizer.
    Tokenizer,
}

/// The type that means a model's configuration.
pub const MODEL: &str = "application/x-model-config+json";

/// The type that means a tokenizer's.
pub const TOKENIZER: &str = "application/x-tokenizer-config+json";

/// Further types of which the name decides: what packers take such a file for.
pub const MORE: [&str; 5] = [
    "application/json",
    "application/vnd.cnai.model.doc.v1.raw",
    "application/vnd.cnai.model.weight.config.v1.raw",
    "application/vnd.cncf.model.doc.v1.raw",
    "application/vnd.cncf.model.weight.config.v1.raw",
];

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    [MODEL, TOKENIZER].into_iter().chain(GENERIC).chain(MORE)
}

/// What a blob of this type with these annotations is; none if it is another's.
pub fn declared<'a>(
    media_type: &str,
    annotations: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<Kind> {
    match media_type {
        MODEL => return Some(Kind::Model),
        TOKENIZER => return Some(Kind::Tokenizer),
        _ if GENERIC.contains(&media_type) || MORE.contains(&media_type) => {}
        _ => return None,
    }
    let names: Vec<_> = annotations.collect();
    [Kind::Model, Kind::Tokenizer]
        .into_iter()
        .find(|&kind| is_named(names.iter().copied(), |name| named(name) == Some(kind)))
}

/// Whether the first bytes contradict what the file is declared to be.
#[must_use]
pub fn is_contradicted(head: &[u8]) -> bool {
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|&byte| byte != b'{')
}

fn named(path: &str) -> Option<Kind> {
    match path.rsplit('/').next()? {
        "config.json" => Some(Kind::Model),
        "tokenizer_config.json" => Some(Kind::Tokenizer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "org.opencontainers.image.title";
    const PATH: &str = "org.cncf.model.filepath";

    fn kind(media_type: &str, annotations: &[(&str, &str)]) -> Option<Kind> {
        declared(media_type, annotations.iter().copied())
    }

    #[test]
    fn an_exact_type_decides() {
        assert_eq!(kind(MODEL, &[(TITLE, "a.gguf")]), Some(Kind::Model));
        assert_eq!(kind(TOKENIZER, &[]), Some(Kind::Tokenizer));
        assert_eq!(kind("text/json", &[(TITLE, "config.json")]), None);
    }

    #[test]
    fn a_generic_type_needs_the_whole_name() {
        for media_type in media_types().filter(|known| ![MODEL, TOKENIZER].contains(known)) {
            for (annotations, expected) in [
                (&[][..], None),
                (&[(TITLE, "config.json")], Some(Kind::Model)),
                (&[(PATH, "m/config.json")], Some(Kind::Model)),
                (&[(PATH, "m/tokenizer_config.json")], Some(Kind::Tokenizer)),
                (&[("title", "config.json")], None),
                (&[(TITLE, "adapter_config.json")], None),
                (&[(TITLE, "config.json/x")], None),
                (
                    &[(TITLE, "config.json"), (PATH, "d/config.json")],
                    Some(Kind::Model),
                ),
            ] {
                assert_eq!(kind(media_type, annotations), expected, "{annotations:?}");
            }
        }
    }

    #[test]
    fn first_bytes_may_contradict() {
        for (head, contradicted) in [
            (&b" \n{}"[..], false),
            (b"", false),
            (b"[]", true),
            (b"version https://git-lfs", true),
        ] {
            assert_eq!(is_contradicted(head), contradicted, "{head:?}");
        }
    }
}

//! Whether a blob is this importer's: by what it was declared as, never by its looks.

use lazaret_guest::claim::{GENERIC, is_named};

/// Types that say it all: Docker Model Runner's, Ollama's, and the one that other importers hand on
/// files of this format as.
pub const EXACT: [&str; 8] = [
    "application/x-gguf",
    "application/vnd.docker.ai.gguf.v3",
    "application/vnd.docker.ai.gguf.v3.lora",
    "application/vnd.docker.ai.gguf.v3.mmproj",
    "application/vnd.docker.ai.mmproj",
    "application/vnd.ollama.image.model",
    "application/vnd.ollama.image.projector",
    "application/vnd.ollama.image.adapter",
];

/// The first bytes of every file of the format.
pub const MAGIC: [u8; 4] = *b"GGUF";

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    EXACT.into_iter().chain(GENERIC)
}

/// Whether a blob of this type with these annotations is claimed: by its type, or under a generic one
/// by the names its annotations give, if all end in `.gguf`.
pub fn claims<'a>(
    media_type: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> bool {
    EXACT.contains(&media_type)
        || GENERIC.contains(&media_type) && is_named(annotations, |name| name.ends_with(".gguf"))
}

/// Whether the first bytes contradict the claim.
#[must_use]
pub fn is_contradicted(head: &[u8]) -> bool {
    !head.starts_with(&MAGIC) && !MAGIC.starts_with(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: (&str, &str) = ("org.opencontainers.image.title", "tiny.Q4_K_M.gguf");
    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    #[test]
    fn the_declared_type_decides() {
        for declared in EXACT {
            assert!(claims(declared, []), "{declared}");
        }
        for other in [
            "application/vnd.docker.ai.safetensors",
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.cncf.model.weight.v1.tar",
            "application/vnd.ollama.image.template",
            "",
        ] {
            assert!(!claims(other, [TITLE]), "{other}");
        }
    }

    #[test]
    fn generic_types_need_a_name() {
        for generic in GENERIC {
            assert!(claims(generic, [TITLE]), "{generic}");
            assert!(!claims(generic, []), "{generic}");
        }
        for (annotation, claimed) in [
            (("org.cncf.model.filepath", "a/b.gguf"), true),
            (("org.cnai.model.filepath", "b.gguf.zip"), false),
            (("org.cnai.model.filepath", "b.bin"), false),
            (("elsewhere", "b.gguf"), false),
        ] {
            assert_eq!(claims(RAW, [annotation]), claimed, "{annotation:?}");
        }
        let both = [TITLE, ("org.cncf.model.filepath", "b.pt")];
        assert!(claims(RAW, both), "one name is enough");
    }

    #[test]
    fn first_bytes_may_contradict() {
        for (head, contradicted) in [
            (&b"GGUF\x03"[..], false),
            (b"GG", false),
            (b"", false),
            (b"GGML", true),
            (b"PK\x03\x04", true),
        ] {
            assert_eq!(is_contradicted(head), contradicted, "{head:?}");
        }
    }
}

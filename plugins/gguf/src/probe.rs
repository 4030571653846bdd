//! Whether a blob is this importer's: by what it was declared as, never by its looks.

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

/// Types that carry any file; its name decides.
pub const GENERIC: [&str; 5] = [
    "application/octet-stream",
    "application/vnd.cncf.model.weight.v1.raw",
    "application/vnd.cnai.model.weight.v1.raw",
    "application/vnd.docker.ai.model.file",
    "application/vnd.unknown.artifact.v1",
];

/// Annotations that give a file's name.
const NAMES: [&str; 3] = [
    "org.opencontainers.image.title",
    "org.cncf.model.filepath",
    "org.cnai.model.filepath",
];

/// The first bytes of every file of the format.
pub const MAGIC: [u8; 4] = *b"GGUF";

/// Whether a blob of this type, with these annotations and first bytes, is claimed.
///
/// A declared type is claimed whatever the blob begins with, and refused as malformed if it turns
/// out to be another. A file of a generic type is claimed by the names its annotations give, if all
/// end in `.gguf`; there the first bytes may veto, since a name is a weaker claim.
pub fn claims<'a>(
    media_type: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    head: &[u8],
) -> bool {
    if EXACT.contains(&media_type) {
        return true;
    }
    if !GENERIC.contains(&media_type) {
        return false;
    }
    let mut named = false;
    for (_, name) in annotations
        .into_iter()
        .filter(|(key, _)| NAMES.contains(key))
    {
        if !name.ends_with(".gguf") {
            return false;
        }
        named = true;
    }
    named && (head.starts_with(&MAGIC) || MAGIC.starts_with(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: (&str, &str) = ("org.opencontainers.image.title", "tiny.Q4_K_M.gguf");
    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    #[test]
    fn the_declared_type_decides() {
        for declared in EXACT {
            assert!(claims(declared, [], b"PK\x03\x04"), "{declared}");
        }
        for other in [
            "application/vnd.docker.ai.safetensors",
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.cncf.model.weight.v1.tar",
            "application/vnd.ollama.image.template",
            "",
        ] {
            assert!(!claims(other, [TITLE], b"GGUF"), "{other}");
        }
    }

    #[test]
    fn generic_types_need_a_name() {
        for generic in GENERIC {
            assert!(claims(generic, [TITLE], b"GGUF\x03"), "{generic}");
            assert!(!claims(generic, [], b"GGUF\x03"), "{generic}");
        }
        for (annotation, head, claimed) in [
            (("org.cncf.model.filepath", "a/b.gguf"), &b"GGUF"[..], true),
            (("org.cnai.model.filepath", "b.gguf"), b"GGUF", true),
            (("org.cnai.model.filepath", "b.gguf"), b"GG", true),
            (("org.cnai.model.filepath", "b.gguf"), b"", true),
            (("org.cnai.model.filepath", "b.gguf"), b"GGML", false),
            (("org.cnai.model.filepath", "b.gguf.zip"), b"GGUF", false),
            (("org.cnai.model.filepath", "b.bin"), b"GGUF", false),
            (("elsewhere", "b.gguf"), b"GGUF", false),
        ] {
            assert_eq!(claims(RAW, [annotation], head), claimed, "{annotation:?}");
        }
        let both = [TITLE, ("org.cncf.model.filepath", "b.pt")];
        assert!(!claims(RAW, both, b"GGUF"), "two names that differ");
    }
}

//! Whether a blob is this importer's: by what it was declared as, and where that is generic by its
//! file's name. Its first bytes may veto a name; they never claim anything.

/// The type that means a checkpoint.
pub const EXACT: &str = "application/x-pytorch";

/// Types that carry any file; its name decides.
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

/// The ends of a checkpoint's name.
const SUFFIXES: [&str; 3] = [".pt", ".pth", ".ckpt"];

/// `.bin` says nothing, but for names that transformers and its kin give.
const BIN_PREFIXES: [&str; 3] = ["pytorch_model", "diffusion_pytorch_model", "adapter_model"];

/// First bytes of other formats that are found under these names.
const OTHERS: [&[u8]; 5] = [b"GGUF", b"\x89HDF", b"\x1f\x8b", b"version ", b"\x7fELF"];

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    [EXACT].into_iter().chain(GENERIC)
}

/// Whether a blob of this type, with these annotations and first bytes, is claimed. Where several
/// annotations name it, all must agree.
pub fn claims<'a>(
    media_type: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    head: &[u8],
) -> bool {
    if media_type == EXACT {
        return true;
    }
    if !GENERIC.contains(&media_type) {
        return false;
    }
    let mut is_named = false;
    for (_, name) in annotations
        .into_iter()
        .filter(|(key, _)| NAMES.contains(key))
    {
        if !is_checkpoint(name) {
            return false;
        }
        is_named = true;
    }
    let is_safetensors = head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]);
    is_named && !is_safetensors && !OTHERS.iter().any(|other| head.starts_with(other))
}

fn is_checkpoint(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_bin = name.ends_with(".bin") && BIN_PREFIXES.iter().any(|start| name.starts_with(start));
    is_bin || SUFFIXES.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "org.opencontainers.image.title";
    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    #[test]
    fn a_declared_type_is_claimed_whatever_it_holds() {
        assert!(claims(EXACT, [], b"GGUF"));
        assert!(claims(EXACT, [(TITLE, "a.onnx")], b""));
        assert!(!claims("application/x-gguf", [(TITLE, "a.pt")], b"PK"));
    }

    #[test]
    fn a_generic_type_needs_a_name() {
        for (name, claimed) in [
            ("model.pt", true),
            ("a/b/model.pth", true),
            ("last.ckpt", true),
            ("pytorch_model.bin", true),
            ("a/pytorch_model-00001-of-00002.bin", true),
            ("adapter_model.bin", true),
            ("model.bin", false),
            ("ggml-pytorch_model.bin", false),
            ("pytorch_model.bin.index.json", false),
            ("pt", false),
            ("model.pt/readme", false),
            ("model.safetensors", false),
        ] {
            assert_eq!(
                claims(RAW, [(TITLE, name)], b"PK\x03\x04"),
                claimed,
                "{name}"
            );
        }
        assert!(!claims(RAW, [], b"PK\x03\x04"));
        let both = [(TITLE, "a.pt"), ("org.cncf.model.filepath", "a.gguf")];
        assert!(!claims(RAW, both, b"PK\x03\x04"));
    }

    #[test]
    fn first_bytes_veto_a_name() {
        for (head, claimed) in [
            (&b"PK\x03\x04"[..], true),
            (b"\x80\x02", true),
            (b"cos\nsystem\n", true),
            (b"7z\xbc\xaf\x27\x1c", true),
            (b"", true),
            (b"GGUF\x03", false),
            (b"\x10\0\0\0\0\0\0\0{\"", false),
            (b"version https://git-lfs", false),
        ] {
            assert_eq!(claims(RAW, [(TITLE, "a.pt")], head), claimed, "{head:?}");
        }
    }
}

//! Whether a blob is this importer's: by what it was declared as, and where that is generic by its
//! file's name. Its first bytes may contradict that; they never claim anything.

use lazaret_guest::claim::{GENERIC, is_named};

/// The type that means a checkpoint.
pub const EXACT: &str = "application/x-pytorch";

/// The ends of a checkpoint's name.
const SUFFIXES: [&str; 4] = [".pt", ".pth", ".ckpt", ".pkl"];

/// `.bin` says nothing, but for names that transformers and its kin give.
const BIN_PREFIXES: [&str; 4] = [
    "pytorch_model",
    "diffusion_pytorch_model",
    "adapter_model",
    "training_args",
];

/// First bytes of other formats that are found under these names.
const OTHERS: [&[u8]; 5] = [b"GGUF", b"\x89HDF", b"\x1f\x8b", b"version ", b"\x7fELF"];

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    [EXACT].into_iter().chain(GENERIC)
}

/// Whether a blob of this type with these annotations is claimed.
pub fn claims<'a>(
    media_type: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> bool {
    media_type == EXACT || GENERIC.contains(&media_type) && is_named(annotations, is_checkpoint)
}

/// Whether the first bytes contradict the claim.
#[must_use]
pub fn is_contradicted(head: &[u8]) -> bool {
    let is_safetensors = head.get(8) == Some(&b'{') && head.get(4..8) == Some(&[0; 4]);
    is_safetensors || OTHERS.iter().any(|other| head.starts_with(other))
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
        assert!(claims(EXACT, []));
        assert!(claims(EXACT, [(TITLE, "a.onnx")]));
        assert!(!claims("application/x-gguf", [(TITLE, "a.pt")]));
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
            assert_eq!(claims(RAW, [(TITLE, name)]), claimed, "{name}");
        }
        assert!(!claims(RAW, []));
        let both = [(TITLE, "a.pt"), ("org.cncf.model.filepath", "a.gguf")];
        assert!(claims(RAW, both));
    }

    #[test]
    fn first_bytes_may_contradict() {
        for (head, contradicted) in [
            (&b"PK\x03\x04"[..], false),
            (b"\x80\x02", false),
            (b"cos\nsystem\n", false),
            (b"7z\xbc\xaf\x27\x1c", false),
            (b"", false),
            (b"GGUF\x03", true),
            (b"\x10\0\0\0\0\0\0\0{\"", true),
            (b"version https://git-lfs", true),
        ] {
            assert_eq!(is_contradicted(head), contradicted, "{head:?}");
        }
    }
}

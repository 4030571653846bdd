//! Whether a blob is this importer's: by its declared type, and where that is generic by its file's
//! name. Its first bytes may contradict that; they never claim anything.

use lazaret_guest::claim::{GENERIC, is_named};

use crate::schema::MODEL;

/// The end of a file's name.
pub const SUFFIX: &str = ".onnx";

/// The type that means a model.
pub const MODEL_TYPE: &str = "application/x-onnx";

/// All types that are asked about.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    [MODEL_TYPE].into_iter().chain(GENERIC)
}

/// Whether a blob of this type with these annotations is claimed.
pub fn claims<'a>(
    media_type: &str,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> bool {
    media_type == MODEL_TYPE
        || GENERIC.contains(&media_type) && is_named(annotations, |name| name.ends_with(SUFFIX))
}

/// Whether the first bytes contradict the claim: they are not the tag of a field of a model.
#[must_use]
pub fn is_contradicted(head: &[u8]) -> bool {
    let Some(&first) = head.first() else {
        return false;
    };
    // Fields from 16 on have tags of two bytes, of which the first has all that matters.
    let second = head.get(1).copied().unwrap_or(0);
    let high = if first < 0x80 { 0 } else { u32::from(second) };
    let number = u32::from(first >> 3 & 0xf) | high << 4;
    let wire_type = u32::from(first & 7);
    let known = MODEL.get(number);
    !known.is_some_and(|known| known.kind.allows(wire_type, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "org.opencontainers.image.title";
    const PATH: &str = "org.cncf.model.filepath";
    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    #[test]
    fn an_exact_type_decides_and_a_generic_one_needs_a_name() {
        for (media_type, annotations, expected) in [
            (MODEL_TYPE, &[][..], true),
            (MODEL_TYPE, &[(TITLE, "a.gguf")], true),
            ("application/x-gguf", &[(TITLE, "a.onnx")], false),
            (RAW, &[], false),
            (RAW, &[(TITLE, "a.onnx")], true),
            (RAW, &[(PATH, "onnx/model.onnx")], true),
            (RAW, &[(TITLE, "a.onnx_data")], false),
            (RAW, &[(TITLE, "a.onnx.data")], false),
            (RAW, &[("title", "a.onnx")], false),
            (RAW, &[(TITLE, "a.onnx"), (PATH, "b.onnx")], true),
            (RAW, &[(TITLE, "a.onnx"), (PATH, "a.gguf")], true),
            ("text/plain", &[(TITLE, "a.onnx")], false),
        ] {
            let claimed = claims(media_type, annotations.iter().copied());
            assert_eq!(claimed, expected, "{media_type} {annotations:?}");
        }
    }

    #[test]
    fn first_bytes_may_contradict() {
        for (head, contradicted) in [
            (&b"\x08\x08\x12\x07pytorch"[..], false),
            (b"\x3a\x05", false),
            (b"\xa2\x01\x00", false),
            (b"\xca\x01\x00", false),
            (b"", false),
            (b"version https://git-lfs.github.com/spec/v1\n", true),
            (b"{\"model\":1}", true),
            (b"PK\x03\x04", true),
            (b"GGUF", true),
            (b"\x1f\x8b\x08", true),
            (b"\xb5\x01", true),
            (b"\0\0", true),
        ] {
            assert_eq!(is_contradicted(head), contradicted, "{head:?}");
        }
    }
}

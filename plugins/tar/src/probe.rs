//! Whether a blob is this importer's, by what it was declared as and by its first bytes.

use crate::entry::Names;
use crate::header::{Header, byte_sum};
use crate::limits::BLOCK;

/// What a decompressed layer is offered as.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Container layers by the names of their own families.
pub const LAYERS: [&str; 4] = [
    LAYER,
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];

/// How sure the importer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Not a tar archive.
    No,
    /// Declared as a tar archive that is no layer, and looks like one.
    Maybe,
    /// Declared as a layer.
    Yes,
}

/// Judges a blob. A declared layer is claimed whatever it begins with, and then refused if it is
/// none: guessing a format never overrules a declared one. Nothing is claimed on looks alone.
#[must_use]
pub fn claim(media_type: &str, head: &[u8]) -> Claim {
    match names(media_type) {
        Names::Layer => Claim::Yes,
        Names::Plain if is_tar_type(media_type) && looks_like_tar(head) => Claim::Maybe,
        Names::Plain => Claim::No,
    }
}

/// What names mean in an archive of this type: `.wh.` is special in layers only.
#[must_use]
pub fn names(media_type: &str) -> Names {
    if LAYERS.contains(&media_type) {
        Names::Layer
    } else {
        Names::Plain
    }
}

fn is_tar_type(media_type: &str) -> bool {
    media_type == "application/x-tar" || media_type.ends_with(".tar")
}

/// Whether this can be the start of an archive: a header whose checksum fits, the end marker, or
/// nothing.
fn looks_like_tar(head: &[u8]) -> bool {
    if head.is_empty() {
        return true;
    }
    let Some(block) = head.first_chunk::<BLOCK>() else {
        return false;
    };
    match byte_sum(block) {
        0 => head.iter().take(2 * BLOCK).all(|&byte| byte == 0),
        sum => Header::new(block, 0, sum).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_type_decides() {
        let mut header = tar_core::Header::new_ustar();
        header.set_path(b"x").unwrap();
        header.set_checksum();
        let tar = header.as_bytes();
        let mut stray = [0; 1024];
        stray[600] = 1;
        for (media_type, head, want) in [
            (LAYER, &tar[..], Claim::Yes),
            (LAYER, b"", Claim::Yes),
            (LAYER, &[0; 1024], Claim::Yes),
            (LAYER, b"\x1f\x8b", Claim::Yes),
            (
                "application/vnd.docker.image.rootfs.diff.tar",
                &tar[..],
                Claim::Yes,
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar",
                &tar[..],
                Claim::Maybe,
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar",
                b"",
                Claim::Maybe,
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar",
                &[0; 1024],
                Claim::Maybe,
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar",
                &stray,
                Claim::No,
            ),
            (
                "application/vnd.cncf.model.weight.v1.tar",
                b"GGUF",
                Claim::No,
            ),
            (
                "application/vnd.cncf.model.weight.v1.raw",
                &tar[..],
                Claim::No,
            ),
            ("application/octet-stream", &tar[..], Claim::No),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip",
                &tar[..],
                Claim::No,
            ),
        ] {
            assert_eq!(claim(media_type, head), want, "{media_type}");
        }
        assert_eq!(names(LAYER), Names::Layer);
        assert_eq!(names("application/x-tar"), Names::Plain);
    }
}

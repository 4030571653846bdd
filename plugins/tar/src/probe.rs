//! Whether a blob is this importer's: by what it was declared as, never by its looks.

/// The media type of a container layer, and what the host offers a layer of any family as, once it
/// is decompressed.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Whether a blob of this type is claimed.
///
/// A declared layer is claimed whatever it begins with, and refused as malformed if it turns out to
/// be no archive: guessing a format never overrules a declared one, so the first bytes are not asked.
/// For the same reason nothing else is claimed because it looks like an archive.
#[must_use]
pub fn claims(media_type: &str) -> bool {
    media_type == LAYER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_type_decides() {
        assert!(claims(LAYER));
        for other in [
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.cncf.model.weight.v1.tar",
            "application/x-tar",
            "application/octet-stream",
            "",
        ] {
            assert!(!claims(other), "{other}");
        }
    }
}

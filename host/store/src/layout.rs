//! Where things lie inside a repository (composefs 0.9, `repository_format.rs`).

use lazaret_artifact::{VerityAlgorithm, VerityDigest};

pub(crate) const METADATA: &str = "meta.json";
pub(crate) const OBJECTS: &str = "objects";
pub(crate) const STREAMS: &str = "streams";
pub(crate) const IMAGES: &str = "images";
pub(crate) const REFS: &str = "refs";

/// Prefix of temporary names. They live in the repository's root, which composefs never lists, and
/// are swept under the exclusive lock.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// An object's path relative to `objects/`.
pub(crate) fn object_path(digest: &VerityDigest) -> String {
    let mut path = digest.hex();
    path.insert(2, '/');
    path
}

/// What a link in `streams/` or `images/` that stands for an object contains.
pub(crate) fn object_link(digest: &VerityDigest) -> String {
    format!("../{OBJECTS}/{}", object_path(digest))
}

/// The reverse of [`object_link`]; `None` for any other text.
pub(crate) fn parse_object_link(algorithm: VerityAlgorithm, target: &[u8]) -> Option<VerityDigest> {
    let path = std::str::from_utf8(target).ok()?;
    let (directory, rest) = path.strip_prefix("../objects/")?.split_once('/')?;
    parse_object_name(algorithm, directory, rest)
}

/// The digest of the object `objects/<directory>/<rest>`; `None` for an odd name.
pub(crate) fn parse_object_name(
    algorithm: VerityAlgorithm,
    directory: &str,
    rest: &str,
) -> Option<VerityDigest> {
    if directory.len() != 2 {
        return None;
    }
    VerityDigest::from_hex(algorithm, &format!("{directory}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_link_survives_its_text() {
        let digest = crate::verity::digest(VerityAlgorithm::Sha256, b"hello world");
        assert_eq!(
            object_link(&digest),
            "../objects/1e/2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
        );
        let parse = |text: &str| parse_object_link(VerityAlgorithm::Sha256, text.as_bytes());
        assert_eq!(parse(&object_link(&digest)), Some(digest));
    }

    #[test]
    fn any_other_link_is_refused() {
        let digest = crate::verity::digest(VerityAlgorithm::Sha256, b"hello world");
        let good = object_link(&digest);
        for bad in [
            good.replace("../objects", "/objects"),
            good.replace("../objects", "../../objects"),
            good.replace("/1e/", "/1e//"),
            good.replace("/1e/", "/1E/"),
            good.replace("/1e/2e", "/1e2/e"),
            format!("{good}0"),
            good[..good.len() - 2].to_owned(),
            String::new(),
        ] {
            let parsed = parse_object_link(VerityAlgorithm::Sha256, bad.as_bytes());
            assert_eq!(parsed, None, "{bad}");
        }
        assert_eq!(
            parse_object_link(VerityAlgorithm::Sha512, good.as_bytes()),
            None
        );
    }
}

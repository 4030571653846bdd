//! What is a manifest, what is not, and how a refusal reads.

use super::*;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn manifest(extra: &str) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json",
        "digest":"{DIGEST}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar",
        "digest":"{DIGEST}","size":2}}]{extra}}}"#
    )
    .into_bytes()
}

fn chain(error: &ArtifactError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn a_manifest_parses_and_keeps_its_digest() {
    let bytes = manifest("");
    let parsed = Manifest::parse(&bytes, None).unwrap();
    assert_eq!(parsed.digest, ContentDigest::sha256(&bytes));
    assert!(parsed.is_image());
    assert_eq!(parsed.layers.len(), 1);
    assert!(matches!(
        Document::parse(&bytes, None).unwrap(),
        Document::Manifest(_)
    ));
}

#[test]
fn each_broken_rule_is_named() {
    let index: MediaType = crate::media_type::OCI_INDEX.parse().unwrap();
    let docker: MediaType = crate::media_type::DOCKER_MANIFEST.parse().unwrap();
    let own = r#","mediaType":"application/vnd.oci.image.manifest.v1+json""#;
    for (bytes, declared, want) in [
        (
            manifest(r#","layers":[]"#),
            None,
            "duplicate name \"layers\"",
        ),
        (manifest(r#","manifests":[]"#), None, "both the members"),
        (manifest(own), Some(&docker), "declared as"),
        (
            manifest(r#","mediaType":"application/json""#),
            None,
            "not a manifest's",
        ),
        (
            manifest(r#","mediaType":"nonsense""#),
            None,
            "invalid media type",
        ),
        (
            manifest("").replace_bytes(b"\"size\":2", b"\"size\":-2"),
            None,
            "invalid value",
        ),
        (
            manifest("").replace_bytes(b"\"size\":2", b"\"size\":9223372036854775808"),
            None,
            "beyond int64",
        ),
        (
            manifest("").replace_bytes(b"sha256:", b"sha257:"),
            None,
            "unsupported algorithm",
        ),
        (
            manifest("").replace_bytes(b"\"schemaVersion\":2", b"\"schemaVersion\":1"),
            None,
            "not 2",
        ),
        (b"[]".to_vec(), None, "invalid"),
        (b"{".to_vec(), None, "EOF"),
    ] {
        let error = Manifest::parse(&bytes, declared).unwrap_err();
        assert!(
            chain(&error).contains(want),
            "wanted {want:?} in {:?}",
            chain(&error)
        );
        assert!(
            error
                .to_string()
                .contains(&ContentDigest::sha256(&bytes).to_string())
        );
    }
    assert!(Index::parse(&manifest(""), Some(&index)).is_err());
}

#[test]
fn an_empty_artifact_type_says_nothing() {
    let parsed = Manifest::parse(&manifest(r#","artifactType":"""#), None).unwrap();
    assert_eq!(parsed.artifact_type, None);
}

trait ReplaceBytes {
    fn replace_bytes(self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceBytes for Vec<u8> {
    fn replace_bytes(self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(self).unwrap();
        text.replace(
            std::str::from_utf8(from).unwrap(),
            std::str::from_utf8(to).unwrap(),
        )
        .into_bytes()
    }
}

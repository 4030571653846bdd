//! What a name means, and that it reads back the same.

use std::collections::BTreeMap;

use super::*;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn parts(text: &str, directories: &[&str]) -> (String, Option<String>, Option<String>) {
    let SourceRef::Layout(layout) = parse(text, |path| {
        directories.iter().any(|d| Path::new(d) == path)
    })
    .unwrap();
    assert_eq!(layout.to_string(), text);
    (
        layout.path.to_str().unwrap().to_owned(),
        layout.tag,
        layout.digest.map(|digest| digest.to_string()),
    )
}

#[test]
fn names_divide_as_documented() {
    let with_digest = format!("oci:d:t@{DIGEST}");
    let only_digest = format!("oci:a/b@{DIGEST}");
    for (text, directories, want) in [
        ("oci:d", &[][..], ("d", None, None)),
        ("oci:d:t", &[], ("d", Some("t"), None)),
        ("oci:/a/b:x/y:1.0", &[], ("/a/b", Some("x/y:1.0"), None)),
        // The first colon wins where its directory exists, as skopeo has it.
        (
            "oci:d:t:u",
            &["d", "d:t", "d:t:u"],
            ("d", Some("t:u"), None),
        ),
        // Colons in names work where nothing else can be meant.
        ("oci:d:t:u", &["d:t", "d:t:u"], ("d:t", Some("u"), None)),
        ("oci:d:t:u", &["d:t:u"], ("d:t:u", None, None)),
        (&with_digest, &[], ("d", Some("t"), Some(DIGEST))),
        (&only_digest, &[], ("a/b", None, Some(DIGEST))),
        ("oci:me@home:1", &[], ("me@home", Some("1"), None)),
        ("oci:d:user@host", &[], ("d", Some("user@host"), None)),
    ] {
        let (path, tag, digest) = parts(text, directories);
        assert_eq!((&*path, tag.as_deref(), digest.as_deref()), want, "{text}");
    }
}

#[test]
fn what_names_no_source_is_refused_with_the_reason() {
    for (text, reason) in [
        (
            "busybox",
            "names no transport; supported: oci:DIR[:TAG][@DIGEST]",
        ),
        (
            "docker://busybox",
            "unknown transport \"docker\"; supported: oci:DIR[:TAG][@DIGEST]",
        ),
        (
            "oci-archive:x.tar",
            "unknown transport \"oci-archive\"; supported: oci:DIR[:TAG][@DIGEST]",
        ),
        ("oci:", "names no directory"),
        ("oci::t", "names no directory"),
        ("oci:d:", "empty tag"),
        (
            "oci:d@sha256:abc",
            "invalid digest \"sha256:abc\": wrong length for its algorithm",
        ),
    ] {
        let error = parse(text, |_| false).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid source {text:?}: {reason}")
        );
        assert!(error.is_usage());
    }
}

fn root(name: Option<&str>) -> Descriptor {
    Descriptor {
        media_type: lazaret_artifact::media_type::OCI_MANIFEST.parse().unwrap(),
        digest: DIGEST.parse().unwrap(),
        size: 2,
        artifact_type: None,
        platform: None,
        annotations: name
            .map(|name| BTreeMap::from([(REF_NAME.to_owned(), name.to_owned())]))
            .unwrap_or_default(),
    }
}

#[test]
fn the_default_tag_is_the_reference_or_the_directory() {
    for (text, annotation, want) in [
        ("oci:a/b:t", Some("u"), "t"),
        ("oci:a/b", Some("quay.io/x/y:1"), "quay.io/x/y:1"),
        ("oci:a/b", Some("not a tag"), "b"),
        ("oci:a/b/", None, "b"),
    ] {
        let source = parse(text, |_| false).unwrap();
        assert_eq!(
            source.default_tag(&root(annotation)).unwrap().as_str(),
            want,
            "{text}"
        );
    }
    let here: SourceRef = "oci:.".parse().unwrap();
    let name = std::env::current_dir().unwrap();
    let name = name.file_name().unwrap().to_str().unwrap();
    assert_eq!(here.default_tag(&root(None)).unwrap().as_str(), name);
    let spaced: SourceRef = "oci:/tmp/a b".parse().unwrap();
    assert!(spaced.default_tag(&root(None)).unwrap_err().is_usage());
}

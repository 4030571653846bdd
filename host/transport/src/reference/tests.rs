//! What a name means, and that it reads back the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn parse_among(text: &str, kind: PathKind, paths: &[&str]) -> Reference {
    parse(text, |asked, path| {
        asked == kind && paths.iter().any(|there| Path::new(there) == path)
    })
    .unwrap()
}

/// Path, tag and digest of a name of either transport that has a path.
fn parts(text: &str, kind: PathKind, paths: &[&str]) -> (String, Option<String>, Option<String>) {
    let reference = parse_among(text, kind, paths);
    assert_eq!(reference.to_string(), text);
    let path = match (&reference, kind) {
        (Reference::Layout(layout), PathKind::Directory) => &layout.path,
        (Reference::Archive(archive), PathKind::File) => &archive.path,
        _ => panic!("{reference:?}"),
    };
    (
        path.to_str().unwrap().to_owned(),
        reference.tag().map(str::to_owned),
        reference.digest().map(ToString::to_string),
    )
}

#[test]
fn names_with_a_path_divide_as_documented() {
    let with_digest = format!("d:t@{DIGEST}");
    let only_digest = format!("a/b@{DIGEST}");
    for (text, paths, want) in [
        ("d", &[][..], ("d", None, None)),
        ("d:t", &[], ("d", Some("t"), None)),
        ("/a/b:x/y:1.0", &[], ("/a/b", Some("x/y:1.0"), None)),
        // The first colon wins where what is before it exists, as skopeo has it.
        ("d:t:u", &["d", "d:t", "d:t:u"], ("d", Some("t:u"), None)),
        // Colons in names work where nothing else can be meant.
        ("d:t:u", &["d:t", "d:t:u"], ("d:t", Some("u"), None)),
        ("d:t:u", &["d:t:u"], ("d:t:u", None, None)),
        (&with_digest, &[], ("d", Some("t"), Some(DIGEST))),
        (&only_digest, &[], ("a/b", None, Some(DIGEST))),
        ("me@home:1", &[], ("me@home", Some("1"), None)),
        ("d:user@host", &[], ("d", Some("user@host"), None)),
    ] {
        for (transport, kind) in [
            ("oci", PathKind::Directory),
            ("oci-archive", PathKind::File),
        ] {
            let text = format!("{transport}:{text}");
            let (path, tag, digest) = parts(&text, kind, paths);
            assert_eq!((&*path, tag.as_deref(), digest.as_deref()), want, "{text}");
        }
    }
}

#[test]
fn names_in_registries_are_completed_as_docker_does() {
    let digest: ContentDigest = DIGEST.parse().unwrap();
    let at = |text: &str| format!("{text}@{DIGEST}");
    let table: [(String, &str, &str, Option<&str>, bool); 19] = [
        (
            "busybox".into(),
            "docker.io",
            "library/busybox",
            Some("latest"),
            false,
        ),
        (
            "busybox:1.36".into(),
            "docker.io",
            "library/busybox",
            Some("1.36"),
            false,
        ),
        (
            "owner/name".into(),
            "docker.io",
            "owner/name",
            Some("latest"),
            false,
        ),
        (
            "docker.io/busybox".into(),
            "docker.io",
            "library/busybox",
            Some("latest"),
            false,
        ),
        (
            "index.docker.io/busybox".into(),
            "docker.io",
            "library/busybox",
            Some("latest"),
            false,
        ),
        (
            "quay.io/name".into(),
            "quay.io",
            "name",
            Some("latest"),
            false,
        ),
        (
            "quay.io/a/b/c:T".into(),
            "quay.io",
            "a/b/c",
            Some("T"),
            false,
        ),
        // A host is known by its dot, its colon, its capitals or its being localhost.
        (
            "localhost/x".into(),
            "localhost",
            "x",
            Some("latest"),
            false,
        ),
        (
            "host/x".into(),
            "docker.io",
            "host/x",
            Some("latest"),
            false,
        ),
        ("HOST/x".into(), "HOST", "x", Some("latest"), false),
        (
            "host:5000/x".into(),
            "host:5000",
            "x",
            Some("latest"),
            false,
        ),
        (
            "127.0.0.1:5000/x:y".into(),
            "127.0.0.1:5000",
            "x",
            Some("y"),
            false,
        ),
        (
            "[::1]:5000/x".into(),
            "[::1]:5000",
            "x",
            Some("latest"),
            false,
        ),
        (
            "[fe80::1]/x".into(),
            "[fe80::1]",
            "x",
            Some("latest"),
            false,
        ),
        (
            "a.b/x.y_z__a-b---c/d".into(),
            "a.b",
            "x.y_z__a-b---c/d",
            Some("latest"),
            false,
        ),
        ("a.b/x:_T.a-9".into(), "a.b", "x", Some("_T.a-9"), false),
        // A digest needs no tag, and may have one.
        (at("a.b/x"), "a.b", "x", None, true),
        (at("a.b/x:t"), "a.b", "x", Some("t"), true),
        (at("busybox"), "docker.io", "library/busybox", None, true),
    ];
    for (text, host, repository, tag, has_digest) in table {
        let text = format!("docker://{text}");
        let want = RegistryRef {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: has_digest.then_some(digest),
        };
        let found: Reference = text.parse().unwrap();
        assert_eq!(found, Reference::Registry(want), "{text}");
        assert_eq!(found.to_string().parse::<Reference>().unwrap(), found);
    }
}

#[test]
fn what_is_no_name_in_a_registry_is_refused_with_the_reason() {
    const NAME: &str = "is no repository's name: components of a-z, 0-9 and single separators \
                        between them, divided by slashes";
    const TAG: &str = "is no tag: at most 128 of letters, digits, '_', '.' and '-', not starting \
                       with '.' or '-'";
    let long_tag = "t".repeat(129);
    let long_name = "n".repeat(252);
    for (text, reason) in [
        (
            "docker:busybox",
            "docker: is followed by //HOST/NAME".to_owned(),
        ),
        (
            "docker:/busybox",
            "docker: is followed by //HOST/NAME".to_owned(),
        ),
        ("docker://", "names no repository".to_owned()),
        ("docker://quay.io/", "names no repository".to_owned()),
        ("docker://:t", "names no repository".to_owned()),
        ("docker://x@y", "what follows @ is no digest".to_owned()),
        (
            "docker://user@quay.io/x",
            "what follows @ is no digest".to_owned(),
        ),
        (
            "docker://x@sha256:abc",
            "invalid digest \"sha256:abc\": wrong length for its algorithm".to_owned(),
        ),
        ("docker://x:", format!("\"\" {TAG}")),
        ("docker://x:.t", format!("\".t\" {TAG}")),
        ("docker://x:-t", format!("\"-t\" {TAG}")),
        ("docker://x:a b", format!("\"a b\" {TAG}")),
        ("docker://x/y:a/b", format!("\"a/b\" {TAG}")),
        (
            "docker://x:a/b",
            "\"x:a\" is not HOST or HOST:PORT".to_owned(),
        ),
        ("docker://x:a:b", format!("\"a:b\" {TAG}")),
        (
            &format!("docker://x:{long_tag}"),
            format!("{long_tag:?} {TAG}"),
        ),
        ("docker://Busybox", format!("\"Busybox\" {NAME}")),
        ("docker://a.b/X", format!("\"X\" {NAME}")),
        ("docker://a.b//x", format!("\"/x\" {NAME}")),
        ("docker://a.b/x/", format!("\"x/\" {NAME}")),
        ("docker://a.b/x..y", format!("\"x..y\" {NAME}")),
        ("docker://a.b/../v2", format!("\"../v2\" {NAME}")),
        ("docker://a.b/x___y", format!("\"x___y\" {NAME}")),
        ("docker://a.b/x._y", format!("\"x._y\" {NAME}")),
        ("docker://a.b/-x", format!("\"-x\" {NAME}")),
        ("docker://a.b/x-", format!("\"x-\" {NAME}")),
        ("docker://a.b/x?n=1", format!("\"x?n=1\" {NAME}")),
        ("docker://a.b/x%2e", format!("\"x%2e\" {NAME}")),
        ("docker://a.b/x#f", format!("\"x#f\" {NAME}")),
        (
            "docker://-a.b/x",
            "\"-a.b\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://a..b/x",
            "\"a..b\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://a.b:/x",
            "\"a.b:\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://a.b:+1/x",
            "\"a.b:+1\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://a.b:65536/x",
            "\"a.b:65536\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://[::1/x",
            "\"[::1\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://[::1]x/x",
            "\"[::1]x\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            "docker://[a:b]/x",
            "\"[a:b]\" is not HOST or HOST:PORT".to_owned(),
        ),
        (
            &format!("docker://a.b/{long_name}"),
            "host and name are longer than 255 characters".to_owned(),
        ),
    ] {
        let error = text.parse::<Reference>().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid reference {text:?}: {reason}")
        );
        assert!(error.is_usage());
    }
}

#[test]
fn what_names_no_place_is_refused_with_the_reason() {
    for (text, reason) in [
        (
            "busybox",
            "names no transport; supported: oci:DIR[:TAG][@DIGEST], \
             oci-archive:FILE[:TAG][@DIGEST], docker://HOST/NAME[:TAG][@DIGEST]",
        ),
        (
            "docker-daemon:busybox",
            "unknown transport \"docker-daemon\"; supported: oci:DIR[:TAG][@DIGEST], \
             oci-archive:FILE[:TAG][@DIGEST], docker://HOST/NAME[:TAG][@DIGEST]",
        ),
        ("oci:", "names no directory"),
        ("oci::t", "names no directory"),
        ("oci:d:", "empty tag"),
        ("oci-archive:", "names no file"),
        ("oci-archive::t", "names no file"),
        ("oci-archive:x.tar:", "empty tag"),
        (
            "oci:d@sha256:abc",
            "invalid digest \"sha256:abc\": wrong length for its algorithm",
        ),
    ] {
        let error = parse(text, |_, _| false).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid reference {text:?}: {reason}")
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
        from: None,
        name: None,
        platform: None,
        annotations: name
            .map(|name| BTreeMap::from([(REF_NAME.to_owned(), name.to_owned())]))
            .unwrap_or_default(),
    }
}

#[test]
fn the_default_tag_is_the_reference_or_the_place() {
    let by_digest = format!("docker://quay.io/x/y@{DIGEST}");
    for (text, annotation, want) in [
        ("oci:a/b:t", Some("u"), "t"),
        ("oci:a/b", Some("quay.io/x/y:1"), "quay.io/x/y:1"),
        ("oci:a/b", Some("not a tag"), "b"),
        ("oci:a/b/", None, "b"),
        ("oci-archive:a/b.tar:t", Some("u"), "t"),
        ("oci-archive:a/b.tar", Some("u"), "u"),
        ("oci-archive:a/b.tar", None, "b"),
        ("oci-archive:a/b.oci.tar", None, "b"),
        ("oci-archive:a/.tar", None, ".tar"),
        ("oci-archive:a/b", None, "b"),
        ("docker://quay.io/x/y:1", Some("u"), "quay.io/x/y:1"),
        ("docker://quay.io/x/y", None, "quay.io/x/y:latest"),
        ("docker://debian:12", None, "docker.io/library/debian:12"),
        (&by_digest, Some("u"), &by_digest["docker://".len()..]),
    ] {
        let source = parse(text, |_, _| false).unwrap();
        assert_eq!(
            source.default_tag(&root(annotation)).unwrap().as_str(),
            want,
            "{text}"
        );
    }
    let here: Reference = "oci:.".parse().unwrap();
    let name = std::env::current_dir().unwrap();
    let name = name.file_name().unwrap().to_str().unwrap();
    assert_eq!(here.default_tag(&root(None)).unwrap().as_str(), name);
    let spaced: Reference = "oci:/tmp/a b".parse().unwrap();
    assert!(spaced.default_tag(&root(None)).unwrap_err().is_usage());
}

#[test]
fn of_several_paths_the_one_of_the_right_kind_is_meant() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().to_str().unwrap();
    std::fs::write(format!("{base}/a:b"), "").unwrap();
    std::fs::create_dir(format!("{base}/a")).unwrap();
    for (transport, path, tag) in [("oci", "a", Some("b")), ("oci-archive", "a:b", None)] {
        let reference: Reference = format!("{transport}:{base}/a:b").parse().unwrap();
        let found = match &reference {
            Reference::Layout(layout) => &layout.path,
            Reference::Archive(archive) => &archive.path,
            Reference::Registry(_) => unreachable!(),
        };
        assert_eq!(found, &directory.path().join(path));
        assert_eq!(reference.tag(), tag);
    }
}

/// A name of a registry that the grammar allows.
fn registry_name() -> impl Strategy<Value = RegistryRef> {
    let host = "([a-zA-Z0-9]{1,8}\\.){1,2}[a-z]{2,4}(:[1-9][0-9]{1,3})?|localhost(:[1-9][0-9]{0,3})?|\\[::[1-9a-f]\\](:5000)?";
    let repository = "[a-z0-9]{1,6}([._]|__|-{1,3})?[a-z0-9]{1,5}(/[a-z0-9]{1,6}){0,3}";
    let tag = "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}";
    (host, repository, proptest::option::of(tag), any::<bool>()).prop_map(
        |(host, repository, tag, has_digest)| RegistryRef {
            host,
            repository,
            digest: (has_digest || tag.is_none()).then(|| DIGEST.parse().unwrap()),
            tag,
        },
    )
}

proptest! {
    #[test]
    fn every_name_in_a_registry_reads_back(name in registry_name()) {
        let reference = Reference::Registry(name);
        prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
    }

    /// Whatever is there on disk, and whatever the text is.
    #[test]
    fn every_name_that_parses_reads_back(
        transport in "oci|oci-archive|docker",
        rest in "(//)?[a-zA-Z0-9:/@._ -]{0,40}(@sha256:[0-9a-f]{64})?",
        there in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let lengths: Vec<usize> = there.iter().map(|at| at.index(rest.len() + 1)).collect();
        let is_there = |_, path: &Path| lengths.contains(&path.as_os_str().len());
        let text = format!("{transport}:{rest}");
        if let Ok(reference) = parse(&text, is_there) {
            let shown = reference.to_string();
            if !matches!(reference, Reference::Registry(_)) {
                prop_assert_eq!(&shown, &text);
            }
            prop_assert_eq!(parse(&shown, is_there).unwrap(), reference);
        }
    }
}

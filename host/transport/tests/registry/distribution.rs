//! Debian's docker-registry and skopeo: what one writes the other reads, digests and all.
//!
//! A test whose tool is not installed passes without having looked, except where `CI=true`.

use std::path::Path;
use std::process::Command;

use lazaret_artifact::{ContentDigest, Descriptor, Relation};
use lazaret_registry::{Access, Distribution, PASSWORD, USER};
use lazaret_transport::{Destination, RegistryOptions, Selection, Source, TransportError};

use super::fixture::*;

/// What skopeo prints; `None` where it is missing.
fn skopeo(arguments: &[&str]) -> Option<Vec<u8>> {
    let output = match Command::new("skopeo").args(arguments).output() {
        Ok(output) => output,
        Err(_) => {
            assert!(
                std::env::var_os("CI").is_none_or(|value| value != "true"),
                "skopeo is missing"
            );
            return None;
        }
    };
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

/// A registry of each kind, what it takes to speak to it, and what it takes skopeo.
fn registries() -> Vec<(Distribution, RegistryOptions, Vec<String>)> {
    let mut found = Vec::new();
    for access in [Access::Plain, Access::Secured] {
        let Some(registry) = Distribution::start(&access).unwrap() else {
            continue;
        };
        let mut options = RegistryOptions {
            retries: 1,
            auth_file: Some("/dev/null".into()),
            ..RegistryOptions::default()
        };
        let mut more = vec!["--tls-verify=false".to_owned()];
        if let Some(authority) = registry.authority() {
            options.ca_files = vec![authority.ca()];
            options.credentials = Some((USER.to_owned(), PASSWORD.to_owned()));
            more = vec![
                format!("--cert-dir={}", authority.trusted().display()),
                format!("--creds={USER}:{PASSWORD}"),
            ];
        }
        found.push((registry, options, more));
    }
    found
}

fn image_config(architecture: &str) -> Vec<u8> {
    format!(r#"{{"architecture":"{architecture}","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}},"config":{{}}}}"#)
        .into_bytes()
}

fn image(config: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[]}}"#,
        ContentDigest::sha256(config),
        config.len()
    )
    .into_bytes()
}

type Described = Vec<(Descriptor, Vec<u8>)>;

/// An index of two images and an artifact; every blob and document with its descriptor, the
/// index last.
fn contents() -> (Described, Described) {
    let content = noise(3_000_000);
    let mut blobs = vec![
        (blob(&content), content.clone()),
        (descriptor(EMPTY, b"{}"), b"{}".to_vec()),
    ];
    let mut documents = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = image_config(architecture);
        let manifest = image(&config);
        blobs.push((blob(&config), config));
        documents.push((descriptor(MANIFEST, &manifest), manifest));
    }
    let artifact = artifact("text/x", &blob(&content), None);
    documents.push((descriptor(MANIFEST, &artifact), artifact));
    let entries: Vec<Descriptor> = documents
        .iter()
        .map(|(descriptor, _)| descriptor.clone())
        .collect();
    let list = index(&entries);
    documents.push((descriptor(INDEX, &list), list));
    (blobs, documents)
}

fn push(destination: &Destination, tag: &str) -> Descriptor {
    let (blobs, documents) = contents();
    for (descriptor, bytes) in &blobs {
        assert!(!destination.has_blob(descriptor).unwrap());
        put(destination, descriptor, bytes).unwrap();
        assert!(destination.has_blob(descriptor).unwrap());
    }
    let (root, rest) = documents.split_last().unwrap();
    for (descriptor, bytes) in rest {
        destination
            .put_document(descriptor, bytes, None, None)
            .unwrap();
    }
    destination
        .put_document(&root.0, &root.1, None, Some(tag))
        .unwrap();
    root.0.clone()
}

#[test]
fn skopeo_reads_what_was_pushed_here() {
    for (registry, options, more) in registries() {
        let reference = reference(&registry.host(), Some("v1"));
        let destination = Destination::open(&reference, &options).unwrap();
        let root = push(&destination, "v1");
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let name = reference.to_string();
        let raw = skopeo(&[&["inspect", "--raw"], &more[..], &[&name]].concat());
        let Some(raw) = raw else { return };
        assert_eq!(ContentDigest::sha256(&raw), root.digest);
    }
}

#[test]
fn what_skopeo_pushed_is_read_here() {
    let directory = tempfile::tempdir().unwrap();
    let layout = directory.path().join("layout");
    write_layout(&layout);
    let from = format!("oci:{}:all", layout.display());
    for (registry, options, more) in registries() {
        let reference = reference(&registry.host(), Some("all"));
        let to = reference.to_string();
        let more: Vec<String> = more.iter().map(|o| o.replace("--", "--dest-")).collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        // Skopeo 1.9 does not copy artifacts.
        if skopeo(&[&["copy", "--all"], &more[..], &[&from, &to]].concat()).is_none() {
            return;
        }
        let source = Source::open(&reference, &options).unwrap();
        assert_eq!(source.tags().unwrap(), ["all"]);
        let resolved = source.resolve(&Selection::All).unwrap();
        let local = Source::open(&from.parse().unwrap(), &options).unwrap();
        let expected = local.resolve(&Selection::All).unwrap();
        assert_eq!(resolved.root.digest, expected.root.digest);
        assert_eq!(resolved.indexes[0].bytes, expected.indexes[0].bytes);
        assert_eq!(resolved.manifests.len(), 2);
        for (found, expected) in resolved.manifests.iter().zip(&expected.manifests) {
            assert_eq!(found.bytes, expected.bytes);
            assert_eq!(found.config, expected.config);
        }
    }
}

/// A layout with the two images of [`contents`] in an index, tagged `all`.
fn write_layout(path: &Path) {
    let blobs = path.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let write = |bytes: &[u8]| {
        let digest = ContentDigest::sha256(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
    };
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = image_config(architecture);
        let manifest = image(&config);
        write(&config);
        write(&manifest);
        entries.push(descriptor(MANIFEST, &manifest));
    }
    let list = index(&entries);
    write(&list);
    let top = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{INDEX}","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"all"}}}}]}}"#,
        ContentDigest::sha256(&list),
        list.len()
    );
    std::fs::write(path.join("index.json"), top).unwrap();
    std::fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

#[test]
fn what_was_pushed_here_is_read_here() {
    for (registry, options, _) in registries() {
        let reference = reference(&registry.host(), Some("v1"));
        let root = push(&Destination::open(&reference, &options).unwrap(), "v1");
        let source = Source::open(&reference, &options).unwrap();
        let resolved = source.resolve(&Selection::All).unwrap();
        assert_eq!(resolved.root.digest, root.digest);
        assert_eq!(resolved.manifests.len(), 3);
        let (blobs, _) = contents();
        for (descriptor, bytes) in &blobs {
            assert_eq!(&read(&source, descriptor).unwrap(), bytes);
        }
    }
}

#[test]
fn referrers_are_kept_under_the_fallback_tag() {
    for (registry, options, _) in registries() {
        let reference = reference(&registry.host(), Some("v1"));
        let destination = Destination::open(&reference, &options).unwrap();
        let root = push(&destination, "v1");
        let (blobs, _) = contents();
        let mut expected = Vec::new();
        for kind in ["text/one", "text/two"] {
            let referrer = artifact(kind, &blobs[0].0, Some(&root));
            let referrer_descriptor = descriptor(MANIFEST, &referrer);
            destination
                .put_document(&referrer_descriptor, &referrer, Some(&root.digest), None)
                .unwrap();
            expected.push((referrer_descriptor.digest, Relation::Subject));
        }
        expected.sort();
        let source = Source::open(&reference, &options).unwrap();
        let found: Vec<_> = source
            .referrers(&root.digest)
            .unwrap()
            .into_iter()
            .map(|referrer| (referrer.descriptor.digest, referrer.relation))
            .collect();
        assert_eq!(found, expected);
        let tag = format!("sha256-{}", root.digest.hex());
        assert_eq!(source.tags().unwrap(), [tag, "v1".to_owned()]);
    }
}

#[test]
fn a_blob_is_mounted_from_another_repository() {
    for (registry, options, _) in registries() {
        let first = reference(&registry.host(), Some("v1"));
        push(&Destination::open(&first, &options).unwrap(), "v1");
        let second = format!("docker://{}/another/place:v1", registry.host());
        let destination = Destination::open(&second.parse().unwrap(), &options).unwrap();
        let (blobs, _) = contents();
        assert!(!destination.has_blob(&blobs[0].0).unwrap());
        assert!(destination.mount_blob(&blobs[0].0, NAME).unwrap());
        assert!(destination.has_blob(&blobs[0].0).unwrap());
        assert!(!destination.mount_blob(&blob(b"absent"), NAME).unwrap());
    }
}

#[test]
fn certificates_and_passwords_are_checked() {
    let Some(registry) = Distribution::start(&Access::Secured).unwrap() else {
        return;
    };
    let authority = registry.authority().unwrap();
    let good = RegistryOptions {
        ca_files: vec![authority.ca()],
        credentials: Some((USER.to_owned(), PASSWORD.to_owned())),
        auth_file: Some("/dev/null".into()),
        retries: 1,
        ..RegistryOptions::default()
    };
    let reference = reference(&registry.host(), Some("v1"));
    let resolve = |options: RegistryOptions| {
        let source = Source::open(&reference, &options)?;
        source.resolve(&Selection::All).map(drop)
    };
    let host = registry.host();
    for (options, expected) in [
        (good.clone(), format!("{host} has no manifest {NAME}:v1")),
        (
            RegistryOptions {
                ca_files: Vec::new(),
                ..good.clone()
            },
            format!("{host} cannot be trusted: invalid peer certificate: UnknownIssuer"),
        ),
        (
            RegistryOptions {
                ca_files: Vec::new(),
                tls_verify: false,
                ..good.clone()
            },
            format!("{host} has no manifest {NAME}:v1"),
        ),
        (
            RegistryOptions {
                credentials: Some((USER.to_owned(), "hunter2".to_owned())),
                ..good.clone()
            },
            format!("{host} refused access to manifest {NAME}:v1 with the given credentials"),
        ),
        (
            RegistryOptions {
                credentials: None,
                ..good.clone()
            },
            format!("{host} refused access to manifest {NAME}:v1 without credentials"),
        ),
        (
            RegistryOptions {
                plain_http: true,
                ..good
            },
            format!("{host} refused GET of manifest {NAME}:v1: 400: Client sent an HTTP request"),
        ),
    ] {
        let error: TransportError = resolve(options).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&expected), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let Some(registry) = Distribution::start(&Access::Secured).unwrap() else {
        return;
    };
    let options = RegistryOptions {
        ca_files: vec![registry.authority().unwrap().ca()],
        ..RegistryOptions::default()
    };
    let host = registry.host().replace("127.0.0.1", "127.0.0.2");
    let listening = std::net::TcpStream::connect(&host).is_ok();
    // The registry listens on one address only; something has to lead there.
    assert!(!listening);
    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = registry.host();
    std::thread::spawn(move || {
        while let Ok((from, _)) = listener.accept() {
            let to = std::net::TcpStream::connect(&target).unwrap();
            let (mut a, mut b) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (mut c, mut d) = (from, to);
            std::thread::spawn(move || std::io::copy(&mut a, &mut b));
            std::thread::spawn(move || std::io::copy(&mut d, &mut c));
        }
    });
    let reference = reference(&format!("127.0.0.2:{port}"), Some("v1"));
    let source = Source::open(&reference, &options).unwrap();
    let error = source.resolve(&Selection::Best).unwrap_err();
    assert!(matches!(error, TransportError::Tls { .. }), "{error}");
}

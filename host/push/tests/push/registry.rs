//! To registries on loopback: Debian's docker-registry, and one of the tests' own that counts
//! requests.

use lazaret_artifact::{ContentDigest, CosignKind, Relation};
use lazaret_layouts::Compression;
use lazaret_push::{PushError, PushOptions, Recompress};
use lazaret_registry::{Access, Behaviour, Distribution, Fault, Misdeed, PASSWORD, Registry, USER};
use serde_json::Value;

use crate::fixture::{Came, Fixture, all, here, tar, with_referrers};
use crate::shelf::digest_of;
use crate::tools::{run, tool};

const KEPT: Came = Came::Kept(Compression::Gzip);
const GONE: Came = Came::Unpacked(Compression::Gzip);

/// A multi-platform image with an attestation, a signature two ways and an artifact about it.
fn goods() -> (Fixture, [Value; 4]) {
    let mut fixture = Fixture::new();
    let (shared, own) = (tar(1, 300_000), tar(2, 5000));
    let native = fixture.image(&here(), &[(&shared, Came::Plain), (&own, KEPT)]);
    let other = fixture.image("plan9/mips", &[(&shared, Came::Plain)]);
    let attestation = fixture.attestation(&native);
    let root = fixture.index(&[native.clone(), other, attestation]);
    let signature = fixture.artifact(&[b"signature"], Some(&root));
    let cosign = fixture.artifact(&[b"cosign"], None);
    fixture.refers(&cosign, &root, Relation::Cosign(CosignKind::Signature));
    fixture.commit(&[("a", &root)]);
    (fixture, [root, native, signature, cosign])
}

#[test]
fn skopeo_gets_from_docker_registry_what_was_pushed() {
    if tool("skopeo").is_none() {
        return;
    }
    for access in [Access::Plain, Access::Secured] {
        let Some(distribution) = Distribution::start(&access).unwrap() else {
            return;
        };
        let (fixture, [root, native, signature, cosign]) = goods();
        let mut options = with_referrers();
        let skopeo = match distribution.authority() {
            None => vec!["--tls-verify=false".to_owned()],
            Some(authority) => {
                options.registry.ca_files = vec![authority.ca()];
                options.registry.credentials = Some((USER.to_owned(), PASSWORD.to_owned()));
                vec![
                    format!("--cert-dir={}", authority.trusted().display()),
                    format!("--creds={USER}:{PASSWORD}"),
                ]
            }
        };
        let name = format!("docker://{}/shop/all:1", distribution.host());
        let pushed = fixture.push("a", &name, &options).unwrap();
        assert_eq!(pushed.tag.as_deref(), Some("1"));
        assert_eq!(
            (pushed.manifests, pushed.indexes, pushed.referrers),
            (3, 1, 2)
        );
        let raw = |tag: &str| {
            let name = format!("docker://{}/shop/all{tag}", distribution.host());
            let mut command = tool("skopeo").unwrap();
            command.arg("inspect").arg("--raw").args(&skopeo);
            run(command, &[&name])
        };
        assert!(raw(":1") == fixture.shelf.bytes[&digest_of(&root)]);
        let native = digest_of(&native);
        assert!(raw(&format!("@{native}")) == fixture.shelf.bytes[&native]);
        let tag = CosignKind::Signature.tag(&digest_of(&root));
        assert!(raw(&format!(":{tag}")) == fixture.shelf.bytes[&digest_of(&cosign)]);
        // It has no referrers API: the list is under the fallback tag.
        let fallback = lazaret_artifact::referrer::fallback_tag(&digest_of(&root));
        let list: Value = serde_json::from_slice(&raw(&format!(":{fallback}"))).unwrap();
        assert_eq!(digest_of(&list["manifests"][0]), digest_of(&signature));
        assert_eq!(list["manifests"].as_array().unwrap().len(), 1);

        let copy = fixture.path("copy");
        let mut command = tool("skopeo").unwrap();
        command.args(["copy", "-q", "--all", "--preserve-digests"]);
        command.args(skopeo.iter().map(|option| option.replace("--", "--src-")));
        run(command, &[&name, &format!("oci:{}:a", copy.display())]);
        let mut copied = crate::shelf::blobs(&copy);
        copied.retain(|digest, _| fixture.shelf.bytes.contains_key(digest));
        assert_eq!(copied, fixture.shelf.below(&digest_of(&root)));

        // A second time nothing travels but names.
        let again = fixture.push("a", &name, &options).unwrap();
        assert_eq!(
            (again.blobs_sent, again.blobs_present),
            (0, pushed.blobs_sent)
        );
    }
}

#[test]
fn a_registry_with_referrers_has_no_need_of_a_fallback() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let (fixture, [root, _, signature, _]) = goods();
    let name = format!("docker://{}/shop/all:1", registry.host());
    fixture.push("a", &name, &with_referrers()).unwrap();
    let found = registry.repository("shop/all");
    let subject = digest_of(&root).to_string();
    let referrers = found.referrers(&subject);
    assert_eq!(referrers.len(), 1);
    assert_eq!(digest_of(&referrers[0]), digest_of(&signature));
    let tag = CosignKind::Signature.tag(&digest_of(&root)).to_string();
    let mut tags: Vec<&String> = found.tags.keys().collect();
    tags.sort();
    assert_eq!(tags, ["1", &tag]);
    for (digest, blob) in &found.blobs {
        assert!(**blob == fixture.shelf.bytes[&digest.parse::<ContentDigest>().unwrap()]);
    }
    let bodies: u64 = registry
        .log()
        .iter()
        .map(|request| request.body_length)
        .sum();
    registry.clear_log();
    fixture.push("a", &name, &with_referrers()).unwrap();
    assert_eq!(registry.count("POST", "*"), 0, "no upload is begun");
    let again: u64 = registry
        .log()
        .iter()
        .map(|request| request.body_length)
        .sum();
    assert!(again < 10_000 && bodies > 300_000, "{bodies}, then {again}");
}

#[test]
fn a_blob_of_another_repository_there_is_mounted() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let (fixture, [root, ..]) = goods();
    let from = format!("{}/shop/all:1", registry.host());
    fixture
        .push("a", &format!("docker://{from}"), &all())
        .unwrap();
    let to = format!("docker://{}/other/place:1", registry.host());
    lazaret_graph::tag(
        &fixture.repository,
        &"a".parse().unwrap(),
        &from.parse().unwrap(),
    )
    .unwrap();
    registry.clear_log();
    let pushed = fixture.push("a", &to, &all()).unwrap();
    assert_eq!((pushed.blobs_sent, pushed.blobs_present), (0, 0));
    assert_eq!(
        pushed.blobs_mounted as usize,
        fixture_blobs(&fixture, &root)
    );
    assert_eq!(registry.count("PATCH", "*"), 0);

    // What is gone here need not be sent either.
    let mut lacking = Fixture::new();
    let (shared, own) = (tar(1, 300_000), tar(2, 5000));
    let native = lacking.image(&here(), &[(&shared, Came::Plain), (&own, GONE)]);
    lacking.commit(&[("n", &native), (&from, &native)]);
    let to = format!("docker://{}/third/place:1", registry.host());
    let pushed = lacking.push("n", &to, &all()).unwrap();
    assert_eq!((pushed.blobs_sent, pushed.blobs_mounted), (0, 3));

    // A registry that does not lend gets them.
    registry.behave(|behaviour| behaviour.mount = false);
    let to = format!("docker://{}/fourth/place:1", registry.host());
    let pushed = fixture.push("a", &to, &all()).unwrap();
    assert_eq!(pushed.blobs_mounted, 0);
    assert_eq!(pushed.blobs_sent as usize, fixture_blobs(&fixture, &root));
}

#[test]
fn a_blob_is_read_again_when_its_upload_breaks() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    registry.fault(Fault::new("P*", "*/blobs/uploads/*", Misdeed::HangUpAfter(1000)).after(1));
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 3_000_000), Came::Plain)]);
    fixture.commit(&[("a", &image)]);
    let name = format!("docker://{}/x:1", registry.host());
    fixture.push("a", &name, &all()).unwrap();
    assert_eq!(registry.faults_seen(), 1);
    let found = registry.repository("x");
    assert_eq!(found.tags["1"], digest_of(&image).to_string());
    for (digest, blob) in &found.blobs {
        assert!(**blob == fixture.shelf.bytes[&digest.parse::<ContentDigest>().unwrap()]);
    }
}

#[test]
fn what_a_registry_does_not_take_gets_no_name() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let (fixture, [root, ..]) = goods();
    registry.fault(Fault::new("PUT", "/v2/x/manifests/1", Misdeed::Status(400)).always());
    let name = format!("docker://{}/x:1", registry.host());
    let error = fixture.push("a", &name, &all()).unwrap_err();
    assert!(!error.is_damage() && !error.is_usage(), "{error}");
    assert_eq!(
        error.to_string(),
        format!("cannot send index {}", digest_of(&root))
    );
    assert!(registry.repository("x").tags.is_empty());
    // When it does, what went before need not go again.
    registry.mend();
    let pushed = fixture.push("a", &name, &all()).unwrap();
    assert_eq!(pushed.blobs_sent, 0);
}

/// Blobs, documents not counted, that `root` needs.
fn fixture_blobs(fixture: &Fixture, root: &Value) -> usize {
    let below = fixture.shelf.below(&digest_of(root));
    let documents = below.values().filter(|bytes| {
        let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
        document.get("schemaVersion").is_some()
    });
    below.len() - documents.count()
}

#[test]
fn by_digest_alone_nothing_is_tagged() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let mut fixture = Fixture::new();
    let artifact = fixture.artifact(&[b"content"], None);
    fixture.commit(&[("a", &artifact)]);
    let digest = digest_of(&artifact);
    let name = format!("docker://{}/x@{digest}", registry.host());
    let pushed = fixture.push("a", &name, &PushOptions::default()).unwrap();
    assert_eq!((pushed.root, pushed.tag), (digest, None));
    let found = registry.repository("x");
    assert!(found.tags.is_empty());
    assert!(found.manifests.contains_key(&digest.to_string()));
    let empty = ContentDigest::sha256(b"{}").to_string();
    assert!(found.blobs.contains_key(&empty));
}

#[test]
fn a_digest_that_the_destination_names_has_to_be_the_one_that_is_sent() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 900), GONE)]);
    let artifact = fixture.artifact(&[b"content"], None);
    fixture.commit(&[("a", &artifact), ("image", &image)]);
    let at = |digest: ContentDigest| format!("docker://{}/x@{digest}", registry.host());
    let error = fixture
        .push("a", &at(digest_of(&image)), &all())
        .unwrap_err();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        format!(
            "the destination is for {}, not {}",
            digest_of(&image),
            digest_of(&artifact)
        )
    );
    let options = PushOptions {
        recompress: Some(Recompress::GZIP),
        ..all()
    };
    let wanted = digest_of(&image);
    let error = fixture.push("image", &at(wanted), &options).unwrap_err();
    assert!(matches!(error, PushError::FixedDigest { wanted: found } if found == wanted));
    assert!(error.is_usage());
    assert_eq!(registry.count("POST", "*"), 0);
}

#[test]
fn recompressed_layers_are_there_the_second_time() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 200_000), GONE)]);
    fixture.commit(&[("a", &image)]);
    let name = format!("docker://{}/x:1", registry.host());
    let options = PushOptions {
        recompress: Some(Recompress::ZSTD),
        ..all()
    };
    let first = fixture.push("a", &name, &options).unwrap();
    assert_eq!(first.renamed.len(), 2);
    assert_eq!((first.blobs_sent, first.blobs_present), (2, 0));
    let second = fixture.push("a", &name, &options).unwrap();
    assert_eq!((second.blobs_sent, second.blobs_present), (0, 2));
    assert_eq!(second.renamed, first.renamed);
}

//! Indexes: what is stored of them, and the way through them.

use lazaret_artifact::{ContentDigest, Platform, Relation};
use lazaret_graph::images::{Details, resolve};
use lazaret_graph::names::{Stream, child_key};
use lazaret_graph::{
    GraphError, Kind, Name, ReferrerCommit, list, load, load_index, load_platform,
};
use lazaret_store::ContentType;
use serde_json::json;

use crate::fixture::{Fixture, Parts, Whole, chain, entry, index, index_entry};

fn digest(bytes: &[u8]) -> ContentDigest {
    ContentDigest::sha256(bytes)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn platform(text: &str) -> Platform {
    text.parse().unwrap()
}

/// The keys of the named refs of an index's stream.
fn keys(fixture: &Fixture, index: &[u8]) -> Vec<String> {
    let repository = &fixture.repository;
    let name = Stream::Index(digest(index)).name();
    let stream = repository.resolve_stream(&name).unwrap().unwrap();
    let (_, refs) = repository
        .single_object(&stream, ContentType::INDEX)
        .unwrap();
    for (key, child) in &refs {
        let child_digest = key.strip_prefix("manifest:").unwrap().parse().unwrap();
        let linked = [Stream::Manifest(child_digest), Stream::Index(child_digest)]
            .iter()
            .find_map(|name| repository.resolve_stream(&name.name()).unwrap());
        assert_eq!(linked, Some(*child), "{key}");
    }
    refs.into_keys().collect()
}

fn images(fixture: &Fixture) -> [Parts; 2] {
    let shared = fixture.layer(&[("shared", b"shared")]);
    ["amd64", "arm64"].map(|architecture| fixture.image_for(architecture, &[shared]))
}

#[test]
fn an_index_refers_to_those_of_its_children_that_are_stored() {
    let fixture = Fixture::new();
    let [amd64, arm64] = images(&fixture);
    let bytes = index(&[
        entry(&amd64.manifest, Some("linux/amd64")),
        entry(&arm64.manifest, Some("linux/arm64")),
        entry(b"somewhere else", Some("linux/s390x")),
    ]);
    let of = |parts: &Parts| child_key(&parts.digest());
    let commit = |manifests: &[&Parts]| {
        let whole = Whole {
            manifests,
            indexes: &[&bytes],
            tags: &[("multi", digest(&bytes))],
            ..Whole::default()
        };
        whole.run(&fixture).unwrap()
    };
    commit(&[&amd64]);
    assert_eq!(keys(&fixture, &bytes), [of(&amd64)]);
    // What was there stays.
    let committed = commit(&[&arm64]);
    let mut both = [of(&amd64), of(&arm64)];
    both.sort();
    assert_eq!(keys(&fixture, &bytes), both);
    let name = Stream::Index(digest(&bytes));
    let last = (name, committed.stream(name).unwrap());
    assert_eq!(committed.streams.last(), Some(&last));
    // The tag is the index's.
    assert_eq!(
        resolve(&fixture.repository, &self::name("multi")).unwrap(),
        name
    );

    let stored = load_index(&fixture.repository, &digest(&bytes)).unwrap();
    assert_eq!(stored.bytes, bytes);
    assert_eq!(stored.index.digest, digest(&bytes));
    assert_eq!(stored.stream, last.1);
    let children: Vec<(ContentDigest, bool)> = stored
        .children
        .iter()
        .map(|child| (child.descriptor.digest, child.stored))
        .collect();
    assert_eq!(
        children,
        [
            (amd64.digest(), true),
            (arm64.digest(), true),
            (digest(b"somewhere else"), false)
        ]
    );
    let tags: Vec<String> = stored.tags.iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["multi"]);
}

/// What an index lists is found through it, however it came, and lives with it.
#[test]
fn what_comes_alone_later_belongs_to_the_indexes_that_list_it() {
    let fixture = Fixture::new();
    let [amd64, arm64] = images(&fixture);
    let attestation = fixture.artifact(&[(fixture.blob(b"statement"), b"statement")]);
    let mut attesting = entry(&attestation.manifest, Some("unknown/unknown"));
    attesting["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": arm64.digest().to_string(),
    });
    let inner = index(&[
        entry(&amd64.manifest, Some("linux/amd64")),
        entry(&arm64.manifest, Some("linux/arm64")),
        attesting,
    ]);
    let outer = index(&[index_entry(&inner)]);
    let first = Whole {
        manifests: &[&amd64],
        indexes: &[&outer, &inner],
        tags: &[("outer", digest(&outer))],
        ..Whole::default()
    };
    first.run(&fixture).unwrap();
    for later in [&arm64, &attestation] {
        fixture.commit(later, &["later"]);
    }
    lazaret_graph::untag(&fixture.repository, &"later".parse().unwrap()).unwrap();
    let of = |parts: &Parts| child_key(&parts.digest());
    let mut all = [of(&amd64), of(&arm64), of(&attestation)];
    all.sort();
    assert_eq!(keys(&fixture, &inner), all);
    let rows = lazaret_graph::referrers(&fixture.repository, &arm64.digest()).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.digest, row.relation)).collect();
    assert_eq!(found, [(attestation.digest(), Relation::Attestation)]);

    let plan = crate::gc::collect(&fixture.repository).unwrap();
    let gone: Vec<&str> = plan.streams.iter().map(|name| name.as_str()).collect();
    assert_eq!(gone, [""; 0]);
    let image = load_platform(
        &fixture.repository,
        &name("outer"),
        Some(&platform("linux/arm64")),
    );
    assert_eq!(image.unwrap().manifest.digest, arm64.digest());
}

/// As an older program may have left it: the stream of the index does not refer to what it lists.
#[test]
fn what_an_index_lists_outlives_a_collection_without_being_referred_to() {
    let fixture = Fixture::new();
    let [amd64, arm64] = images(&fixture);
    let bytes = index(&[
        entry(&amd64.manifest, Some("linux/amd64")),
        entry(&arm64.manifest, Some("linux/arm64")),
    ]);
    let both = Whole {
        manifests: &[&amd64, &arm64],
        indexes: &[&bytes],
        tags: &[("multi", digest(&bytes))],
        ..Whole::default()
    };
    both.run(&fixture).unwrap();
    let object = fixture.repository.put(&bytes).unwrap();
    let mut writer = fixture
        .repository
        .stream_writer(ContentType::INDEX)
        .unwrap();
    writer.object(&object.digest, object.size).unwrap();
    let stream = writer.finish().unwrap().digest;
    let mut transaction = fixture.repository.transaction();
    transaction.link_stream(Stream::Index(digest(&bytes)).name(), stream);
    transaction.commit().unwrap();
    assert_eq!(keys(&fixture, &bytes), [""; 0]);
    crate::gc::collect(&fixture.repository).unwrap();
    for image in [&amd64, &arm64] {
        lazaret_graph::load_manifest(&fixture.repository, &image.digest()).unwrap();
    }
}

/// A registry's list of referrers is a claim, and so is a place in ours.
#[test]
fn what_only_a_list_calls_a_referrer_is_none() {
    let fixture = Fixture::new();
    let [amd64, arm64] = images(&fixture);
    let unfounded = Whole {
        manifests: &[&amd64, &arm64],
        referrers: &[ReferrerCommit {
            subject: amd64.digest(),
            referrer: arm64.digest(),
            relation: Relation::Subject,
        }],
        ..Whole::default()
    };
    unfounded.run(&fixture).unwrap();
    let rows = lazaret_graph::referrers(&fixture.repository, &amd64.digest()).unwrap();
    assert_eq!(rows, []);
}

#[test]
fn what_is_not_what_its_digest_says_is_refused() {
    let fixture = Fixture::new();
    let [amd64, _] = images(&fixture);
    let bytes = index(&[entry(&amd64.manifest, None)]);
    let whole = Whole {
        manifests: &[&amd64],
        indexes: &[&bytes],
        ..Whole::default()
    };
    let error = whole.with(|commit| {
        let mut mixed_up = commit.indexes.to_vec();
        mixed_up[0].bytes = b"{}";
        let mut commit = *commit;
        commit.indexes = &mixed_up;
        commit.run(&fixture.repository).unwrap_err()
    });
    assert!(error.is_input_fault());
    assert_eq!(
        chain(&error),
        format!(
            "{0}: index digest mismatch: expected {0}, found {1}",
            digest(&bytes),
            digest(b"{}")
        )
    );
    let tags = [("x", digest(b"nothing"))];
    let whole = Whole {
        tags: &tags,
        ..whole
    };
    let error = whole.run(&fixture).unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(fixture.repository.streams().unwrap(), []);
}

#[test]
fn a_name_of_an_index_stands_for_the_image_of_a_platform() {
    let host = Platform::host();
    let fixture = Fixture::new();
    let shared = fixture.layer(&[("shared", b"shared")]);
    let own = fixture.image_for(&host.architecture, &[shared]);
    let other = fixture.image_for("sparc64", &[shared]);
    let attestation = fixture.artifact(&[(fixture.blob(b"{}"), b"{}")]);
    let mut attached = entry(&attestation.manifest, Some("unknown/unknown"));
    attached["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": own.digest()});
    let host_text = host.to_string();
    let bytes = index(&[
        attached,
        entry(&other.manifest, Some("linux/sparc64")),
        entry(&own.manifest, Some(&host_text)),
        entry(b"not stored", Some("linux/m68k")),
    ]);
    let nested = index(&[index_entry(&bytes)]);
    // Nothing says what they are for but their configs.
    let silent = index(&[entry(&other.manifest, None), entry(&own.manifest, None)]);
    let only = index(&[entry(&other.manifest, Some("linux/sparc64"))]);
    let empty = index(&[entry(b"not stored", Some("linux/m68k"))]);
    let all = [&bytes, &nested, &silent, &only, &empty].map(|bytes| bytes.as_slice());
    Whole {
        manifests: &[&own, &other, &attestation],
        indexes: &all,
        tags: &[
            ("index", digest(&bytes)),
            ("nested", digest(&nested)),
            ("silent", digest(&silent)),
            ("only", digest(&only)),
            ("empty", digest(&empty)),
        ],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let repository = &fixture.repository;
    let sparc64 = platform("linux/sparc64");
    for (tag, bytes) in [("index", &bytes), ("nested", &nested), ("silent", &silent)] {
        let image = load(repository, &name(tag)).unwrap();
        assert_eq!(image.manifest.digest, own.digest(), "{tag}");
        assert_eq!(image.index, Some(digest(bytes)));
        assert_eq!(image.tags, [tag.parse().unwrap()]);
        let image = load_platform(repository, &name(tag), Some(&sparc64)).unwrap();
        assert_eq!(image.manifest.digest, other.digest(), "{tag}");
    }
    // The only one that is stored will do, unless something else is asked for.
    let image = load(repository, &name("only")).unwrap();
    assert_eq!(image.manifest.digest, other.digest());
    let direct = name(&format!("@{}", other.digest()));
    let m68k = platform("linux/m68k");
    for (name, digest, stored) in [
        (
            &name("index"),
            digest(&bytes),
            format!("only for {host}, linux/sparc64"),
        ),
        (
            &name("only"),
            digest(&only),
            "only for linux/sparc64".to_owned(),
        ),
        (
            &name("empty"),
            digest(&empty),
            "nor for any other platform".to_owned(),
        ),
        (&direct, other.digest(), "only for linux/sparc64".to_owned()),
    ] {
        let error = load_platform(repository, name, Some(&m68k)).unwrap_err();
        assert!(error.is_not_found());
        let expected = format!("{digest} has nothing stored for linux/m68k, {stored}");
        assert_eq!(error.to_string(), expected);
    }
    let error = load(repository, &name("empty")).unwrap_err();
    assert!(matches!(error, GraphError::NoPlatform { .. }));
    assert_eq!(
        load_platform(repository, &direct, Some(&sparc64))
            .unwrap()
            .index,
        None
    );
}

#[test]
fn a_layer_that_changes_is_followed_up_to_the_outermost_index() {
    let fixture = Fixture::new();
    let files: [(&str, &[u8]); 1] = [("shared", &[b's'; 3000])];
    let whole = fixture.layer_cut_at(&files, 10_000);
    let image = fixture.image_for("amd64", &[whole]);
    let inner = index(&[entry(&image.manifest, Some("linux/amd64"))]);
    let outer = index(&[index_entry(&inner)]);
    let outermost = index(&[index_entry(&outer), index_entry(&inner)]);
    Whole {
        manifests: &[&image],
        // Children may come before parents, too.
        indexes: &[&outer, &inner, &outermost],
        tags: &[("outermost", digest(&outermost))],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let cut = fixture.layer_cut_at(&files, 64);
    let done = fixture.commit(&fixture.image_for("arm64", &[cut]), &["other"]);
    let mut rewritten = done.rewritten;
    rewritten.sort();
    let mut expected = vec![
        Stream::Manifest(image.digest()),
        Stream::Index(digest(&inner)),
        Stream::Index(digest(&outer)),
        Stream::Index(digest(&outermost)),
        Stream::Config(image.parsed().config.digest),
    ];
    expected.sort();
    assert_eq!(rewritten, expected);
    assert_eq!(keys(&fixture, &inner), [child_key(&image.digest())]);
    assert_eq!(keys(&fixture, &outer), [child_key(&digest(&inner))]);
    assert_eq!(keys(&fixture, &outermost).len(), 2);
    let loaded = load(&fixture.repository, &name("outermost")).unwrap();
    assert_eq!(loaded.layers[0].stream, cut.stream);
}

#[test]
fn an_index_under_a_sha512_digest_is_found_by_it() {
    let fixture = Fixture::new();
    let [amd64, _] = images(&fixture);
    let bytes = index(&[entry(&amd64.manifest, Some("linux/amd64"))]);
    let long: ContentDigest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
    let long = long.of_same_kind(&bytes);
    let manifest_long = long.of_same_kind(&amd64.manifest);
    Whole {
        manifests: &[&amd64],
        indexes: &[&bytes],
        ..Whole::default()
    }
    .with(|commit| {
        let mut index = commit.indexes[0].index.clone();
        index.digest = long;
        index.manifests[0].digest = manifest_long;
        let mut manifest = commit.manifests[0].manifest.clone();
        manifest.digest = manifest_long;
        let (mut indexes, mut manifests) = (commit.indexes.to_vec(), commit.manifests.to_vec());
        indexes[0].index = &index;
        manifests[0].manifest = &manifest;
        let commit = lazaret_graph::Commit {
            indexes: &indexes,
            manifests: &manifests,
            tags: &[("long".parse().unwrap(), long)],
            ..*commit
        };
        commit.run(&fixture.repository).unwrap();
    });
    let repository = &fixture.repository;
    let index = load_index(repository, &long).unwrap();
    assert_eq!((index.index.digest, index.bytes), (long, bytes));
    let image = load(repository, &name(&format!("@{manifest_long}"))).unwrap();
    assert_eq!(image.manifest.digest, manifest_long);
    assert_eq!(image.manifest_bytes, amd64.manifest);
}

#[test]
fn the_list_tells_what_is_stored_of_an_index_and_what_is_shared() {
    let fixture = Fixture::new();
    let [amd64, arm64] = images(&fixture);
    let sbom = fixture.about(&amd64.manifest, "application/vnd.test.sbom");
    let bytes = index(&[
        entry(&amd64.manifest, Some("linux/amd64")),
        entry(&arm64.manifest, None),
        entry(b"not stored", Some("linux/s390x")),
    ]);
    let about_index = fixture.about(&bytes, "application/vnd.test.signature");
    Whole {
        manifests: &[&amd64, &arm64, &sbom, &about_index],
        indexes: &[&bytes],
        tags: &[
            ("multi", digest(&bytes)),
            ("multi:again", digest(&bytes)),
            ("single", amd64.digest()),
        ],
        ..Whole::default()
    }
    .run(&fixture)
    .unwrap();
    let rows = list(&fixture.repository).unwrap();
    let tags: Vec<&str> = rows.iter().map(|row| row.tag.as_str()).collect();
    assert_eq!(tags, ["multi", "multi:again", "single"]);
    // Each layer is a header, a padded file and two zero blocks.
    let documents = |parts: &Parts| (parts.manifest.len() + parts.config.len()) as u64;
    let multi = Details {
        kind: Kind::Index,
        artifact_type: None,
        platform: None,
        platforms: vec![platform("linux/amd64"), platform("linux/arm64")],
        created: None,
        size: bytes.len() as u64 + documents(&amd64) + documents(&arm64) + 4 * 2048,
        // The shared layer, in both, and amd64's own.
        shared: 3 * 2048,
        layers: 3,
        stored: 2,
        referrers: 1,
    };
    assert_eq!(*rows[0].details.as_ref().unwrap(), multi);
    assert_eq!(*rows[1].details.as_ref().unwrap(), multi);
    let single = rows[2].details.as_ref().unwrap();
    assert_eq!(single.size, documents(&amd64) + 2 * 2048);
    assert_eq!((single.shared, single.referrers), (2 * 2048, 1));
}

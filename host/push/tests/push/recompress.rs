//! Layers whose compressed bytes are gone, compressed anew: new digests, the same content.

use std::collections::BTreeMap;
use std::io::Read as _;

use lazaret_artifact::{ContentDigest, Index, Manifest};
use lazaret_layouts::Compression;
use lazaret_push::{Event, PushError, PushOptions, Recompress};
use serde_json::{Value, json};

use crate::fixture::{Came, Fixture, all, here, oci, tar};
use crate::shelf::{blobs, digest_of, named};
use crate::tools::{run, tool};

const GONE: Came = Came::Unpacked(Compression::Gzip);
const KEPT: Came = Came::Kept(Compression::Gzip);

fn with(recompress: Recompress) -> PushOptions {
    PushOptions {
        recompress: Some(recompress),
        ..all()
    }
}

fn unpacked(media_type: &str, bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    if media_type.ends_with("gzip") {
        let mut decoder = flate2::read::GzDecoder::new(bytes);
        decoder.read_to_end(&mut found).unwrap();
    } else if media_type.ends_with("zstd") {
        found = zstd::decode_all(bytes).unwrap();
    } else {
        found = bytes.to_vec();
    }
    found
}

#[test]
fn only_what_is_gone_gets_other_digests_and_the_content_stays() {
    let mut fixture = Fixture::new();
    let (plain, kept, gone) = (tar(1, 900), tar(2, 4000), tar(3, 400_000));
    let layers: [(&[u8], Came); 3] = [(&plain, Came::Plain), (&kept, KEPT), (&gone, GONE)];
    let native = fixture.image(&here(), &layers);
    let other = fixture.image("plan9/mips", &[(&kept, KEPT)]);
    let attestation = fixture.attestation(&native);
    let root = fixture.index(&[native.clone(), other.clone(), attestation.clone()]);
    fixture.commit(&[("a", &root)]);
    for (how, suffix) in [
        (Recompress::Zstd(5), "+zstd"),
        (Recompress::Gzip(9), "+gzip"),
    ] {
        let out = fixture.path(suffix);
        let (pushed, events) = fixture.push_seen("a", &oci(&out), &with(how));
        let pushed = pushed.unwrap();
        let found = blobs(&out);
        let old = ContentDigest::sha256(&Compression::Gzip.apply(&gone).unwrap());
        let renamed: BTreeMap<ContentDigest, ContentDigest> =
            pushed.renamed.iter().copied().collect();
        let order: Vec<ContentDigest> = pushed.renamed.iter().map(|(old, _)| *old).collect();
        assert_eq!(order, [old, digest_of(&native), digest_of(&root)]);
        assert_eq!(pushed.root, renamed[&digest_of(&root)]);
        assert_eq!(named(&out), [("a".to_owned(), pushed.root)]);
        let told: Vec<(ContentDigest, ContentDigest)> = events
            .iter()
            .filter_map(|event| match event {
                Event::Renamed { old, new } => Some((*old, *new)),
                _ => None,
            })
            .collect();
        assert_eq!(told, pushed.renamed);

        let index = Index::parse(&found[&pushed.root], None).unwrap();
        let children: Vec<ContentDigest> = index.manifests.iter().map(|m| m.digest).collect();
        let new = renamed[&digest_of(&native)];
        assert_eq!(children, [new, digest_of(&other), digest_of(&attestation)]);
        let about = &index.manifests[2].annotations["vnd.docker.reference.digest"];
        assert_eq!(*about, new.to_string());

        let before = Manifest::parse(&fixture.shelf.bytes[&digest_of(&native)], None).unwrap();
        let after = Manifest::parse(&found[&new], None).unwrap();
        assert_eq!(after.config, before.config);
        assert_eq!(after.layers[..2], before.layers[..2]);
        assert!(after.layers[2].media_type.as_str().ends_with(suffix));
        for (layer, (tar, _)) in after.layers.iter().zip(layers) {
            let bytes = &found[&layer.digest];
            assert_eq!(layer.size, bytes.len() as u64);
            assert!(unpacked(layer.media_type.as_str(), bytes) == tar);
        }
        // All else in the documents is as it was, odd members and white space included.
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let old_text = text(&fixture.shelf.bytes[&digest_of(&native)]);
        let new_text = text(&found[&new]);
        assert!(new_text.starts_with(' ') && new_text.ends_with("\n\n"));
        assert_eq!(
            old_text.matches("x-unknown").count(),
            new_text.matches("x-unknown").count()
        );

        // And once more, to the same bytes: everything is there then.
        let again = fixture.push("a", &oci(&out), &with(how)).unwrap();
        assert_eq!(again.renamed, pushed.renamed);
        assert_eq!(again.blobs_sent, 0);
        assert_eq!(blobs(&out), found);
    }
}

#[test]
fn nothing_changes_when_nothing_is_gone() {
    let mut fixture = Fixture::new();
    let image = fixture.image(
        &here(),
        &[(&tar(1, 900), KEPT), (&tar(2, 900), Came::Plain)],
    );
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let pushed = fixture
        .push("a", &oci(&out), &with(Recompress::ZSTD))
        .unwrap();
    assert_eq!(pushed.renamed, []);
    assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&image)));
}

#[test]
fn docker_layers_become_gzip_and_never_zstd() {
    let mut fixture = Fixture::new();
    let layer = tar(1, 4000);
    let image = fixture.docker_image(&here(), &[(&layer, GONE)]);
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let error = fixture
        .push("a", &oci(&out), &with(Recompress::ZSTD))
        .unwrap_err();
    assert!(error.is_usage());
    let old = ContentDigest::sha256(&Compression::Gzip.apply(&layer).unwrap());
    assert_eq!(
        error.to_string(),
        format!("layer {old}: no zstd form of application/vnd.docker.image.rootfs.diff.tar.gzip")
    );
    assert!(blobs(&out).is_empty());
    let pushed = fixture
        .push("a", &oci(&out), &with(Recompress::Gzip(1)))
        .unwrap();
    let after = Manifest::parse(&blobs(&out)[&pushed.root], None).unwrap();
    assert_eq!(
        after.layers[0].media_type.as_str(),
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    );
    assert!(after.media_type.as_str().contains("docker"));
}

#[test]
fn what_is_sent_with_referrers_is_not_changed() {
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 900), GONE)]);
    fixture.commit(&[("a", &image)]);
    let out = fixture.path("out");
    let options = PushOptions {
        referrers: true,
        ..with(Recompress::GZIP)
    };
    let error = fixture.push("a", &oci(&out), &options).unwrap_err();
    assert!(matches!(error, PushError::RecompressReferrers));
    assert!(!out.exists());
}

#[test]
fn a_layer_that_is_not_its_diff_id_is_damage() {
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 200_000), GONE)]);
    fixture.commit(&[("a", &image)]);
    fixture.lose(&tar(1, 200_000)[512..100_512]);
    let out = fixture.path("out");
    let error = fixture
        .push("a", &oci(&out), &with(Recompress::GZIP))
        .unwrap_err();
    assert!(error.is_damage(), "{error}");
}

#[test]
fn skopeo_unpacks_what_was_compressed_anew() {
    let Some(_) = tool("skopeo") else { return };
    let mut fixture = Fixture::new();
    let image = fixture.image(&here(), &[(&tar(1, 200_000), GONE), (&tar(2, 70), GONE)]);
    fixture.commit(&[("a", &image)]);
    for (name, how) in [("g", Recompress::GZIP), ("z", Recompress::ZSTD)] {
        let out = format!("{}:a", oci(&fixture.path(name)));
        let pushed = fixture.push("a", &out, &with(how)).unwrap();
        let raw = run(tool("skopeo").unwrap(), &["inspect", "--raw", &out]);
        assert_eq!(ContentDigest::sha256(&raw), pushed.root);
        // Decompressing makes skopeo compare every diff_id with the config.
        let copy = fixture.path(&format!("copy-{name}"));
        let copied = format!("dir:{}", copy.display());
        let arguments = ["copy", "-q", "--dest-decompress", &out, &copied];
        run(tool("skopeo").unwrap(), &arguments);
        let manifest = std::fs::read(copy.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let layers = [tar(1, 200_000), tar(2, 70)].map(|tar| json!(ContentDigest::sha256(&tar)));
        for (found, expected) in manifest["layers"].as_array().unwrap().iter().zip(layers) {
            assert_eq!(found["digest"], expected);
        }
    }
}

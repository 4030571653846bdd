//! What is fetched once, what twice, and what not at all.

use lazaret_artifact::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST};
use lazaret_artifact::{Descriptor, ImageConfig, Manifest};

use super::*;

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

fn digest(name: &str) -> ContentDigest {
    ContentDigest::sha256(name.as_bytes())
}

fn descriptor(media_type: &str, name: &str, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.parse().unwrap(),
        digest: digest(name),
        size,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: Default::default(),
    }
}

/// A manifest of layers, each a media type, a name and, in an image, the name of what it holds.
fn document(layers: &[(&str, &str, Option<&str>)]) -> ManifestDocument {
    let diff_ids: Vec<ContentDigest> = layers
        .iter()
        .filter_map(|(_, _, content)| content.map(digest))
        .collect();
    let is_image = !diff_ids.is_empty();
    let config = match is_image {
        true => OCI_CONFIG,
        false => OCI_EMPTY,
    };
    ManifestDocument {
        descriptor: descriptor(OCI_MANIFEST, "manifest", 1),
        bytes: Vec::new(),
        manifest: Manifest {
            digest: digest("manifest"),
            media_type: OCI_MANIFEST.parse().unwrap(),
            artifact_type: None,
            config: descriptor(config, "config", 2),
            layers: layers
                .iter()
                .map(|(media_type, name, _)| descriptor(media_type, name, name.len() as u64))
                .collect(),
            subject: None,
            annotations: Default::default(),
        },
        config: Vec::new(),
        image: is_image.then(|| ImageConfig {
            platform: "linux/amd64".parse().unwrap(),
            created: None,
            diff_ids,
        }),
    }
}

#[test]
fn the_same_layer_of_two_images_is_wanted_once() {
    let plan = Plan::new(&[
        document(&[(GZIP, "a", Some("A")), (GZIP, "b", Some("B"))]),
        document(&[
            (GZIP, "a", Some("A")),
            (TAR, "c", Some("c")),
            (GZIP, "a", Some("A")),
        ]),
    ])
    .unwrap();
    assert_eq!(plan.layers, [vec![0, 1], vec![0, 2, 0]]);
    assert_eq!(plan.bytes(), 3);
    let wrapped: Vec<bool> = plan.wanted.iter().map(Wanted::is_wrapped).collect();
    assert_eq!(wrapped, [true, true, false]);
}

#[test]
fn one_blob_in_two_roles_is_wanted_twice() {
    let plan = Plan::new(&[
        document(&[(TAR, "a", Some("a"))]),
        document(&[(TAR, "a", None)]),
        document(&[(GZIP, "z", Some("A"))]),
        // The same compressed blob, said to hold something else: one of the two is refused later.
        document(&[(GZIP, "z", Some("B"))]),
    ])
    .unwrap();
    assert_eq!(plan.layers, [vec![0], vec![1], vec![2], vec![3]]);
    let contents: Vec<ContentDigest> = plan.wanted.iter().map(Wanted::content).collect();
    assert_eq!(contents, ["a", "a", "A", "B"].map(digest));
}

#[test]
fn two_sizes_of_one_blob_are_refused() {
    let mut other = document(&[(GZIP, "a", Some("A"))]);
    other.manifest.layers[0].size = 2;
    let error = Plan::new(&[document(&[(GZIP, "a", Some("A"))]), other]).unwrap_err();
    let IntakeError::Blob { fault, .. } = &error else {
        panic!("{error}")
    };
    let text = "one document says it has 1 bytes, another 2";
    assert_eq!(fault.to_string(), text);
    assert!(error.is_input_fault());
}

#[test]
fn a_layer_nobody_can_unpack_is_wanted_only_as_it_is() {
    let encrypted = "application/vnd.oci.image.layer.v1.tar+encrypted";
    let plan = Plan::new(&[document(&[(encrypted, "a", Some("a"))])]).unwrap();
    assert_eq!(plan.wanted[0].kind, Kind::Blob);
    assert!(Plan::new(&[document(&[(encrypted, "a", Some("A"))])]).is_err());
}

//! What is rewritten of a manifest or index, and that nothing else is.

use super::*;

const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn old() -> ContentDigest {
    format!("sha256:{HEX}").parse().unwrap()
}

fn new() -> ContentDigest {
    ContentDigest::sha256(b"new")
}

fn renames(compression: Option<Compression>) -> Renames {
    let renamed = Renamed {
        digest: new(),
        size: 77,
        compression,
    };
    Renames::from([(old(), renamed)])
}

#[test]
fn only_descriptors_of_renamed_layers_change() {
    let other = ContentDigest::sha256(b"other");
    let before = format!(
        r#"{{
  "schemaVersion": 2, "x": 1.50, "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "layers": [
    {{ "size": 5, "odd": 123456789012345678901234567890,
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "data": "eA==", "urls": ["u"],
      "annotations": {{ "b": "2", "containerd.io/snapshot/stargz/toc.digest": "x", "a": "1" }},
      "digest": "sha256:{HEX}" }},
    {{ "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": "{other}",
      "size": 6, "annotations": {{ "k":  "v" }}, "data": "eA==" }}
  ],
  "config": {{ "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:{HEX}",
    "size": 2 }}, "é": null
}}
"#
    );
    let from = before.find("{ \"size\": 5").unwrap();
    let to = before.find(",\n    { \"mediaType\"").unwrap();
    let layer = format!(
        "{{\"size\":77,\"odd\":123456789012345678901234567890,\
         \"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\
         \"annotations\":{{\"b\":\"2\",\"a\":\"1\"}},\"digest\":\"{}\"}}",
        new()
    );
    let expected = format!("{}{layer}{}", &before[..from], &before[to..]);
    let after = manifest(before.as_bytes(), &renames(Some(Compression::Zstd))).unwrap();
    assert_eq!(String::from_utf8(after.unwrap()).unwrap(), expected);
    let unconcerned = Renames::from([(new(), renames(None)[&old()])]);
    assert_eq!(manifest(before.as_bytes(), &unconcerned).unwrap(), None);
}

#[test]
fn an_index_follows_its_manifests_and_what_is_said_about_them() {
    let attestation = ContentDigest::sha256(b"attestation");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let before = format!(
        "{{\"schemaVersion\":2,\"manifests\":[ {{\"mediaType\":\"{kind}\",\"size\":9,\
         \"digest\":\"{0}\",\"platform\":{{\"os\":\"linux\",\"architecture\":\"amd64\"}}}},\
         {{\"mediaType\":\"{kind}\",\"digest\":\"{attestation}\",\"size\":3,\"annotations\":\
         {{\"vnd.docker.reference.digest\":\"{0}\",\"vnd.docker.reference.type\":\
         \"attestation-manifest\"}}}}]}}",
        old()
    );
    let after = index(before.as_bytes(), &renames(None)).unwrap().unwrap();
    let expected = before
        .replace(&old().to_string(), &new().to_string())
        .replace("\"size\":9", "\"size\":77");
    assert_eq!(String::from_utf8(after).unwrap(), expected);
}

#[test]
fn the_family_of_a_media_type_stays() {
    let oci = "application/vnd.oci.image.layer.v1.tar";
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let docker = "application/vnd.docker.image.rootfs.diff.tar";
    for (from, to, expected) in [
        (
            format!("{oci}+gzip"),
            Compression::Zstd,
            Some(format!("{oci}+zstd")),
        ),
        (
            format!("{oci}+zstd"),
            Compression::Gzip,
            Some(format!("{oci}+gzip")),
        ),
        (
            oci.to_owned(),
            Compression::Gzip,
            Some(format!("{oci}+gzip")),
        ),
        (
            format!("{oci}+gzip"),
            Compression::None,
            Some(oci.to_owned()),
        ),
        (
            format!("{foreign}+zstd"),
            Compression::Gzip,
            Some(format!("{foreign}+gzip")),
        ),
        (
            format!("{docker}.gzip"),
            Compression::Gzip,
            Some(format!("{docker}.gzip")),
        ),
        (format!("{docker}.gzip"), Compression::Zstd, None),
        ("application/wasm".to_owned(), Compression::Gzip, None),
    ] {
        let found = layer_type(&from.parse().unwrap(), to);
        assert_eq!(found.map(|kind| kind.to_string()), expected, "{from}");
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for bad in ["", "[]", "{\"layers\":{}}", "{\"layers\":[1]}"] {
        assert!(manifest(bad.as_bytes(), &renames(None)).is_err(), "{bad}");
    }
}

//! Names and metadata that strangers give a blob.

use super::*;
use crate::manifest::Manifest;

fn described(media_type: &str) -> Descriptor {
    Descriptor {
        media_type: media_type.parse().unwrap(),
        digest: ContentDigest::sha256(b""),
        size: 0,
        artifact_type: None,
        from: None,
        name: None,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

fn path(descriptor: &Descriptor) -> Option<String> {
    let path = descriptor.file_path()?;
    Some(path.map_or_else(|error| error.to_string(), |path| path.to_string()))
}

#[test]
fn only_a_blob_of_ollama_goes_by_its_member_name() {
    let tensor = Descriptor {
        name: Some("model.layers.0.weight".to_owned()),
        ..described("application/vnd.ollama.image.tensor")
    };
    assert_eq!(path(&tensor).as_deref(), Some("model.layers.0.weight"));
    let other = Descriptor {
        media_type: "application/octet-stream".parse().unwrap(),
        ..tensor.clone()
    };
    assert_eq!(path(&other), None);
    let mut titled = tensor.clone();
    titled.annotations = BTreeMap::from([(FILE_NAMES[1].to_owned(), "a/b".to_owned())]);
    assert_eq!(path(&titled).as_deref(), Some("a/b"));
    let hostile = Descriptor {
        name: Some("../x".to_owned()),
        ..tensor
    };
    assert!(hostile.file_path().unwrap().is_err());
}

#[test]
fn members_of_ollama_are_read_where_they_are_text_and_written_again() {
    let digest = ContentDigest::sha256(b"");
    let of = |extra: &str| {
        let plain = format!(r#""mediaType":"a/b","digest":"{digest}","size":0"#);
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{{plain}}},"layers":[{{{plain}}},{{{plain}{extra}}}]}}"#
        );
        let parsed = Manifest::parse(text.as_bytes(), None);
        parsed.map(|mut manifest| {
            assert_eq!(manifest.layers.len(), 2);
            manifest.layers.remove(1)
        })
    };
    let found = of(r#","from":"llama3","name":"blk.0""#).unwrap();
    assert_eq!(found.from.as_deref(), Some("llama3"));
    assert_eq!(found.name.as_deref(), Some("blk.0"));
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains(r#""from":"llama3","name":"blk.0""#), "{text}");
    let found = of(r#","from":7,"name":{"x":[null]}"#).unwrap();
    assert_eq!((found.from, found.name), (None, None));
    let long = format!(r#","name":"{}""#, "x".repeat(MAX_DESCRIPTOR_TEXT + 1));
    let error = of(&long).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        "member \"name\" of a descriptor has 4097 bytes, more than 4096"
    );
    of(&long.replacen('x', "", 1)).unwrap();
}

#[test]
fn the_newer_prefix_of_metadata_counts_and_a_broken_one_is_named() {
    let metadata = |mode: u32| {
        format!(
            r#"{{"name":"w","mode":{mode},"uid":0,"gid":0,"size":0,"mtime":"2025-01-01T00:00:00Z","typeflag":48}}"#
        )
    };
    let mut blob = described("application/vnd.cncf.model.weight.v1.raw");
    assert!(blob.file_metadata().is_none());
    let mut add = |key: &str, text: String| {
        blob.annotations.insert(key.to_owned(), text);
        blob.file_metadata().unwrap()
    };
    assert_eq!(add(FILE_METADATA[1], metadata(1)).unwrap().mode, 1);
    assert_eq!(add(FILE_METADATA[0], metadata(2)).unwrap().mode, 2);
    let error = add(FILE_METADATA[0], "{}".to_owned()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid annotation org.cncf.model.file.metadata+json"
    );
}

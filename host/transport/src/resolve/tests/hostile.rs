//! Documents that cost the reader more than the writer, were it not for bounds.

use std::sync::atomic::Ordering;

use lazaret_artifact::limits::MAX_DOCUMENT_SIZE;

use super::*;
use crate::reference::Reference;
use crate::registry::RegistryOptions;

/// Four indexes one inside the other, each listing the next `times` times; the last lists `entry`
/// as often.
fn nested(fixture: &Fixture, entry: &Value, times: usize) -> Value {
    let mut entry = entry.clone();
    for _ in 0..MAX_INDEX_DEPTH {
        entry = fixture.index(&vec![entry; times]);
    }
    entry
}

#[test]
fn indexes_that_list_each_other_often_are_gone_through_once() {
    // Each of these would otherwise be a thousand times a thousand times a thousand visits.
    let mut fixture = Fixture::new();
    let bomb = nested(&fixture, &fixture.artifact("x"), 1000);
    let labelled = nested(&fixture, &on(&fixture.image(S390X), S390X), 1000);
    let top = on(&bomb, RISCV);
    fixture.add(&bomb, Some("x"));
    fixture.add(&labelled, Some("labelled"));
    fixture.add(&top, Some("top"));
    let absent = json!({"digest": ContentDigest::sha256(b"nowhere")});
    let source = fixture.open(None, Some(&absent)).unwrap();
    assert!(matches!(
        source.resolve(&Selection::Best).unwrap_err(),
        TransportError::NoSuchDigest { .. }
    ));
    for tag in ["x", "labelled", "top"] {
        let error = fixture.resolve(Some(tag), Some(RISCV)).unwrap_err();
        assert!(
            matches!(error, TransportError::NoPlatform { .. }),
            "{tag}: {error}"
        );
    }
    let source = fixture.open(Some("x"), None).unwrap();
    let all = source.resolve(&Selection::All).unwrap();
    assert_eq!((all.indexes.len(), all.manifests.len()), (4, 1));
}

#[test]
fn an_index_tried_in_a_shallow_place_may_still_be_too_deep_in_another() {
    let mut fixture = Fixture::new();
    let inner = fixture.index(&[on(&fixture.image(S390X), S390X)]);
    let two = fixture.index(std::slice::from_ref(&inner));
    let mut deep = two.clone();
    for _ in 0..2 {
        deep = fixture.index(&[deep]);
    }
    let top = fixture.index(&[two, deep]);
    fixture.add(&top, Some("x"));
    let expected = "indexes inside indexes: 5 is more than the limit of 4";
    assert!(refusal(fixture.resolve(Some("x"), Some(RISCV))).ends_with(expected));
    let absent = json!({"digest": ContentDigest::sha256(b"nowhere")});
    let source = fixture.open(Some("x"), Some(&absent)).unwrap();
    let error = source.resolve(&Selection::Best).unwrap_err();
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn one_manifest_under_many_entries_is_looked_at_once() {
    let mut fixture = Fixture::new();
    // Parsed for each entry, this would be a gigabyte of JSON.
    let layer = fixture.blob("text/plain", b"x");
    let config = fixture.blob("application/vnd.oci.empty.v1+json", b"{}");
    let artifact = fixture.manifest(&json!({
        "config": config, "layers": [layer],
        "padding": "x".repeat(1 << 20),
    }));
    let index = fixture.index(&vec![artifact; 1_000]);
    fixture.add(&index, None);
    let error = fixture.resolve(None, Some(RISCV)).unwrap_err();
    assert!(
        matches!(error, TransportError::NoPlatform { .. }),
        "{error}"
    );
}

/// Artifacts that share one config of `size` bytes.
fn sharing(fixture: &Fixture, size: usize, count: usize) -> Vec<Value> {
    let config = fixture.blob("text/plain", &vec![b' '; size]);
    (0..count)
        .map(|number| {
            let layer = fixture.blob("text/plain", number.to_string().as_bytes());
            fixture.manifest(&json!({"config": config, "layers": [layer]}))
        })
        .collect()
}

#[test]
fn a_config_counts_for_each_manifest_that_has_it() {
    let mut fixture = Fixture::new();
    let size = usize::try_from(MAX_DOCUMENT_SIZE).unwrap();
    let index = fixture.index(&sharing(&fixture, size, 33));
    fixture.add(&index, None);
    let source = fixture.open(None, None).unwrap();
    let error = source.resolve(&Selection::All).unwrap_err();
    let TransportError::Limit { what, limit, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(what, "bytes of documents to read");
    assert_eq!(*limit, 32 * MAX_DOCUMENT_SIZE);
}

#[test]
fn a_source_hands_out_so_much_and_no_more() {
    let mut fixture = Fixture::new();
    let size = usize::try_from(MAX_DOCUMENT_SIZE).unwrap();
    let artifacts = sharing(&fixture, size, 1);
    fixture.add(&artifacts[0], None);
    let source = fixture.open(None, None).unwrap();
    let root = source.roots().unwrap().remove(0);
    for _ in 0..31 {
        source.resolve_descriptor(&root).unwrap();
    }
    let error = source.resolve_descriptor(&root).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("bytes of documents of one source: "),
        "{error}"
    );
    assert!(error.is_input_fault());
    // Another source is another's.
    let again = fixture.open(None, None).unwrap();
    again.resolve_descriptor(&root).unwrap();
}

#[test]
fn reading_documents_ends_when_the_user_wants_it() {
    let mut fixture = Fixture::new();
    let index = fixture.index(&[fixture.image(S390X)]);
    fixture.add(&index, None);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    builder
        .append_dir_all("", fixture.directory.path())
        .unwrap();
    builder.finish().unwrap();
    for name in [
        format!("oci:{}", fixture.directory.path().display()),
        format!("oci-archive:{}", path.display()),
    ] {
        let reference: Reference = name.parse().unwrap();
        let options = RegistryOptions::default();
        let source = Source::open(&reference, &options).unwrap();
        let root = source.resolve(&Selection::All).unwrap().root;
        options.cancel.store(true, Ordering::Relaxed);
        for result in [
            source.resolve(&Selection::Best).map(drop),
            source.resolve(&Selection::All).map(drop),
            source.resolve_descriptor(&root).map(drop),
            source.referrers(&root.digest).map(drop),
        ] {
            assert!(matches!(result, Err(TransportError::Cancelled)), "{name}");
        }
    }
}

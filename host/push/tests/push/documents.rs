//! Whatever documents look like, they arrive byte for byte.

use std::collections::BTreeMap;

use lazaret_artifact::ContentDigest;
use lazaret_artifact::media_type::{OCI_INDEX, OCI_MANIFEST};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture::{Fixture, all, oci};
use crate::shelf::{blobs, digest_of};

/// JSON of any shape, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z ]*", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object's members in the given order, with white space.
fn write(mut members: Vec<(String, Value)>, order: usize, space: &str) -> Vec<u8> {
    let count = members.len();
    members.rotate_left(order % count);
    let body: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{space}{}{space}:{value:#}", json!(name)))
        .collect();
    format!("{space}{{{}{space}}}{space}", body.join(",")).into_bytes()
}

fn strange() -> impl Strategy<Value = (BTreeMap<String, Value>, usize, String)> {
    let members = prop::collection::btree_map("x-[a-z\u{e9}\"]{0,8}", any_json(), 0..4);
    (members, 0..8_usize, "[ \t\n]{0,3}")
}

fn with_strange(
    members: &[(&str, Value)],
    (more, order, space): &(BTreeMap<String, Value>, usize, String),
) -> Vec<u8> {
    let members = members
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let more = more
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    write(members.chain(more).collect(), *order, space)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn manifests_configs_and_indexes_arrive_as_they_came(
        manifest in strange(),
        index in strange(),
        config in prop::collection::vec(any::<u8>(), 0..2000),
        kind in "application/[a-z]{1,20}",
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6000), 0..3),
    ) {
        let mut fixture = Fixture::new();
        let config_of = fixture.shelf.add(&kind, &config);
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        // For their streams.
        fixture.artifact(&contents, None);
        let layers: Vec<Value> = contents
            .iter()
            .map(|bytes| fixture.shelf.add("text/x-test", bytes))
            .collect();
        let bytes = with_strange(
            &[
                ("schemaVersion", json!(2)),
                ("mediaType", json!(OCI_MANIFEST)),
                ("config", config_of),
                ("layers", json!(layers)),
            ],
            &manifest,
        );
        let child = fixture.manifest(OCI_MANIFEST, &bytes, &config);
        let bytes = with_strange(
            &[
                ("schemaVersion", json!(2)),
                ("mediaType", json!(OCI_INDEX)),
                ("manifests", json!([child])),
            ],
            &index,
        );
        let root = fixture.index_as_is(OCI_INDEX, &bytes);
        fixture.commit(&[("a", &root)]);
        let out = fixture.path("out");
        let pushed = fixture.push("a", &oci(&out), &all()).unwrap();
        prop_assert_eq!(pushed.root, ContentDigest::sha256(&bytes));
        prop_assert_eq!(blobs(&out), fixture.shelf.below(&digest_of(&root)));
    }
}

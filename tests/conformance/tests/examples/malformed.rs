//! What is wrong with a document ends in exit code 3, whatever it is, and leaves nothing behind.

use std::fs;
use std::path::Path;

use lazaret_layouts::digest;
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::sources::{Example, Kind, example, examples};
use crate::valid::index_of;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Writes a layout whose index names `document` as a `media_type`.
fn layout(path: &Path, version: &str, media_type: &str, document: &[u8], others: &[&[u8]]) {
    fs::create_dir_all(path.join("blobs/sha256")).unwrap();
    fs::write(path.join("oci-layout"), version).unwrap();
    for blob in others.iter().chain([&document]) {
        let name = digest(blob).replace(':', "/");
        fs::write(path.join("blobs").join(name), blob).unwrap();
    }
    let index = json!({"schemaVersion": 2, "manifests": [{
        "mediaType": media_type,
        "digest": digest(document),
        "size": document.len(),
        "annotations": {"org.opencontainers.image.ref.name": "example"},
    }]});
    fs::write(path.join("index.json"), index.to_string()).unwrap();
}

const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Asserts that the document is refused for what it says and not for what it lacks: the same with
/// its blobs missing ends otherwise.
#[track_caller]
fn assert_refused(what: &str, media_type: &str, document: &[u8], others: &[&[u8]]) {
    let berth = Berth::with("fsverity-sha256-12");
    layout(&berth.path("layout"), VERSION, media_type, document, others);
    let before = berth.names();
    let ran = berth.run(["pull", "oci:layout:example"]);
    assert_eq!(ran.code, Some(3), "{what}: {}", ran.stderr);
    assert!(
        !ran.stderr.contains("no such blob"),
        "{what}: {}",
        ran.stderr
    );
    assert_eq!(berth.names(), before, "{what}");
    berth.assert_sound();
}

/// A change that makes a valid document malformed, and what to call it.
type Change = (&'static str, fn(&mut Value));

const OF_BOTH: [Change; 5] = [
    ("another schema version", |v| v["schemaVersion"] = 1.into()),
    ("a schema version that is text", |v| {
        v["schemaVersion"] = "2".into()
    }),
    ("no schema version", |v| {
        drop(v.as_object_mut().unwrap().remove("schemaVersion"))
    }),
    ("another kind's media type", |v| {
        v["mediaType"] = CONFIG.into()
    }),
    ("annotations that are no text", |v| {
        v["annotations"] = json!({"a": 1})
    }),
];

const OF_MANIFESTS: [Change; 9] = [
    ("no config", |v| {
        drop(v.as_object_mut().unwrap().remove("config"))
    }),
    ("no layers", |v| {
        drop(v.as_object_mut().unwrap().remove("layers"))
    }),
    ("an index, too", |v| v["manifests"] = json!([])),
    ("a config that is a list", |v| v["config"] = json!([])),
    ("a size below 0", |v| v["layers"][0]["size"] = json!(-1)),
    ("a size that is text", |v| {
        v["layers"][0]["size"] = json!("1")
    }),
    ("a size beyond int64", |v| {
        v["config"]["size"] = json!(u64::MAX)
    }),
    ("no digest", |v| {
        drop(v["layers"][0].as_object_mut().unwrap().remove("digest"))
    }),
    ("a media type that is none", |v| {
        v["layers"][0]["mediaType"] = "\n".into()
    }),
];

const OF_INDEXES: [Change; 4] = [
    ("no manifests", |v| {
        drop(v.as_object_mut().unwrap().remove("manifests"))
    }),
    ("a manifest, too", |v| v["layers"] = json!([])),
    ("a size below 0", |v| v["manifests"][0]["size"] = json!(-1)),
    ("a platform without a system", |v| {
        drop(
            v["manifests"][0]["platform"]
                .as_object_mut()
                .unwrap()
                .remove("os"),
        );
    }),
];

fn media_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Index => INDEX,
        _ => MANIFEST,
    }
}

#[test]
fn documents_with_a_wrong_member() {
    for example in examples() {
        let changes: &[Change] = match example.kind() {
            Kind::Manifest => &OF_MANIFESTS,
            Kind::Index => &OF_INDEXES,
            _ => continue,
        };
        for (what, change) in OF_BOTH.iter().chain(changes) {
            let mut value = example.value.clone();
            change(&mut value);
            let document = serde_json::to_vec(&value).unwrap();
            let what = format!("{} with {what}", example.name);
            assert_refused(&what, media_type(example.kind()), &document, &[]);
        }
    }
}

#[test]
fn documents_with_a_digest_that_is_none() {
    // The attack is from an example itself.
    let attack = &example("oci-spec/src/image/descriptor.rs 1").value["digest"];
    let hex = "0".repeat(64);
    let wrong = [
        attack.clone(),
        "".into(),
        "sha256:".into(),
        format!("sha256:{}", &hex[1..]).into(),
        format!("sha256:{}A", &hex[1..]).into(),
        format!("sha257:{hex}").into(),
        hex.into(),
    ];
    for example in examples() {
        let place = match example.kind() {
            Kind::Manifest => "/layers/1/digest",
            Kind::Index => "/manifests/1/digest",
            _ => continue,
        };
        for wrong in &wrong {
            let mut value = example.value.clone();
            *value.pointer_mut(place).unwrap() = wrong.clone();
            let document = serde_json::to_vec(&value).unwrap();
            let what = format!("{} with {wrong}", example.name);
            assert_refused(&what, media_type(example.kind()), &document, &[]);
        }
    }
    let document = index_of(&example("oci-spec/src/image/descriptor.rs 1").value);
    assert_refused("the attack as it stands there", INDEX, &document, &[]);
}

#[test]
fn text_that_is_no_json_or_more_than_one_reading_of_it() {
    for example in examples() {
        if !matches!(example.kind(), Kind::Manifest | Kind::Index) {
            continue;
        }
        let text = example.text.trim();
        let twice = text.replacen('{', r#"{"schemaVersion":2,"#, 1);
        let kind = media_type(example.kind());
        for (what, document) in [
            ("cut off", text[..text.len() - 1].to_owned()),
            ("and more", format!("{text}{{}}")),
            ("a member twice", twice),
            ("nothing", String::new()),
            ("a list", format!("[{text}]")),
            ("a number", "2".to_owned()),
        ] {
            let what = format!("{}: {what}", example.name);
            assert_refused(&what, kind, document.as_bytes(), &[]);
        }
    }
}

#[test]
fn an_artifact_manifest_of_before_has_no_meaning_any_more() {
    let example = example("oci-spec/test/data/artifact_manifest.json");
    assert_refused(&example.name, MANIFEST, example.text.as_bytes(), &[]);
}

/// A manifest without layers that has this config.
fn with_config(config: &[u8], layers: &Value) -> Vec<u8> {
    let descriptor = json!({"mediaType": CONFIG, "digest": digest(config), "size": config.len()});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor,
        "layers": layers,
    });
    serde_json::to_vec(&manifest).unwrap()
}

#[test]
fn configs_with_a_wrong_member() {
    let changes: [Change; 7] = [
        ("no rootfs", |v| {
            drop(v.as_object_mut().unwrap().remove("rootfs"))
        }),
        ("another kind of rootfs", |v| {
            v["rootfs"]["type"] = "tree".into()
        }),
        ("no diff_ids", |v| {
            drop(v["rootfs"].as_object_mut().unwrap().remove("diff_ids"))
        }),
        ("diff_ids that are none", |v| {
            v["rootfs"]["diff_ids"] = json!(["sha256:abc123"])
        }),
        ("more diff_ids than layers", |_| {}),
        ("no system", |v| {
            drop(v.as_object_mut().unwrap().remove("os"))
        }),
        ("no architecture", |v| {
            drop(v.as_object_mut().unwrap().remove("architecture"))
        }),
    ];
    let config: &Example = example("oci-spec/test/data/config.json");
    for (what, change) in changes {
        let mut value = config.value.clone();
        change(&mut value);
        let config = serde_json::to_vec(&value).unwrap();
        let manifest = with_config(&config, &json!([]));
        assert_refused(what, MANIFEST, &manifest, &[&config]);
    }
    let short = example("oci-spec/src/image/config.rs 0").text.as_bytes();
    let manifest = with_config(short, &json!([]));
    assert_refused(
        "the example with a short digest",
        MANIFEST,
        &manifest,
        &[short],
    );
}

#[test]
fn a_layout_of_this_version_and_of_no_other() {
    // A config of nothing, which a layout must be read to find.
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let manifest = with_config(config, &json!([]));
    let versions = examples()
        .iter()
        .filter(|example| example.kind() == Kind::LayoutVersion);
    for example in versions {
        let berth = Berth::new();
        layout(
            &berth.path("layout"),
            &example.text,
            MANIFEST,
            &manifest,
            &[config],
        );
        let code = match example.value["imageLayoutVersion"] == "1.0.0" {
            true => 0,
            false => 3,
        };
        berth.pull("layout:example").expect(code);
    }
    for version in [
        r#"{"imageLayoutVersion":"2.0.0"}"#,
        r#"{"imageLayoutVersion":1}"#,
        r#"{}"#,
        "1.0.0",
        "",
    ] {
        let berth = Berth::with("fsverity-sha256-12");
        layout(
            &berth.path("layout"),
            version,
            MANIFEST,
            &manifest,
            &[config],
        );
        berth.pull("layout:example").expect(3);
    }
}

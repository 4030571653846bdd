//! Files that are not what they are said to be.

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier};
use serde_json::Value;

use crate::berth::Berth;
use crate::layout::Layout;
use crate::shelf::{SPLIT, assert_files, assert_given_back, lay, pull};

const CARRIERS: [Carrier; 4] = [
    Carrier::ALL[0],
    Carrier::ALL[1],
    Carrier::ALL[2],
    Carrier::ModelRunner,
];

/// A file that no importer of its name takes, and why it does not.
fn broken() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let model = Model::small(14, 1);
    let mut all = Vec::new();
    for format in Format::ALL {
        let whole = format.write(&model);
        all.push((
            "cut short",
            format.file(),
            whole[..whole.len() - 100].to_vec(),
        ));
    }
    let [safetensors, gguf, ..] = Format::ALL.map(|format| format.write(&model));
    all.push(("another format", "model.safetensors", gguf));
    all.push(("another format", "model.gguf", safetensors.clone()));
    let mut longer = safetensors;
    longer.push(0);
    all.push(("a byte too long", "model.safetensors", longer));
    all.push(("a few words", "model.gguf", b"GGUF, or not. ".repeat(8)));
    all.push(("a few bytes", "model.gguf", b"GGUF".to_vec()));
    all
}

#[test]
fn a_broken_file_is_kept_whole_with_the_fault_on_record() {
    for (what, path, content) in broken() {
        for carrier in CARRIERS {
            for more in [&[][..], &SPLIT] {
                let (berth, tag) = (Berth::new(), carrier.tag());
                let case = format!("{what}: {path} in {tag} {more:?}");
                let artifact = carrier.pack(&[(path, &content)]).unwrap();
                lay(&berth, "layout", &[(&tag, &artifact)]);
                pull(&berth, "layout", &tag, more).expect(0);
                assert!(is_faulted(&berth, &tag), "{case}");
                let parts = berth.run(["parts", &tag, "--json"]).expect(0);
                assert_eq!(parts.text(), "", "{case}");
                assert_given_back(&berth, &tag, &artifact);
                assert_files(&berth, &tag, &artifact);
                berth.assert_sound();
            }
        }
    }
}

/// Whether the record of a blob, or of a file in one, has a fault.
fn is_faulted(berth: &Berth, tag: &str) -> bool {
    let shown = berth.run(["inspect", tag, "--json"]).expect(0).json();
    let facts = berth.run(["facts", tag, "--json"]).expect(0).json_lines();
    let verdict = |layer: &Value| {
        let text = layer["verdict"].to_string();
        text.contains("faulted")
    };
    shown["layers"].as_array().unwrap().iter().any(verdict)
        || facts.iter().any(|fact| fact["key"] == "import.fault")
}

#[test]
fn a_strict_policy_refuses_what_is_broken() {
    for (what, path, content) in broken() {
        for carrier in CARRIERS {
            let (berth, tag) = (Berth::new(), carrier.tag());
            let artifact = carrier.pack(&[(path, &content)]).unwrap();
            lay(&berth, "layout", &[(&tag, &artifact)]);
            pull(&berth, "layout", &tag, &["--policy", "strict"]).expect(4);
            assert!(berth.names().is_empty(), "{what}: {path} in {tag}");
        }
    }
}

/// Writes a layout in which the manifest says what it likes.
fn lay_bent(berth: &Berth, artifact: &Artifact, bend: impl Fn(&mut Value)) {
    let mut layout = Layout::new(berth.path("layout"));
    layout.blob(&artifact.config.data);
    for blob in &artifact.blobs {
        layout.blob(&blob.data);
    }
    let mut manifest: Value = serde_json::from_slice(&artifact.manifest()).unwrap();
    bend(&mut manifest["layers"][0]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let descriptor = serde_json::json!({
        "mediaType": artifact.media_type,
        "digest": layout.blob(&manifest),
        "size": manifest.len(),
    });
    layout.enter(Some("demo"), descriptor);
    layout.write();
}

#[test]
fn a_descriptor_with_another_size_is_refused() {
    let content = Format::Safetensors.write(&Model::small(15, 1));
    for carrier in CARRIERS {
        for more in [&[][..], &SPLIT] {
            for change in [-1, 1, 1 << 40] {
                let berth = Berth::new();
                let artifact = carrier.pack(&[("model.safetensors", &content)]).unwrap();
                lay_bent(&berth, &artifact, |layer| {
                    layer["size"] = (layer["size"].as_i64().unwrap() + change).into();
                });
                pull(&berth, "layout", "demo", more).expect(3);
                assert!(berth.names().is_empty(), "{}: {change}", carrier.tag());
            }
        }
    }
}

#[test]
fn a_descriptor_with_the_digest_of_another_blob_is_refused() {
    let content = Format::Safetensors.write(&Model::small(16, 1));
    for more in [&[][..], &SPLIT] {
        let berth = Berth::new();
        let artifact = Carrier::ALL[0]
            .pack(&[("model.safetensors", &content)])
            .unwrap();
        let digest = artifact.blobs[0].digest();
        lay_bent(&berth, &artifact, |_| {});
        let layout = berth.path("layout/blobs").join(digest.replace(':', "/"));
        let mut changed = content.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(layout, changed).unwrap();
        pull(&berth, "layout", "demo", more).expect(3);
        assert!(berth.names().is_empty());
    }
}

#[test]
fn metadata_of_a_file_that_gives_another_size_is_not_believed() {
    let berth = Berth::new();
    let content = Format::Safetensors.write(&Model::small(17, 1));
    let artifact = Carrier::ALL[0]
        .pack(&[("model.safetensors", &content)])
        .unwrap();
    lay_bent(&berth, &artifact, |layer| {
        let metadata = serde_json::json!({"name": "model.safetensors", "mode": 0o600, "uid": 0,
            "gid": 0, "size": 1, "mtime": "2026-01-01T00:00:00Z", "typeflag": 48});
        layer["annotations"]["org.cncf.model.file.metadata+json"] = metadata.to_string().into();
    });
    pull(&berth, "layout", "demo", &[]).expect(0);
    let size = content.len().to_string();
    let ran = berth.run(["ls", "demo"]).expect(3);
    ran.says(&["metadata says 1 byte", &size]);
}

//! `diff` of two models, however each is stored.

use lazaret_layouts::models::{Dtype, Format, Model, Tensor};
use lazaret_layouts::{Artifact, Carrier};
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::shelf::{SPLIT, lay, pull};

fn pack(carrier: Carrier, model: &Model) -> Artifact {
    let content = Format::Safetensors.write(model);
    carrier.pack(&[("model.safetensors", &content)]).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn tensors_that_are_equal_changed_added_and_gone_are_told() {
    let before = Model::small(31, 2);
    let mut after = before
        .clone()
        .with_other(32, |at| at == 3)
        .with_metadata("note", "other");
    let gone = after.tensors.remove(1).name;
    let changed = after.tensors[2].name.clone();
    after
        .tensors
        .push(Tensor::noise("lm_head.weight", Dtype::F32, &[64, 64], 31));
    for carrier in [Carrier::ALL[0], Carrier::ALL[1], Carrier::ALL[2]] {
        for (first, second) in [(&[][..], &[][..]), (&[], &SPLIT), (&SPLIT, &SPLIT)] {
            let berth = Berth::new();
            // An archive on one side only.
            let artifacts = [pack(Carrier::ALL[0], &before), pack(carrier, &after)];
            lay(
                &berth,
                "layout",
                &[("before", &artifacts[0]), ("after", &artifacts[1])],
            );
            pull(&berth, "layout", "before", first).expect(0);
            pull(&berth, "layout", "after", second).expect(0);
            let found = berth
                .run(["diff", "before", "after", "--json"])
                .expect(0)
                .json();
            assert_eq!(found["equal"]["parts"], before.tensors.len() - 2, "{found}");
            assert_eq!(names(&found["changed"]), [&*changed], "{found}");
            assert_eq!(names(&found["added"]), ["lm_head.weight"], "{found}");
            assert_eq!(names(&found["gone"]), [&*gone], "{found}");
            let metadata = found["metadata"].as_array().unwrap();
            let note = metadata
                .iter()
                .find(|line| line["key"] == "file.metadata.note");
            let note = note.unwrap();
            assert_eq!(note["before"], json!(["made for tests"]));
            assert_eq!(note["after"], json!(["other"]));
            let text = berth.run(["diff", "before", "after"]).expect(0);
            for name in [&changed, &gone, "lm_head.weight"] {
                assert!(text.text().contains(name), "{}", text.text());
            }
        }
    }
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let berth = Berth::new();
    let model = Model::small(33, 2);
    let artifacts = [Carrier::ALL[0], Carrier::ALL[2]].map(|carrier| pack(carrier, &model));
    lay(
        &berth,
        "layout",
        &[("raw", &artifacts[0]), ("gzip", &artifacts[1])],
    );
    pull(&berth, "layout", "raw", &[]).expect(0);
    pull(&berth, "layout", "gzip", &SPLIT).expect(0);
    for (before, after) in [("raw", "raw"), ("raw", "gzip"), ("gzip", "raw")] {
        let found = berth
            .run(["diff", before, after, "--json"])
            .expect(0)
            .json();
        assert_eq!(found["equal"]["parts"], model.tensors.len());
        assert_eq!(found["equal"]["bytes"], model.bytes());
        for list in ["changed", "added", "gone", "metadata"] {
            assert_eq!(found[list], json!([]), "{before} {after}: {found}");
        }
    }
}

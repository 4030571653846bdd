//! What these tests write is what Python reads, so that they prove something.

use std::fs;

use lazaret_layouts::models::{Format, Model, shards};

use crate::listing::written;
use crate::python;

#[test]
fn files_of_every_format_are_read_by_python_as_they_were_meant() {
    let Some(python) = python::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for model in [Model::small(21, 2), Model::uniform(21, 3, 8192)] {
        for format in Format::ALL {
            let path = folder.path().join(format.file());
            fs::write(&path, format.write(&model)).unwrap();
            assert_eq!(
                python::list(&python, &path),
                written(&model, format),
                "{format:?}"
            );
        }
        let mut of_shards = Vec::new();
        for (name, content) in shards(&model, 2).files {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            of_shards.extend(python::list(&python, &path));
        }
        of_shards.sort();
        assert_eq!(of_shards, written(&model, Format::Safetensors));
    }
}

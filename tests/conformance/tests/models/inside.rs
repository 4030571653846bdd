//! Models that are files in archives: in layers of container images, and in archives in archives.

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Blob, Carrier, Compression, LayerBuilder};

use crate::berth::Berth;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::listing::{facts, found, written};
use crate::shelf::{SPLIT, assert_given_back, lay, pull};

/// Archives within archives, more than anybody looks into.
const DEPTHS: [usize; 5] = [1, 2, 4, 5, 12];

#[test]
fn files_of_layers_are_listed_and_given_back() {
    let model = Model::small(18, 2);
    let files = Format::ALL.map(|format| {
        let path = format!("opt/models/{}", format.file());
        (format, path, format.write(&model))
    });
    let mut layer = LayerBuilder::default();
    for folder in ["opt", "opt/models"] {
        layer.add_directory(folder).unwrap();
    }
    for (_, path, content) in &files {
        layer.add_file(path, content, 0o644).unwrap();
    }
    layer
        .add_file("opt/models/broken.gguf", b"GGUF, or not", 0o644)
        .unwrap();
    let archive = layer.finish().unwrap();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for more in [&[][..], &SPLIT] {
            let berth = Berth::new();
            let image = Image::new(vec![Layer::new(&archive, compression)]);
            Layout::of(berth.path("layout"), "demo", &image);
            pull(&berth, "layout", "demo", more).expect(0);
            for (format, path, content) in &files {
                let listed = found(&berth, "demo", Some(path));
                assert_eq!(listed, written(&model, *format), "{path} {more:?}");
                let given = berth.run(["cat", "demo", path]).expect(0).stdout;
                assert!(given == *content, "{path}");
            }
            assert_eq!(facts(&berth, "demo", "import.fault").len(), 1);
            let diff_id = &image.layers[0].diff_id;
            let rebuilt = berth.run(["cat", "--blob", diff_id]).expect(0).stdout;
            assert!(rebuilt == archive);
            berth.assert_sound();
        }
    }
}

#[test]
fn archives_in_archives_are_given_back_however_deep() {
    let content = Format::Safetensors.write(&Model::small(20, 1));
    for depth in DEPTHS {
        for more in [&[][..], &SPLIT] {
            let mut data = content.clone();
            let mut name = "model.safetensors".to_owned();
            for level in 0..depth {
                let mut layer = LayerBuilder::default();
                layer.add_file(&name, &data, 0o644).unwrap();
                data = layer.finish().unwrap();
                name = format!("level-{level}.tar");
            }
            let berth = Berth::new();
            let media_type = "application/vnd.cncf.model.weight.v1.tar";
            let mut artifact = Carrier::ALL[1].pack(&[]).unwrap();
            artifact.blobs = vec![Blob::new(media_type, data)];
            lay(&berth, "layout", &[("demo", &artifact)]);
            pull(&berth, "layout", "demo", more).expect(0);
            assert_given_back(&berth, "demo", &artifact);
            berth.assert_sound();
            let is_seen = !found(&berth, "demo", Some("model.safetensors")).is_empty();
            assert_eq!(is_seen, depth == 1, "{depth}");
        }
    }
}

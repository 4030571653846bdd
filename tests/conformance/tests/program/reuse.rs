//! What is there and was verified is not read again; what was not verified is not believed.

use std::collections::BTreeSet;
use std::fs;

use lazaret_layouts::{Compression, digest};

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::objects::{Kind, objects};

fn layers(compressions: [Compression; 2]) -> Vec<Layer> {
    let archives = [goods::made_up(1, 30), goods::on_top(1)];
    archives
        .iter()
        .zip(compressions)
        .map(|(archive, how)| Layer::new(archive, how))
        .collect()
}

/// Each layer of the JSON that a pull printed: whether it was reused.
fn reused(berth: &Berth, source: &str) -> Vec<bool> {
    let document = berth.run(["pull", "--json", source]).expect(0).json();
    let layers = document["layers"].as_array().unwrap();
    layers
        .iter()
        .map(|layer| layer["reused"].as_bool().unwrap())
        .collect()
}

#[test]
fn a_second_pull_reads_no_layer() {
    let berth = Berth::new();
    let image = Image::new(layers([Compression::Gzip, Compression::Zstd]));
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    assert_eq!(reused(&berth, &layout.source("demo")), [false, false]);
    let before = (berth.names(), objects(berth.repository()));
    for layer in &image.layers {
        fs::remove_file(layout.blob_path(&layer.digest)).unwrap();
    }
    assert_eq!(reused(&berth, &layout.source("demo")), [true, true]);
    assert_eq!((berth.names(), objects(berth.repository())), before);
    berth
        .run(["pull", &layout.source("demo"), "--tag", "other"])
        .expect(0);
    assert_eq!(objects(berth.repository()), before.1);
    berth.assert_sound();
    assert_eq!(berth.tags().len(), 2);
}

#[test]
fn another_image_shares_the_layer_it_has_in_common() {
    let berth = Berth::new();
    let shared = Layer::new(&goods::made_up(1, 30), Compression::Gzip);
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("first"), &Image::new(vec![shared.clone()]));
    let own = Layer::new(&goods::made_up(2, 5), Compression::Zstd);
    layout.add(Some("second"), &Image::new(vec![shared, own]));
    layout.write();
    assert_eq!(reused(&berth, &layout.source("first")), [false]);
    assert_eq!(reused(&berth, &layout.source("second")), [true, false]);
    berth.assert_sound();
}

#[test]
fn a_recompressed_layer_is_verified_anew_and_shares_every_object() {
    let berth = Berth::new();
    let gzip = Image::new(layers([Compression::Gzip, Compression::Gzip]));
    let gzip = Layout::of(berth.path("gzip"), "gzip", &gzip);
    assert_eq!(reused(&berth, &gzip.source("gzip")), [false, false]);
    let before = objects(berth.repository());

    let image = Image::new(layers([Compression::Zstd, Compression::None]));
    let layout = Layout::of(berth.path("zstd"), "zstd", &image);
    assert_eq!(reused(&berth, &layout.source("zstd")), [false, false]);
    let after = objects(berth.repository());
    let new: Vec<(&String, &Kind)> = after
        .iter()
        .filter(|(name, _)| !before.contains_key(*name))
        .collect();
    // The other manifest; its stream; a record for each layer. The config is the same.
    let files = new.iter().filter(|(_, kind)| **kind == Kind::File);
    assert_eq!(files.count(), 1, "{new:?}");
    assert_eq!(new.len(), 1 + 1 + 2, "{new:?}");
    berth.assert_sound();

    // From now on either is known.
    assert_eq!(reused(&berth, &gzip.source("gzip")), [true, true]);
    assert_eq!(reused(&berth, &layout.source("zstd")), [true, true]);
    berth.assert_sound();
}

#[test]
fn a_layer_that_only_claims_a_known_diff_id_is_refused() {
    let berth = Berth::new();
    let image = Image::new(layers([Compression::Gzip, Compression::Gzip]));
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    assert_eq!(reused(&berth, &layout.source("demo")), [false, false]);
    let names = berth.names();

    let other = goods::made_up(2, 30);
    let mut lying = image.layers.clone();
    lying[0] = Layer::new(&other, Compression::Zstd);
    lying[0].diff_id.clone_from(&image.layers[0].diff_id);
    let blob = lying[0].digest.clone();
    let lying = Layout::of(berth.path("lying"), "lying", &Image::new(lying));
    berth
        .run(["pull", &lying.source("lying")])
        .expect(3)
        .says(&[
            &format!("layer {blob}: diff_id mismatch\n"),
            &format!("\n  expected {}\n", image.layers[0].diff_id),
            &format!("\n  found    {}\n", digest(&other)),
        ]);
    assert_eq!(berth.names(), names);
    berth.assert_sound();
}

#[test]
fn the_same_content_gives_the_same_objects_everywhere() {
    let mut found = BTreeSet::new();
    for jobs in ["1", "4"] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let berth = Berth::with("fsverity-sha512-12");
            let image = Image::new(layers([compression, compression]));
            let layout = Layout::of(berth.path("layout"), "demo", &image);
            berth
                .run(["pull", "--jobs", jobs, &layout.source("demo")])
                .expect(0);
            let layer = format!("streams/oci-layer-{}", image.layers[0].diff_id);
            let target = fs::read_link(berth.repository().join(layer)).unwrap();
            found.insert(target);
        }
    }
    assert_eq!(found.len(), 1, "one layer, several streams: {found:?}");
}

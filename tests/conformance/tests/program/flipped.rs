//! One flipped bit anywhere in any blob is seen, named, and leaves nothing behind.

use std::fs;

use lazaret_layouts::{Compression, digest};

use crate::berth::Berth;
use crate::chance::Chance;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;

/// Positions tried in each blob, besides the first byte and the last.
const POSITIONS: u64 = 10;

/// Flips bits of the blob that `choose` picks, one after the other.
fn every_flip_is_refused(
    test: &str,
    compression: Compression,
    choose: fn(&Image) -> String,
    what: &str,
) {
    let berth = Berth::new();
    let kept = Image::new(vec![Layer::new(&goods::made_up(1, 3), Compression::Gzip)]);
    let kept = Layout::of(berth.path("kept"), "kept", &kept);
    berth.run(["pull", &kept.source("kept")]).expect(0);
    let names = berth.names();

    let layers = [goods::made_up(2, 12), goods::made_up(3, 5)];
    let image = Image::new(
        layers
            .iter()
            .map(|layer| Layer::new(layer, compression))
            .collect(),
    );
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    let wanted = choose(&image);
    let path = layout.blob_path(&wanted);
    let good = fs::read(&path).unwrap();
    let mut chance = Chance::fresh(test);
    let length = good.len() as u64;
    let positions = [0, length - 1]
        .into_iter()
        .chain((0..POSITIONS).map(|_| chance.below(length)));
    for position in positions.collect::<Vec<_>>() {
        let mut bad = good.clone();
        let bit = 1 << chance.below(8);
        bad[position as usize] ^= bit;
        fs::write(&path, &bad).unwrap();
        println!("{what}: bit {bit:#04x} of byte {position} of {length}");
        berth
            .run(["pull", &layout.source("demo")])
            .expect(3)
            .says(&[
                &format!("error: pulling {}: ", layout.source("demo")),
                &wanted,
                &format!("{what} mismatch\n"),
                &format!("\n  expected {wanted}\n"),
                &format!("\n  found    {}\n", digest(&bad)),
            ]);
        assert_eq!(berth.names(), names, "at {position}");
    }
    berth.assert_sound();
    fs::write(&path, &good).unwrap();
    berth.run(["pull", &layout.source("demo")]).expect(0);
    berth.assert_sound();
    assert_eq!(berth.tags().len(), 2);
}

#[test]
fn in_a_plain_layer() {
    let choose = |image: &Image| image.layers[0].digest.clone();
    every_flip_is_refused("in_a_plain_layer", Compression::None, choose, "blob digest");
}

#[test]
fn in_a_gzip_layer() {
    let choose = |image: &Image| image.layers[1].digest.clone();
    every_flip_is_refused("in_a_gzip_layer", Compression::Gzip, choose, "blob digest");
}

#[test]
fn in_a_zstd_layer() {
    let choose = |image: &Image| image.layers[0].digest.clone();
    every_flip_is_refused("in_a_zstd_layer", Compression::Zstd, choose, "blob digest");
}

#[test]
fn in_a_config() {
    let choose = |image: &Image| digest(&image.config_bytes());
    every_flip_is_refused("in_a_config", Compression::Gzip, choose, "config digest");
}

#[test]
fn in_a_manifest() {
    let choose = |image: &Image| image.digest();
    every_flip_is_refused(
        "in_a_manifest",
        Compression::Gzip,
        choose,
        "manifest digest",
    );
}

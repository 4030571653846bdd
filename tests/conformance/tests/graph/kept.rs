//! Compressed layers kept as they travelled.

use std::fs;
use std::num::NonZeroUsize;

use lazaret_graph::names::Stream;
use lazaret_intake::{OnFault, PullOptions};
use lazaret_layouts::{Compression, digest};
use serde_json::{Value, json};

use crate::berth::{Berth, keep, parse};
use crate::layout::{CONFIG, Layout, MANIFEST, OWN, archive};

const ALL: [Compression; 3] = [Compression::Gzip, Compression::Zstd, Compression::None];

/// An image of a layer in each compression.
fn layout(berth: &Berth) -> Layout {
    let mut layout = Layout::new(berth.path("layout"));
    let archives = [archive(1), archive(2), archive(3)];
    let layers: Vec<(&[u8], Compression)> = archives
        .iter()
        .map(|archive| &archive[..])
        .zip(ALL)
        .collect();
    let image = layout.image(OWN, &layers);
    layout.enter(Some("image"), &image);
    layout
}

/// The compressed layers are there bit for bit, and no others.
#[track_caller]
fn assert_kept(berth: &Berth, layout: &Layout, kept: [bool; 3]) {
    let pulled = berth.take(layout, "", &PullOptions::default());
    for (layer, kept) in pulled.manifests[0].layers.iter().zip(kept) {
        assert_eq!(layer.kept_compressed, kept);
        assert_eq!(berth.has(Stream::Blob(layer.digest)), kept);
        if kept {
            let travelled = fs::read(layout.blob_path(&layer.digest.to_string())).expect("a blob");
            assert!(berth.rebuilt(Stream::Blob(layer.digest)) == travelled);
        }
    }
    berth.assert_sound();
}

#[test]
fn compressed_layers_are_kept_beside_what_they_hold() {
    let berth = Berth::new();
    let layout = layout(&berth);
    let pulled = berth.take(&layout, "", &keep());
    for layer in &pulled.manifests[0].layers {
        assert!(!layer.reused);
        assert_eq!(layer.entries, 6);
        assert!(layer.objects.written >= 3);
    }
    assert_kept(&berth, &layout, [true, true, false]);
}

#[test]
fn nobody_who_does_not_ask_gets_them() {
    let berth = Berth::new();
    let layout = layout(&berth);
    berth.take(&layout, "", &PullOptions::default());
    assert_kept(&berth, &layout, [false, false, false]);
}

#[test]
fn they_can_be_had_later_without_importing_again() {
    let berth = Berth::new();
    let layout = layout(&berth);
    berth.take(&layout, "", &PullOptions::default());
    let pulled = berth.take(&layout, "", &keep());
    for layer in &pulled.manifests[0].layers {
        assert!(layer.reused);
        // The compressed bytes, as one object.
        let kept = u64::from(layer.kept_compressed);
        assert_eq!(layer.objects.written, kept);
        assert_eq!(layer.objects.written_bytes, kept * layer.travelled);
    }
    assert_kept(&berth, &layout, [true, true, false]);
    let names = berth.names();
    for layer in &pulled.manifests[0].layers {
        fs::remove_file(layout.blob_path(&layer.digest.to_string())).expect("a blob");
    }
    berth.take(&layout, "", &keep());
    assert_eq!(berth.names(), names);
}

#[test]
fn what_is_not_what_it_says_is_not_kept() {
    for first in [PullOptions::default(), keep()] {
        let berth = Berth::new();
        let layout = layout(&berth);
        let image = berth.take(&layout, "", &first).manifests.remove(0);
        let names = berth.names();
        // Kept anew, since the name is gone.
        let blob = image.layers[0].digest;
        let link = format!("streams/oci-blob-{blob}");
        let _ = fs::remove_file(berth.repository.path().join(&link));
        let path = layout.blob_path(&blob.to_string());
        let mut bytes = fs::read(&path).expect("a blob");
        let last = bytes.len() - 1;
        bytes[last / 2] ^= 1;
        fs::write(&path, bytes).expect("a blob");
        let parts = ["blob digest mismatch", &blob.to_string()];
        berth.refuse(&layout, "", &keep(), &parts);
        assert!(!berth.has(Stream::Blob(blob)));
        let left: Vec<_> = names.keys().filter(|name| !name.ends_with(&link)).collect();
        let now = berth.names();
        assert_eq!(now.keys().collect::<Vec<_>>(), left);
    }
}

#[test]
fn a_damaged_one_is_fetched_again_even_by_who_does_not_ask() {
    let damages: [fn(&mut Vec<u8>); 2] = [|bytes| bytes[1000] ^= 8, |bytes| bytes.truncate(1000)];
    for damage in damages {
        let berth = Berth::new();
        let layout = layout(&berth);
        let image = berth.take(&layout, "", &keep()).manifests.remove(0);
        let name = Stream::Blob(image.layers[0].digest).name();
        let stream = berth.repository.resolve_stream(&name).expect("readable");
        let reader = berth.repository.open_stream(&stream.expect("kept"), None);
        let object = reader.expect("readable").object_refs()[0].hex();
        let path = berth.repository.path().join("objects");
        let path = path.join(&object[..2]).join(&object[2..]);
        let mut bytes = fs::read(&path).expect("an object");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("an object");

        let pulled = berth.take(&layout, "", &PullOptions::default());
        let told: Vec<(bool, bool)> = pulled.manifests[0]
            .layers
            .iter()
            .map(|layer| (layer.reused, layer.repaired))
            .collect();
        assert_eq!(told, [(true, true), (true, false), (true, false)]);
        assert_kept(&berth, &layout, [true, true, false]);
    }
}

#[test]
fn one_thread_is_enough() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let archives: Vec<Vec<u8>> = (0..8).map(archive).collect();
    let layers: Vec<(&[u8], Compression)> = archives
        .iter()
        .map(|archive| (&archive[..], Compression::Zstd))
        .collect();
    let image = layout.image(OWN, &layers);
    layout.enter(Some("image"), &image);
    let options = PullOptions {
        jobs: NonZeroUsize::new(1),
        ..keep()
    };
    let pulled = berth.take(&layout, "", &options);
    let mut layers = pulled.distinct_layers();
    assert!(layers.all(|layer| layer.kept_compressed));
    berth.assert_sound();
}

#[test]
fn a_layer_that_no_importer_could_read_is_kept_both_ways() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let nonsense = vec![7; 100_000];
    let packed = Compression::Gzip.apply(&nonsense).expect("compressed");
    let layer = layout.blob(Compression::Gzip.media_type(), &packed);
    let config = json!({
        "architecture": OWN,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest(&nonsense)]},
    });
    let config: Value = layout.blob(CONFIG, &serde_json::to_vec(&config).expect("JSON"));
    let image = layout.document(&json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
    }));
    layout.enter(Some("nonsense"), &image);
    let options = PullOptions {
        on_fault: OnFault::Opaque,
        ..keep()
    };
    let pulled = berth.take(&layout, "", &options);
    let layer = &pulled.manifests[0].layers[0];
    assert!(layer.opaque.is_some() && layer.kept_compressed);
    assert!(berth.rebuilt(Stream::Blob(parse(&digest(&packed)))) == packed);
    assert!(berth.rebuilt(Stream::Layer(parse(&digest(&nonsense)))) == nonsense);
    berth.assert_sound();
}

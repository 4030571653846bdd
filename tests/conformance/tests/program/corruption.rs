//! A table of broken and lying images. Each is refused with what was expected and what was found,
//! leaves no name behind, and does not stand in the way of the honest image afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use lazaret_layouts::{Compression, digest};
use serde_json::json;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer, OCI_MANIFEST};
use crate::layout::Layout;

/// What must come of a pull.
struct Verdict {
    code: i32,
    says: Vec<String>,
}

fn refused(says: impl IntoIterator<Item = String>) -> Verdict {
    Verdict {
        code: 3,
        says: says.into_iter().collect(),
    }
}

/// `subject: what mismatch`, and the two values.
fn mismatch(subject: &str, what: &str, expected: impl ToString, found: impl ToString) -> Verdict {
    refused([
        format!("{subject}: {what} mismatch\n"),
        format!("\n  expected {}\n", expected.to_string()),
        format!("\n  found    {}\n", found.to_string()),
    ])
}

fn layer(of: &Layer) -> String {
    format!("layer {}", of.digest)
}

/// An honest image of three layers, each compressed in another way.
fn honest() -> Image {
    Image::new(vec![
        Layer::new(&goods::made_up(1, 30), Compression::Gzip),
        Layer::new(&goods::made_up(2, 10), Compression::Zstd),
        Layer::new(&goods::on_top(1), Compression::None),
    ])
}

/// Writes `image`, has `spoil` do its work on the layout, and pulls with `flags`.
fn check(image: &Image, flags: &[&str], spoil: impl FnOnce(&mut Layout), verdict: &Verdict) {
    let berth = Berth::with("fsverity-sha512-12");
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("demo"), image);
    spoil(&mut layout);
    layout.write();
    let source = layout.source("demo");
    let ran = berth
        .run(["pull", &source].iter().chain(flags))
        .expect(verdict.code);
    let says: Vec<&str> = verdict.says.iter().map(|part| &**part).collect();
    let ran = ran
        .says(&[&format!("error: pulling {source}: ")])
        .says(&says);
    assert_eq!(ran.text(), "");
    assert_eq!(berth.names().len(), 0, "{:?}", berth.names());
    berth.assert_sound();
    let honest = Layout::of(berth.path("honest"), "good", &honest());
    berth.run(["pull", &honest.source("good")]).expect(0);
    berth.assert_sound();
}

/// The image with other layers of the same kind, described by honest documents except for the
/// diff_ids, which stay.
fn travelling_as(change: impl Fn(usize, Vec<u8>) -> Vec<u8>) -> Image {
    let layers = honest()
        .layers
        .into_iter()
        .enumerate()
        .map(|(index, layer)| {
            let blob = change(index, layer.blob.clone());
            layer.travelling_as(blob)
        });
    Image::new(layers.collect())
}

#[test]
fn a_descriptor_with_a_wrong_size() {
    for (index, lie) in [(0, -1_i64), (1, 1), (2, 1000), (2, -600)] {
        let mut image = honest();
        let size = image.layers[index].size;
        let wrong = size.checked_add_signed(lie).unwrap();
        image.manifest["layers"][index]["size"] = wrong.into();
        let subject = image.layers[index].digest.clone();
        check(
            &image,
            &[],
            |_| (),
            &mismatch(&subject, "blob size", wrong, size),
        );
    }
    let mut image = honest();
    let config = image.config_bytes();
    image.manifest["config"]["size"] = (config.len() + 1).into();
    let verdict = mismatch(
        &digest(&config),
        "config size",
        config.len() + 1,
        config.len(),
    );
    check(&image, &[], |_| (), &verdict);
    let image = honest();
    let size = image.manifest_bytes().len();
    let verdict = mismatch(&image.digest(), "manifest size", size - 1, size);
    check(
        &image,
        &[],
        |layout| layout.entries[0]["size"] = (size - 1).into(),
        &verdict,
    );
}

#[test]
fn a_config_with_a_wrong_diff_id() {
    for index in 0..3 {
        let image = honest();
        let right = image.layers[index].diff_id.clone();
        let wrong = digest(b"something else");
        let mut layers = image.layers;
        layers[index].diff_id.clone_from(&wrong);
        let subject = layer(&layers[index]);
        check(
            &Image::new(layers),
            &[],
            |_| (),
            &mismatch(&subject, "diff_id", wrong, right),
        );
    }
}

#[test]
fn layers_in_another_order_than_the_configs() {
    let mut image = honest();
    let layers = image.manifest["layers"].as_array_mut().unwrap();
    layers.swap(0, 1);
    let [first, second, _] = &*image.layers else {
        panic!()
    };
    // Both are wrong; whichever is found first is named.
    let verdict = refused([
        "diff_id mismatch\n".to_owned(),
        first.diff_id.clone(),
        second.diff_id.clone(),
    ]);
    check(&image, &[], |_| (), &verdict);
}

#[test]
fn layers_in_each_others_place() {
    let mut image = honest();
    let subject = image.layers[0].digest.clone();
    let mut blob = image.layers[1].blob.clone();
    // Of the same size, so that only the digest tells.
    blob.resize(image.layers[0].blob.len(), 0);
    let found = digest(&blob);
    image.layers[0].blob = blob;
    check(
        &image,
        &[],
        |_| (),
        &mismatch(&subject, "blob digest", &subject, found),
    );
}

#[test]
fn compressed_data_that_ends_too_early() {
    for cut in [1, 8, 9, 300] {
        let shorten = |_, mut blob: Vec<u8>| {
            blob.truncate(blob.len() - cut);
            blob
        };
        let image = travelling_as(|index, blob| if index == 0 { shorten(0, blob) } else { blob });
        let says = [format!("{}: decompressing gzip", layer(&image.layers[0]))];
        check(&image, &[], |_| (), &refused(says));
        let image = travelling_as(|index, blob| if index == 1 { shorten(1, blob) } else { blob });
        let says = [format!("{}: decompressing zstd", layer(&image.layers[1]))];
        check(&image, &[], |_| (), &refused(says));
    }
}

#[test]
fn a_file_that_ends_too_early_or_too_late() {
    for index in 0..3 {
        let mut image = honest();
        let size = image.layers[index].size;
        image.layers[index].blob.truncate(size as usize / 2);
        let subject = image.layers[index].digest.clone();
        check(
            &image,
            &[],
            |_| (),
            &mismatch(&subject, "blob size", size, size / 2),
        );
    }
    let mut image = honest();
    let size = image.layers[1].size;
    image.layers[1].blob.push(0);
    let subject = image.layers[1].digest.clone();
    check(
        &image,
        &[],
        |_| (),
        &mismatch(&subject, "blob size", size, size + 1),
    );
}

#[test]
fn something_after_the_compressed_data() {
    for index in [0, 1] {
        let image = travelling_as(|at, mut blob| {
            if at == index {
                blob.extend(b"garbage");
            }
            blob
        });
        let size = image.layers[index].size - 7;
        let subject = layer(&image.layers[index]);
        let says = match index {
            0 => format!("{subject}: gzip data is followed by something else at offset {size}"),
            // A frame that is none: any number of them may follow each other.
            _ => format!("{subject}: decompressing zstd: "),
        };
        check(&image, &[], |_| (), &refused([says]));
    }
}

#[test]
fn another_compression_than_declared() {
    for (index, said) in [(0, Compression::Zstd), (1, Compression::Gzip)] {
        let mut layers = honest().layers;
        layers[index].media_type = said.media_type().to_owned();
        let says = [format!("{}: decompressing ", layer(&layers[index]))];
        check(&Image::new(layers), &[], |_| (), &refused(says));
    }
    // As it travels it is no archive, and not what the diff_id promises.
    let mut layers = honest().layers;
    layers[0].media_type = Compression::None.media_type().to_owned();
    let says = [layer(&layers[0])];
    check(&Image::new(layers), &[], |_| (), &refused(says));
}

#[test]
fn a_bomb() {
    let archive = {
        let mut layer = lazaret_layouts::LayerBuilder::default();
        layer.add_directory("usr").unwrap();
        layer
            .add_file("usr/zeroes", &vec![0; 32 << 20], 0o644)
            .unwrap();
        layer.finish().unwrap()
    };
    for compression in [Compression::Gzip, Compression::Zstd] {
        let image = Image::new(vec![Layer::new(&archive, compression)]);
        let subject = layer(&image.layers[0]);
        let says = [
            format!("{subject}: decompresses to more than 8388608 bytes"),
            "hint: --max-layer-size allows more".to_owned(),
        ];
        check(
            &image,
            &["--max-layer-size", "8MiB"],
            |_| (),
            &refused(says),
        );
    }
}

#[test]
fn more_work_than_its_importer_may_have() {
    for (flags, says, hint) in [
        (["--max-entries", "5"], "entries", "--max-entries"),
        (["--fuel", "20000"], "fuel", "--fuel"),
    ] {
        let says = [says.to_owned(), format!("hint: {hint} allows more")];
        check(&honest(), &flags, |_| (), &refused(says));
    }
}

#[test]
fn documents_with_a_name_twice() {
    let image = honest();
    let manifest = String::from_utf8(image.manifest_bytes()).unwrap();
    let twice = manifest.replacen('{', r#"{"schemaVersion":2,"#, 1);
    let says = [
        format!("invalid manifest {}", digest(twice.as_bytes())),
        "schemaVersion".into(),
    ];
    let enter = |layout: &mut Layout| {
        layout.entries[0]["digest"] = layout.blob(twice.as_bytes()).into();
        layout.entries[0]["size"] = twice.len().into();
    };
    check(&image, &[], enter, &refused(says));

    let mut image = image;
    let config = String::from_utf8(image.config_bytes()).unwrap();
    let twice = config.replacen('{', r#"{"os":"linux","#, 1);
    image.manifest["config"]["digest"] = digest(twice.as_bytes()).into();
    image.manifest["config"]["size"] = twice.len().into();
    let says = [
        format!("invalid config {}", digest(twice.as_bytes())),
        "os".into(),
    ];
    check(
        &image,
        &[],
        |layout| drop(layout.blob(twice.as_bytes())),
        &refused(says),
    );
}

#[test]
fn another_config_than_the_manifests() {
    let mut image = honest();
    let right = digest(&image.config_bytes());
    image.config["created"] = "2026-01-02T00:00:00Z".into();
    let found = digest(&image.config_bytes());
    let verdict = mismatch(&right, "config digest", &right, found);
    check(&image, &[], |_| (), &verdict);
}

#[test]
fn more_layers_than_diff_ids() {
    let mut image = honest();
    let more = image.manifest["layers"][0].clone();
    image.manifest["layers"].as_array_mut().unwrap().push(more);
    let verdict = mismatch(&image.digest(), "number of layers", 3, 4);
    check(&image, &[], |_| (), &verdict);
}

/// Every blob an image has, by its digest.
fn blobs(image: &Image) -> Vec<String> {
    let layers = image.layers.iter().map(|layer| layer.digest.clone());
    layers
        .chain([digest(&image.config_bytes()), image.digest()])
        .collect()
}

#[test]
fn a_blob_that_is_not_there() {
    let image = honest();
    for blob in blobs(&image) {
        let verdict = Verdict {
            code: 5,
            says: vec![format!("{blob}: blob is missing from ")],
        };
        let remove = |layout: &mut Layout| fs::remove_file(layout.blob_path(&blob)).unwrap();
        check(&image, &[], remove, &verdict);
    }
}

/// What may lie in place of a blob.
#[derive(Debug, Clone, Copy)]
enum Thing {
    Pipe,
    Directory,
    LinkToDevice,
    /// To a file outside the layout that would even be right.
    LinkToRight,
}

impl Thing {
    /// Puts it there.
    fn put(self, path: &Path, outside: &Path) {
        let content = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        match self {
            Self::Pipe => mkfifo(path),
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::LinkToDevice => symlink("/dev/zero", path).unwrap(),
            Self::LinkToRight => {
                fs::write(outside, content).unwrap();
                symlink(outside, path).unwrap();
            }
        }
    }
}

#[test]
fn something_else_than_a_file_in_place_of_a_blob() {
    let image = honest();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let things = [
        Thing::Pipe,
        Thing::LinkToRight,
        Thing::Directory,
        Thing::LinkToDevice,
    ];
    for (index, blob) in blobs(&image).iter().enumerate() {
        let hex = blob.strip_prefix("sha256:").unwrap();
        // Two for each are enough to have every kind in every role.
        for thing in things.into_iter().skip(index % 2 * 2).take(2) {
            println!("{thing:?} as {blob}");
            let what = match thing {
                Thing::Pipe | Thing::Directory => "is not a regular file",
                Thing::LinkToDevice | Thing::LinkToRight => "leads out of its directory",
            };
            let put = |layout: &mut Layout| thing.put(&layout.blob_path(blob), outside.path());
            check(
                &image,
                &[],
                put,
                &refused([hex.to_owned(), what.to_owned()]),
            );
        }
    }
}

fn mkfifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn an_archive_that_leads_out_of_itself() {
    for (name, target) in [("../evil", None), ("usr/evil", Some("../../etc/passwd"))] {
        let archive = crate::goods::with_member(name, target);
        let image = Image::new(vec![Layer::new(&archive, Compression::Gzip)]);
        let says = [layer(&image.layers[0]), "importer tar".to_owned()];
        check(&image, &[], |_| (), &refused(says));
    }
}

#[test]
fn a_manifest_that_is_none() {
    let image = honest();
    let text = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).to_string();
    let says = [format!("invalid manifest {}", digest(text.as_bytes()))];
    let enter = |layout: &mut Layout| {
        layout.entries[0]["digest"] = layout.blob(text.as_bytes()).into();
        layout.entries[0]["size"] = text.len().into();
    };
    check(&image, &[], enter, &refused(says));
}

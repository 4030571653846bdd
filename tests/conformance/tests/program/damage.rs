//! `fsck` finds all that is damaged in one run, and says what it is and whom it concerns.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use lazaret_layouts::Compression;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::objects::{self, Kind, objects};

/// The object that a stream's name leads to, in hexadecimal.
fn target(berth: &Berth, stream: &str) -> String {
    let link = fs::read_link(berth.repository().join("streams").join(stream)).unwrap();
    let link = link.to_str().unwrap().strip_prefix("../objects/").unwrap();
    link.replace('/', "")
}

/// Writes to an object, which nothing but damage does.
fn change(berth: &Berth, object: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = berth.repository().join(objects::path(object));
    let mut data = fs::read(&path).unwrap();
    change(&mut data);
    // A new file: the old one may be sealed.
    fs::remove_file(&path).unwrap();
    fs::write(&path, data).unwrap();
}

#[test]
fn all_damage_is_found_in_one_run() {
    let berth = Berth::with("fsverity-sha512-12");
    let mut layout = Layout::new(berth.path("layout"));
    let images: Vec<Image> = (1..5)
        .map(|seed| {
            Image::new(vec![Layer::new(
                &goods::made_up(seed, 12),
                Compression::Gzip,
            )])
        })
        .collect();
    let mut own: Vec<Vec<String>> = Vec::new();
    for (number, image) in images.iter().enumerate() {
        let before = match berth.repository().join("objects").exists() {
            true => objects(berth.repository()),
            false => Default::default(),
        };
        let tag = format!("image{number}");
        layout.add(Some(&tag), image);
        layout.write();
        berth.run(["pull", &layout.source(&tag)]).expect(0);
        let after = objects(berth.repository());
        let files = objects::of_kind(&after, Kind::File).into_iter();
        own.push(
            files
                .filter(|name| !before.contains_key(*name))
                .map(str::to_owned)
                .collect(),
        );
    }
    berth.assert_sound();
    let intact = objects(berth.repository()).len();

    // A file of image 0 with one other bit.
    let flipped = largest(&berth, &own[0]);
    change(&berth, &flipped, |data| data[12_345] ^= 4);
    // A file of image 1 that is gone.
    let missing = largest(&berth, &own[1]);
    fs::remove_file(berth.repository().join(objects::path(&missing))).unwrap();
    // The layer stream of image 2, cut off.
    let name = format!("oci-layer-{}", images[2].layers[0].diff_id);
    let truncated = target(&berth, &name);
    change(&berth, &truncated, |data| data.truncate(data.len() - 9));
    // A name that leads nowhere.
    let nowhere = format!("../objects/ab/{}", "cd".repeat(63));
    let dangling = format!("streams/oci-layer-{}", lazaret_layouts::digest(b"dangling"));
    symlink(&nowhere, berth.repository().join(&dangling)).unwrap();

    for deep in [&["fsck"][..], &["fsck", "--deep"]] {
        let ran = berth.run(deep).expect(6);
        let text = ran.text().to_owned();
        let line = |parts: &[&str]| {
            let found = text
                .lines()
                .find(|line| parts.iter().all(|part| line.contains(part)));
            assert!(found.is_some(), "no line with {parts:?} in:\n{text}");
        };
        line(&[
            "damage: ",
            &format!("object {flipped}: its digest is "),
            "image0",
        ]);
        line(&[
            "damage: ",
            &format!("object {missing} is missing"),
            "image1",
        ]);
        line(&[
            "damage: ",
            &format!("object {truncated}: its digest is "),
            "image2",
        ]);
        line(&["damage: ", &name, "image2"]);
        line(&[
            "damage: ",
            &dangling,
            &format!("it leads to {nowhere:?}, which is missing"),
        ]);
        assert!(!text.contains("image3"), "{text}");
        assert!(ran.stderr.contains("pieces of damage"), "{}", ran.stderr);
    }

    let found = berth.run(["fsck", "--json"]).expect(6).json();
    assert_eq!(found["damaged"], true);
    assert_eq!(found["objects"], intact - 1);
    let affected = |text: &str| {
        let findings = found["findings"].as_array().unwrap();
        let finding = findings
            .iter()
            .find(|finding| finding["text"].as_str().unwrap().contains(text));
        let finding = finding.unwrap_or_else(|| panic!("{text}: {found:#}"));
        assert_eq!(finding["severity"], "damage");
        finding["affected"].clone()
    };
    assert_eq!(affected(&flipped), serde_json::json!(["image0"]));
    assert_eq!(affected(&missing), serde_json::json!(["image1"]));
    assert_eq!(affected(&truncated), serde_json::json!(["image2"]));

    // One image at a time.
    for (tag, code) in [("image0", 6), ("image1", 6), ("image2", 6), ("image3", 0)] {
        let ran = berth.run(["fsck", "--deep", tag]).expect(code);
        assert_eq!(ran.text().is_empty(), code == 0, "{}", ran.text());
    }

    // What is damaged is not handed out.
    let [first, second, third, sound] = [0, 1, 2, 3].map(|number: usize| {
        let layer = &images[number].layers[0].diff_id;
        berth.run(["cat", "--blob", layer])
    });
    first.expect(6).says(&[&flipped]);
    second.expect(6).says(&[&missing]);
    third.expect(6).says(&[&truncated]);
    let sound = sound.expect(0);
    assert_eq!(
        lazaret_layouts::digest(&sound.stdout),
        images[3].layers[0].diff_id
    );
}

/// The largest of some objects.
fn largest(berth: &Berth, names: &[String]) -> String {
    let size = |name: &&String| {
        fs::metadata(berth.repository().join(objects::path(name)))
            .unwrap()
            .len()
    };
    names.iter().max_by_key(size).unwrap().clone()
}

#[test]
fn a_stray_file_and_an_odd_name_are_damage() {
    let berth = Berth::with("fsverity-sha256-12");
    let image = Image::new(vec![Layer::new(&goods::made_up(1, 12), Compression::Gzip)]);
    Layout::of(berth.path("layout"), "demo", &image);
    berth.pull("layout").expect(0);
    for stray in ["objects/zz", "objects/00/not-an-object", "streams/a-file"] {
        let path: PathBuf = berth.repository().join(stray);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let ran = berth.run(["fsck"]).expect(6);
        assert!(ran.text().contains(stray), "{stray}: {}", ran.text());
        fs::remove_file(&path).unwrap();
    }
    berth.assert_sound();
}

#[test]
fn a_tag_that_leads_nowhere_is_damage_and_listed() {
    let berth = Berth::with("fsverity-sha256-12");
    let image = Image::new(vec![Layer::new(&goods::made_up(1, 12), Compression::Gzip)]);
    Layout::of(berth.path("layout"), "demo", &image);
    berth.pull("layout").expect(0);
    let manifest = format!("streams/oci-manifest-{}", image.digest());
    fs::remove_file(berth.repository().join(manifest)).unwrap();
    let ran = berth.run(["fsck"]).expect(6);
    assert!(ran.text().contains("demo"), "{}", ran.text());
    let ran = berth.run(["images"]).expect(6);
    assert!(ran.text().contains("demo"), "{}", ran.text());
    // The same pull mends it, without reading a layer.
    berth.pull("layout").expect(0);
    berth.assert_sound();
}

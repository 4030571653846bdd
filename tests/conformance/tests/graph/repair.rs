//! A pull of what is damaged mends it, whatever was damaged and however; one of what is not reads
//! nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lazaret_artifact::VerityAlgorithm;
use lazaret_intake::{PullOptions, Pulled};
use lazaret_layouts::Compression;

use crate::berth::{Berth, all};
use crate::layout::{Layout, OTHER, OWN, archive};

/// An index of two images and an artifact, with layers of every kind, all of it pulled and some
/// compressed bytes kept.
fn filled(algorithm: VerityAlgorithm) -> (Berth, Layout) {
    let berth = Berth::with(algorithm);
    let mut layout = Layout::new(berth.path("layout"));
    let archives = [archive(1), archive(2), archive(3)];
    let own = layout.image(
        OWN,
        &[
            (&archives[0], Compression::Gzip),
            (&archives[1], Compression::None),
        ],
    );
    let other = layout.image(
        OTHER,
        &[
            (&archives[0], Compression::Gzip),
            (&archives[2], Compression::Zstd),
        ],
    );
    let model = layout.blob("application/x-model", &[5; 300_000]);
    let artifact = layout.artifact("application/x", &[model], None);
    let root = layout.index(&[own, other, artifact]);
    layout.enter(Some("shop"), &root);
    let options = PullOptions {
        keep_compressed: true,
        ..all()
    };
    berth.take(&layout, "", &options);
    (berth, layout)
}

/// Every object.
fn objects(repository: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in fs::read_dir(repository.join("objects")).expect("objects") {
        for object in fs::read_dir(directory.expect("an entry").path()).expect("objects") {
            found.push(object.expect("an entry").path());
        }
    }
    found.sort();
    found
}

fn repaired(pulled: &Pulled) -> usize {
    let layers = pulled.distinct_layers();
    layers.filter(|layer| layer.repaired).count()
}

#[test]
fn any_damage_to_any_object_is_mended() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("one bit", |path| {
            let mut bytes = fs::read(path).expect("an object");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(path, bytes).expect("an object");
        }),
        ("one bit, in a new file", |path| {
            let mut bytes = fs::read(path).expect("an object");
            let last = bytes.len() - 1;
            bytes[last] ^= 0x01;
            fs::remove_file(path).expect("an object");
            fs::write(path, bytes).expect("an object");
        }),
        ("cut off", |path| {
            let bytes = fs::read(path).expect("an object");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("an object");
        }),
        ("emptied", |path| fs::write(path, b"").expect("an object")),
        ("gone", |path| fs::remove_file(path).expect("an object")),
    ];
    let (berth, layout) = filled(VerityAlgorithm::Sha256);
    berth.assert_sound();
    let names = berth.names();
    let objects = objects(berth.repository.path());
    assert!(objects.len() > 30, "{}", objects.len());
    let mut told = 0;
    for (what, damage) in damages {
        for object in &objects {
            let good = fs::read(object).expect("an object");
            damage(object);
            let pulled = match berth.pull(&layout, "", &all()) {
                Ok(pulled) => pulled,
                Err(error) => panic!(
                    "{what}: {}: {}",
                    object.display(),
                    crate::berth::chain(&error)
                ),
            };
            told += repaired(&pulled).min(1);
            let now = fs::read(object).expect("an object");
            assert!(now == good, "{what}: {}", object.display());
            assert_eq!(berth.names(), names, "{what}: {}", object.display());
        }
    }
    berth.assert_sound();
    // All but those of manifests, indexes and configs.
    assert!(told > 5 * 20, "{told}");
}

#[test]
fn names_that_lead_nowhere_are_given_anew() {
    let (berth, layout) = filled(VerityAlgorithm::Sha512);
    let names = berth.names();
    let streams: Vec<&PathBuf> = names
        .keys()
        .filter(|name| name.parent().is_some_and(|it| it.ends_with("streams")))
        .collect();
    let nowhere = format!("../objects/ab/{}", "cd".repeat(63));
    for name in streams {
        for target in [Some(&nowhere), None] {
            fs::remove_file(name).expect("a name");
            if let Some(target) = target {
                symlink(target, name).expect("a link");
            }
            berth.take(&layout, "", &all());
            assert_eq!(berth.names()[name], names[name], "{}", name.display());
        }
    }
    berth.assert_sound();
}

#[test]
fn what_another_image_shares_is_mended_for_it_too() {
    let (berth, _) = filled(VerityAlgorithm::Sha512);
    let mut second = Layout::new(berth.path("second"));
    let image = second.image(OWN, &[(&archive(1), Compression::Gzip)]);
    second.enter(Some("second"), &image);
    let largest = objects(berth.repository.path())
        .into_iter()
        .filter(|path| fs::metadata(path).expect("an object").len() == 1_500_000)
        .find(|path| fs::read(path).expect("an object")[0] == 1)
        .expect("the largest file of the first layer");
    let mut bytes = fs::read(&largest).expect("an object");
    bytes[77] ^= 1;
    fs::write(&largest, bytes).expect("an object");
    let pulled = berth.take(&second, "", &PullOptions::default());
    assert_eq!(repaired(&pulled), 1);
    berth.assert_sound();
}

#[test]
fn what_the_kernel_did_not_see_is_found_by_reading_everything() {
    let (berth, layout) = filled(VerityAlgorithm::Sha512);
    let object = objects(berth.repository.path())
        .into_iter()
        .find(|path| fs::metadata(path).expect("an object").len() == 300_000)
        .expect("the model");
    fs::write(&object, [6; 300_000]).expect("an object");
    // As if no clock had moved: the names are from tomorrow.
    let tomorrow = fs::metadata(&object)
        .and_then(|it| it.modified())
        .expect("a time")
        + std::time::Duration::from_secs(86_400);
    for name in berth.names().into_keys() {
        let time = tomorrow
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a time");
        let time = rustix::fs::Timespec {
            tv_sec: time.as_secs() as i64,
            tv_nsec: 0,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, &name, &times, flags).expect("a name");
    }
    assert_eq!(repaired(&berth.take(&layout, "", &all())), 0);
    let careful = PullOptions {
        verify_stored: true,
        ..all()
    };
    assert_eq!(repaired(&berth.take(&layout, "", &careful)), 1);
    berth.assert_sound();
    assert_eq!(repaired(&berth.take(&layout, "", &careful)), 0);
}

#[test]
fn damage_without_a_source_to_mend_it_from_fails_and_changes_nothing() {
    let (berth, layout) = filled(VerityAlgorithm::Sha512);
    let object = objects(berth.repository.path())
        .into_iter()
        .find(|path| fs::metadata(path).expect("an object").len() == 300_000)
        .expect("the model");
    fs::write(&object, [6; 300_000]).expect("an object");
    let model = lazaret_layouts::digest(&[5; 300_000]);
    let path = layout.blob_path(&model);
    let good = fs::read(&path).expect("a blob");
    let names = berth.names();
    fs::remove_file(&path).expect("a blob");
    berth.refuse(&layout, "", &all(), &[&model, "missing"]);
    assert_eq!(berth.names(), names);
    fs::write(&path, good).expect("a blob");
    assert_eq!(repaired(&berth.take(&layout, "", &all())), 1);
    berth.assert_sound();
}

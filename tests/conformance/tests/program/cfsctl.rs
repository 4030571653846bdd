//! The other implementation of the repository's format, `cfsctl` 0.9.4: it finds what lazaret
//! stores whole, has the same objects itself, keeps them when it collects; and lazaret goes on
//! where it has been, without believing it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use lazaret_layouts::{Compression, digest};
use serde_json::Value;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::objects::{Kind, objects, of_kind};
use crate::tools::{succeed, tool};

const ALGORITHMS: [&str; 2] = ["fsverity-sha512-12", "fsverity-sha256-12"];

fn cfsctl(repository: &Path) -> Option<Command> {
    let mut command = tool("cfsctl")?;
    command.arg("--repo").arg(repository);
    Some(command)
}

/// What it prints.
#[track_caller]
fn ask(repository: &Path, arguments: &[&str]) -> Vec<u8> {
    succeed(cfsctl(repository).unwrap().args(arguments)).stdout
}

/// Everything it can check.
#[track_caller]
fn assert_whole_there(repository: &Path) {
    for check in [&["fsck"][..], &["oci", "fsck"]] {
        let said = String::from_utf8(ask(repository, check)).unwrap();
        assert!(said.contains("status: ok"), "{said}");
    }
}

fn images() -> [Image; 2] {
    let [shared, top] = [goods::made_up(1, 40), goods::on_top(1)];
    let first = [goods::real(), &shared].map(|archive| Layer::new(archive, Compression::Gzip));
    let second = [&shared, &top].map(|archive| Layer::new(archive, Compression::Zstd));
    [Image::new(first.to_vec()), Image::new(second.to_vec())]
}

/// Pulls both into lazaret's repository.
fn pulled(algorithm: &str) -> (Berth, Layout, [Image; 2]) {
    let berth = Berth::with(algorithm);
    let images = images();
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("first"), &images[0]);
    layout.add(Some("second"), &images[1]);
    layout.write();
    berth.pull("layout:first").expect(0);
    berth
        .run(["pull", "oci:layout:second", "--tag", "a/second:1"])
        .expect(0);
    (berth, layout, images)
}

/// Asserts that every layer of every image still rebuilds.
#[track_caller]
fn assert_rebuilds(berth: &Berth, images: &[Image]) {
    for layer in images.iter().flat_map(|image| &image.layers) {
        let rebuilt = berth.run(["cat", "--blob", &layer.diff_id]).expect(0);
        assert_eq!(digest(&rebuilt.stdout), layer.diff_id);
    }
}

#[test]
fn it_finds_everything_whole_and_has_the_same_objects() {
    for algorithm in ALGORITHMS {
        let (berth, layout, images) = pulled(algorithm);
        let ours = berth.repository();
        if cfsctl(ours).is_none() {
            return;
        }
        assert_whole_there(ours);
        let listed: Value =
            serde_json::from_slice(&ask(ours, &["oci", "images", "--json"])).unwrap();
        let mut names: Vec<(&str, &str, bool)> = listed["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap();
                (
                    text("name"),
                    text("manifest_digest"),
                    row["is_container"].as_bool().unwrap(),
                )
            })
            .collect();
        names.sort_unstable();
        let digests = [images[0].digest(), images[1].digest()];
        assert_eq!(
            names,
            [
                ("a/second:1", &*digests[1], true),
                ("first", &*digests[0], true)
            ]
        );
        for (name, image) in [("first", &images[0]), ("a/second:1", &images[1])] {
            let shown: Value =
                serde_json::from_slice(&ask(ours, &["oci", "inspect", name])).unwrap();
            assert_eq!(
                shown["manifest"].as_str().unwrap().as_bytes(),
                image.manifest_bytes()
            );
            assert_eq!(
                shown["config"].as_str().unwrap().as_bytes(),
                image.config_bytes()
            );
            for layer in &image.layers {
                let stream = format!("oci-layer-{}", layer.diff_id);
                assert_eq!(digest(&ask(ours, &["cat", &stream])), layer.diff_id);
                assert_eq!(
                    digest(&ask(ours, &["oci", "layer", &layer.diff_id])),
                    layer.diff_id
                );
            }
        }

        let theirs = berth.path("theirs");
        ask(&theirs, &["init", "--insecure", "--algorithm", algorithm]);
        for tag in ["first", "second"] {
            ask(&theirs, &["oci", "pull", &layout.source(tag), tag]);
        }
        let (ours, theirs) = (objects(ours), objects(&theirs));
        let (ours, theirs) = (of_kind(&ours, Kind::File), of_kind(&theirs, Kind::File));
        assert!(ours.len() > 100, "{} objects", ours.len());
        assert_eq!(ours, theirs);
    }
}

#[test]
fn its_collector_deletes_nothing_that_has_a_tag() {
    for algorithm in ALGORITHMS {
        let (berth, _, images) = pulled(algorithm);
        if cfsctl(berth.repository()).is_none() {
            return;
        }
        let before = (berth.names(), objects(berth.repository()));
        assert_rebuilds(&berth, &images);
        ask(berth.repository(), &["gc"]);
        assert_eq!(berth.names(), before.0);
        // But what nothing refers to: the record of the shared layer, which was written anew when
        // it came again in another compression.
        let after = objects(berth.repository());
        let gone: Vec<_> = before
            .1
            .iter()
            .filter(|(name, _)| !after.contains_key(*name))
            .collect();
        assert!(
            gone.iter().all(|(_, kind)| **kind == Kind::Stream) && gone.len() <= 1,
            "{gone:?}"
        );
        assert_rebuilds(&berth, &images);
        berth.assert_sound();
        assert_whole_there(berth.repository());

        // What has no tag goes, and only that.
        berth.run(["untag", "a/second:1"]).expect(0);
        ask(berth.repository(), &["gc"]);
        assert!(objects(berth.repository()).len() < before.1.len());
        assert_rebuilds(&berth, &images[..1]);
        assert_whole_there(berth.repository());
        let checked = berth.run(["fsck", "--deep", "--json"]).expect(0).json();
        for finding in checked["findings"].as_array().unwrap() {
            assert_eq!(finding["severity"], "information", "{finding}");
        }
        // And can be pulled again.
        berth.pull("layout:second").expect(0);
        assert_rebuilds(&berth, &images);
        berth.assert_sound();
    }
}

#[test]
fn a_repository_that_it_made_and_pulled_into_is_gone_on_with() {
    for algorithm in ALGORITHMS {
        let berth = Berth::new();
        if cfsctl(berth.repository()).is_none() {
            return;
        }
        let images = images();
        let mut layout = Layout::new(berth.path("layout"));
        layout.add(Some("first"), &images[0]);
        layout.add(Some("second"), &images[1]);
        layout.write();
        ask(
            berth.repository(),
            &["init", "--insecure", "--algorithm", algorithm],
        );
        ask(
            berth.repository(),
            &["oci", "pull", &layout.source("first"), "theirs"],
        );
        assert_eq!(berth.tags()["theirs"], images[0].digest());
        let before = objects(berth.repository());

        // The same image: read, since nobody vouches for what is there, and found to be the same.
        let again = berth
            .run(["pull", "--json", &layout.source("first")])
            .expect(0)
            .json();
        assert_eq!(again["layers"][0]["reused"], false);
        let after = objects(berth.repository());
        assert_eq!(of_kind(&before, Kind::File), of_kind(&after, Kind::File));
        assert_eq!(of_kind(&before, Kind::Image), of_kind(&after, Kind::Image));
        // Another one, which shares a layer with it.
        let second = berth
            .run(["pull", "--json", &layout.source("second")])
            .expect(0)
            .json();
        assert_eq!(second["layers"][0]["reused"], false);
        assert_whole_there(berth.repository());
        berth.assert_sound();
        assert_rebuilds(&berth, &images);
        let mut tags: Vec<String> = berth.tags().into_keys().collect();
        tags.sort();
        assert_eq!(tags, ["first", "second", "theirs"]);

        let before = (berth.names(), objects(berth.repository()));
        ask(berth.repository(), &["gc"]);
        assert_eq!(berth.names(), before.0);
        assert_rebuilds(&berth, &images);
        berth.assert_sound();
        // And it goes on where lazaret has been.
        ask(
            berth.repository(),
            &["oci", "pull", &layout.source("second"), "theirs:2"],
        );
        assert_whole_there(berth.repository());
        berth.run(["inspect", "theirs:2"]).expect(0);
    }
}

#[test]
fn a_layer_that_lies_there_under_a_wrong_name_is_not_believed() {
    let berth = Berth::new();
    if cfsctl(berth.repository()).is_none() {
        return;
    }
    let [honest, other] =
        [1, 2].map(|seed| Layer::new(&goods::made_up(seed, 30), Compression::Gzip));
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("other"), &Image::new(vec![other.clone()]));
    layout.add(Some("honest"), &Image::new(vec![honest.clone()]));
    layout.write();
    ask(berth.repository(), &["init", "--insecure"]);
    ask(
        berth.repository(),
        &["oci", "pull", &layout.source("other"), "other"],
    );
    let streams = berth.repository().join("streams");
    let target = fs::read_link(streams.join(format!("oci-layer-{}", other.diff_id))).unwrap();
    let name = streams.join(format!("oci-layer-{}", honest.diff_id));
    symlink(&target, &name).unwrap();

    // It is not given out either.
    let ran = berth.run(["cat", "--blob", &honest.diff_id]).expect(6);
    ran.says(&[&honest.diff_id, &other.diff_id]);
    let ran = berth.run(["fsck", "--deep"]).expect(6);
    assert!(
        ran.text()
            .contains(&format!("layer {}: content mismatch", honest.diff_id)),
        "{}",
        ran.text()
    );

    let pulled = berth
        .run(["pull", "--json", &layout.source("honest")])
        .expect(0)
        .json();
    assert_eq!(pulled["layers"][0]["reused"], false);
    assert_ne!(fs::read_link(&name).unwrap(), target);
    let rebuilt = berth.run(["cat", "--blob", &honest.diff_id]).expect(0);
    assert_eq!(digest(&rebuilt.stdout), honest.diff_id);
    assert_whole_there(berth.repository());
    let checked = berth.run(["fsck", "--deep", "--json"]).expect(0).json();
    assert_eq!(checked["damaged"], false);
}

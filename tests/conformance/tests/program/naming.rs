//! Tags come, move and go; digests stay.

use lazaret_layouts::Compression;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;

#[test]
fn tags_come_move_and_go() {
    let berth = Berth::new();
    let [first, second] = [1, 2].map(|seed| {
        Image::new(vec![Layer::new(
            &goods::made_up(seed, 5),
            Compression::Gzip,
        )])
    });
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("first"), &first);
    layout.add(Some("second"), &second);
    layout.write();
    berth.pull("layout:first").expect(0);
    berth.pull("layout:second").expect(0);
    let tags = |pairs: &[(&str, &Image)]| {
        pairs
            .iter()
            .map(|(tag, image)| ((*tag).to_owned(), image.digest()))
            .collect()
    };
    assert_eq!(
        berth.tags(),
        tags(&[("first", &first), ("second", &second)])
    );

    berth.run(["tag", "first", "a/b:c"]).expect(0);
    assert_eq!(
        berth.tags(),
        tags(&[("a/b:c", &first), ("first", &first), ("second", &second)])
    );
    berth.run(["tag", "second", "a/b:c"]).expect(0);
    assert_eq!(
        berth.tags(),
        tags(&[("a/b:c", &second), ("first", &first), ("second", &second)])
    );
    berth.run(["untag", "first"]).expect(0);
    berth.run(["untag", "second"]).expect(0);
    assert_eq!(berth.tags(), tags(&[("a/b:c", &second)]));
    berth.assert_sound();

    berth
        .run(["untag", "first"])
        .expect(5)
        .says(&["error: untagging first: no tag first\n"]);
    berth.run(["tag", "first", "x"]).expect(5);
    let missing = format!("@{}", lazaret_layouts::digest(b"nothing"));
    berth.run(["tag", &missing, "x"]).expect(5);
    for bad in ["@x", "", ".", "a\nb"] {
        berth.run(["tag", "a/b:c", bad]).expect(2);
    }

    // What has no tag can still be named, and named again.
    let digest = format!("@{}", first.digest());
    let manifest = berth.run(["inspect", &digest, "--manifest"]).expect(0);
    assert_eq!(manifest.stdout, first.manifest_bytes());
    let config = berth.run(["inspect", &digest, "--config"]).expect(0);
    assert_eq!(config.stdout, first.config_bytes());
    berth.run(["tag", &digest, "back"]).expect(0);
    assert_eq!(berth.tags(), tags(&[("a/b:c", &second), ("back", &first)]));
    let shown = berth.run(["inspect", "back", "--json"]).expect(0).json();
    assert_eq!(shown["tags"], serde_json::json!(["back"]));
    berth.assert_sound();
}

#[test]
fn a_pull_moves_the_tag_to_what_it_brought() {
    let berth = Berth::new();
    for seed in [1, 2] {
        let image = Image::new(vec![Layer::new(
            &goods::made_up(seed, 5),
            Compression::Zstd,
        )]);
        let layout = Layout::of(berth.path(&format!("layout{seed}")), "latest", &image);
        berth.run(["pull", &layout.source("latest")]).expect(0);
        assert_eq!(berth.tags(), [("latest".to_owned(), image.digest())].into());
    }
    berth.assert_sound();
}

#[test]
fn files_are_read_and_listed_through_all_layers() {
    let berth = Berth::new();
    let image = Image::new(vec![
        Layer::new(&goods::made_up(1, 30), Compression::Gzip),
        Layer::new(&goods::on_top(1), Compression::Zstd),
    ]);
    Layout::of(berth.path("layout"), "demo", &image);
    berth.pull("layout").expect(0);
    let file = berth.run(["cat", "demo", "usr/001-000/file 4"]).expect(0);
    assert_eq!(file.stdout, b"replaced\n");
    berth.run(["cat", "demo", "usr/001-000/file 5"]).expect(5);
    let listed = berth.run(["ls", "demo", "/usr/001-001"]).expect(0);
    assert_eq!(listed.text(), "only\n");
    // A link is followed inside the image.
    let [linked, hard] =
        ["usr/001-soft", "usr/001-hard"].map(|path| berth.run(["cat", "demo", path]));
    assert_eq!(hard.expect(0).stdout.len(), 65);
    // The target is relative to the link's directory, where there is no `usr`.
    linked.expect(5);
    berth
        .run(["cat", "demo", "usr"])
        .expect(1)
        .says(&["not a regular file but a directory"]);
    for nowhere in ["nowhere", "../../etc/passwd"] {
        berth.run(["cat", "demo", nowhere]).expect(5);
    }
}

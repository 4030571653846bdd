//! Every JSON that is printed has the names that `--help` promises, and every exit code is the
//! documented one.

use std::collections::BTreeSet;

use lazaret_layouts::Compression;
use serde_json::{Value, json};

use crate::berth::Berth;
use crate::goods;
use crate::image::{ARCHITECTURE, Image, Layer};
use crate::layout::Layout;

/// Asserts the exact set of names of an object.
#[track_caller]
fn assert_names(value: &Value, names: &str) {
    let found: BTreeSet<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(found, names.split_whitespace().collect::<BTreeSet<_>>());
}

/// Asserts that `--help` of a verb speaks of every name.
#[track_caller]
fn assert_documented(berth: &Berth, verb: &str, names: &str) {
    let help = berth.run([verb, "--help"]).expect(0);
    let words: BTreeSet<&str> = help
        .text()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .collect();
    for name in names.split_whitespace() {
        assert!(words.contains(name), "{verb} --help does not say {name}");
    }
}

#[test]
fn json_has_the_documented_names() {
    let berth = Berth::new();
    let archives = [goods::made_up(1, 30), goods::on_top(1)];
    let layers = archives
        .iter()
        .map(|archive| Layer::new(archive, Compression::Gzip))
        .collect();
    let image = Image::new(layers);
    let layout = Layout::of(berth.path("layout"), "demo", &image);

    let pulled = berth
        .run(["pull", "--json", &layout.source("demo")])
        .expect(0)
        .json();
    let names = "source repository digest kind tags seconds manifests indexes referrers \
        manifest config platform layers";
    assert_names(&pulled, names);
    assert_documented(&berth, "pull", names);
    assert_eq!(pulled["source"], layout.source("demo"));
    assert_eq!(pulled["manifest"], image.digest());
    assert_eq!(pulled["platform"], format!("linux/{ARCHITECTURE}"));
    assert_eq!(pulled["tags"], json!(["demo"]));
    assert_eq!(pulled["digest"], pulled["manifest"]);
    assert_eq!(pulled["layers"], pulled["manifests"][0]["layers"]);
    let names = "digest mediaType size content contentSize reused repaired keptCompressed entries \
        fuel newObjects newBytes reflinkedBytes handedOn parts";
    assert_names(&pulled["layers"][0], names);
    assert_documented(&berth, "pull", names);
    assert_eq!(pulled["layers"][0]["digest"], image.layers[0].digest);
    assert_eq!(pulled["layers"][0]["size"], image.layers[0].size);
    assert_eq!(pulled["layers"][0]["content"], image.layers[0].diff_id);
    assert_eq!(pulled["layers"][0]["contentSize"], archives[0].len());
    assert_eq!(pulled["layers"][1]["reused"], false);

    let rows = berth.run(["images", "--json"]).expect(0).json_lines();
    let names = "name digest kind platform created size shared layers stored referrers";
    assert_eq!(rows.len(), 1);
    assert_names(&rows[0], names);
    assert_documented(&berth, "images", names);
    let documents = image.manifest_bytes().len() + image.config_bytes().len();
    let size = documents + archives[0].len() + archives[1].len();
    assert_eq!(
        rows[0],
        json!({"name": "demo", "digest": image.digest(), "kind": "image",
            "platform": {"os": "linux", "architecture": ARCHITECTURE},
            "created": "2026-01-01T00:00:00Z", "size": size, "shared": 0,
            "layers": 2, "stored": 2, "referrers": 0})
    );

    let shown = berth.run(["inspect", "demo", "--json"]).expect(0).json();
    let names = "name digest mediaType kind platform created size tags config annotations \
        referrers layers";
    assert_names(&shown, names);
    assert_documented(&berth, "inspect", names);
    assert_eq!(shown["size"], size);
    let names = "mediaType digest size content contentSize keptCompressed importer entries facts \
        fuel verdict";
    assert_names(&shown["layers"][1], names);
    assert_documented(&berth, "inspect", names);
    assert_names(&shown["layers"][1]["importer"], "name version digest wit");
    assert_eq!(shown["layers"][1]["verdict"], "imported");

    let info = berth.run(["info", "--json"]).expect(0).json();
    let names = "path algorithm verity features tags images artifacts manifests indexes layers \
        keptBlobs referrers objects objectBytes allocatedBytes streams references erofsImages \
        imageBytes sharing";
    assert_names(&info, names);
    assert_names(&info["sharing"], "bytes stored saved");
    assert_documented(&berth, "info", names);
    assert_eq!(info["imageBytes"], size);
    assert_eq!(
        info["objects"],
        crate::objects::objects(berth.repository()).len()
    );

    let checked = berth.run(["fsck", "--json"]).expect(0).json();
    let names = "damaged objects objectBytes streams images layers blobs records findings";
    assert_names(&checked, names);
    assert_documented(&berth, "fsck", names);
    assert_eq!(checked["objects"], info["objects"]);
    assert_eq!(
        [&checked["images"], &checked["layers"], &checked["records"]],
        [1, 2, 2].map(|n| json!(n)).each_ref()
    );

    let made = berth.run(["init", "--json"]).expect(0).json();
    assert_names(&made, "path algorithm verity");
    let exported = berth
        .run(["export", "demo", "out", "--json"])
        .expect(0)
        .json();
    let names = "directory entries bytes seconds warnings";
    assert_names(&exported, names);
    assert_documented(&berth, "export", names);
}

#[test]
fn listed_entries_have_the_documented_names() {
    let berth = Berth::new();
    let image = Image::new(vec![Layer::new(&goods::made_up(1, 5), Compression::Gzip)]);
    Layout::of(berth.path("layout"), "demo", &image);
    berth.pull("layout").expect(0);
    let lines = berth
        .run(["ls", "demo", "-R", "--json"])
        .expect(0)
        .json_lines();
    let common = "path kind mode uid gid mtime links";
    assert_documented(&berth, "ls", &format!("{common} size target device"));
    for line in &lines {
        let more = match line["kind"].as_str().unwrap() {
            "regular" => " size",
            "symlink" => " target",
            "directory" => "",
            kind => panic!("{kind}"),
        };
        assert_names(line, &format!("{common}{more}"));
    }
    let paths: Vec<&str> = lines
        .iter()
        .map(|line| line["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "usr",
            "usr/001-000",
            "usr/001-000/file 0",
            "usr/001-000/file 1",
            "usr/001-000/file 2",
            "usr/001-000/file 3",
            "usr/001-000/file 4",
            "usr/001-hard",
            "usr/001-soft",
        ]
    );
    assert_eq!(lines[7]["links"], 2);
    assert_eq!(lines[8]["target"], "usr/001-000/file 3");
    assert_eq!(
        (&lines[4]["size"], &lines[4]["mode"]),
        (&json!(64), &json!(0o755))
    );
    assert_eq!(lines[4]["mtime"], "2023-11-14T22:13:20Z");
}

#[test]
fn what_is_asked_for_and_is_not_there_exits_with_5_and_nonsense_with_2() {
    let berth = Berth::new();
    let image = Image::new(vec![Layer::new(&goods::made_up(1, 5), Compression::Gzip)]);
    Layout::of(berth.path("layout"), "demo", &image);
    let missing = format!("@{}", lazaret_layouts::digest(b"nothing"));
    let blob = missing.trim_start_matches('@');
    let of_repository = [
        &["images"][..],
        &["inspect", "demo"],
        &["ls", "demo"],
        &["cat", "demo", "usr"],
        &["export", "demo", "out"],
        &["fsck"],
        &["info"],
        &["tag", "demo", "x"],
        &["untag", "demo"],
    ];
    for arguments in of_repository {
        berth
            .run(arguments)
            .expect(5)
            .says(&["there is no repository at"]);
    }
    assert!(!berth.repository().exists());
    berth.pull("layout").expect(0);
    for arguments in [
        &["inspect", "nope"][..],
        &["inspect", &missing],
        &["ls", "nope"],
        &["ls", "demo", "nope"],
        &["cat", "demo", "nope"],
        &["cat", "--blob", blob],
        &["export", "nope", "out"],
        &["fsck", "nope"],
        &["tag", "nope", "x"],
        &["untag", "nope"],
        &["pull", "oci:nope"],
        &["pull", "oci:layout:nope"],
        &["pull", &format!("oci:layout{missing}")],
        &["pull", "oci:layout", "--platform", "plan9/mips"],
    ] {
        let ran = berth.run(arguments).expect(5);
        assert!(
            ran.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.text(), "", "{arguments:?}");
    }
    for arguments in [
        &["inspect", "@nope"][..],
        &["cat", "--blob", "nope"],
        &["pull", "nope"],
        &["pull", "docker:nope"],
        &["pull", "docker://Nope"],
        &["pull", "oci:layout", "--platform", "nope"],
        &["pull", "oci:layout", "--max-ratio", "nope"],
        &["pull", "oci:layout", "--tag", "@nope"],
        &["export", "demo", "-", "--json"],
        &["init", "--algorithm", "md5"],
    ] {
        let ran = berth.run(arguments).expect(2);
        assert!(
            ran.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.text(), "", "{arguments:?}");
    }
    berth.assert_sound();
}

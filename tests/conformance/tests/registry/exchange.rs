//! What one program pushes to a docker-registry the other pulls from there, both ways, with the
//! same digests: images, indexes of several platforms, artifacts.

use lazaret_layouts::Compression;
use lazaret_registry::Access;
use serde_json::Value;

use crate::berth::Berth;
use crate::blobs::assert_same;
use crate::image::{DOCKER_MANIFEST, Image, Layer};
use crate::layout::{Layout, on};
use crate::shelf::{Shelf, assert_sound, assert_undamaged};
use crate::stock::{Stock, TAGS};
use crate::{goods, image, stock};

#[test]
fn skopeo_pushes_and_lazaret_pulls() {
    let Some(shelves) = Shelf::both() else {
        return;
    };
    for shelf in &shelves {
        let berth = Berth::new();
        let stock = Stock::new(&berth);
        for tag in TAGS {
            if shelf
                .take(&stock.source(tag), &format!("in/{tag}:{tag}"), &[])
                .is_none()
            {
                return;
            }
            let source = shelf.reference(&format!("in/{tag}:{tag}"));
            shelf
                .lazaret(&berth, &["pull", "--all-platforms", "--tag", tag, &source])
                .expect(0);
            assert_eq!(berth.tags()[tag], stock.digests[tag]);
        }
        assert_sound(&berth);
        for tag in TAGS {
            let bytes = berth.run(["inspect", tag, "--raw"]).expect(0).stdout;
            assert_eq!(lazaret_layouts::digest(&bytes), stock.digests[tag]);
        }
    }
}

#[test]
fn lazaret_pushes_and_skopeo_pulls() {
    let Some(shelves) = Shelf::both() else {
        return;
    };
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    for tag in TAGS {
        berth
            .run([
                "pull",
                "--all-platforms",
                "--keep-compressed",
                &stock.source(tag),
            ])
            .expect(0);
    }
    assert_sound(&berth);
    for (number, shelf) in shelves.iter().enumerate() {
        for tag in TAGS {
            let name = format!("out/{tag}:{tag}");
            shelf
                .lazaret(&berth, &["push", "--all", tag, &shelf.reference(&name)])
                .expect(0);
            let Some(digest) = shelf.digest(&name) else {
                return;
            };
            assert_eq!(digest, stock.digests[tag], "{tag}");
            let copy = berth.path(&format!("copy{number}-{tag}"));
            shelf.give(&name, &format!("oci:{}:{tag}", copy.display()));
            assert_same(&copy, stock.layout.path(), &stock.digests[tag]);
        }
    }
}

/// What few programs can copy goes to and fro between lazaret and the registry.
#[test]
fn an_index_in_an_index() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    berth
        .run([
            "pull",
            "--all-platforms",
            "--keep-compressed",
            &stock.source("nested"),
        ])
        .expect(0);
    shelf
        .lazaret(
            &berth,
            &["push", "--all", "nested", &shelf.reference("nested:1")],
        )
        .expect(0);
    let other = Berth::new();
    shelf
        .lazaret(
            &other,
            &[
                "pull",
                "--all-platforms",
                "--keep-compressed",
                "--tag",
                "back",
                &shelf.reference("nested:1"),
            ],
        )
        .expect(0);
    assert_eq!(other.tags()["back"], stock.digests["nested"]);
    assert_sound(&other);
    let layout = other.path("out");
    other
        .run([
            "push",
            "--all",
            "back",
            &format!("oci:{}:back", layout.display()),
        ])
        .expect(0);
    assert_same(&layout, stock.layout.path(), &stock.digests["nested"]);
}

#[test]
fn one_platform_of_several() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    if shelf.take(&stock.source("multi"), "multi:1", &[]).is_none() {
        return;
    }
    let source = shelf.reference("multi:1");
    let foreign = format!("linux/{}", image::FOREIGN);
    let own = format!("linux/{}", image::ARCHITECTURE);
    // The default is this machine's: nothing of the other is asked for.
    berth.run(["pull", "--tag", "own", &source]).expect(0);
    let other = stock::image(image::FOREIGN, 2);
    for layer in &other.layers {
        let fetched = format!("GET /v2/multi/blobs/{}", layer.digest);
        assert!(!shelf.log().contains(&fetched), "{fetched}");
    }
    berth
        .run(["pull", "--tag", "other", "--platform", &foreign, &source])
        .expect(0);
    berth
        .run([
            "pull",
            "--tag",
            "both",
            "--platform",
            &foreign,
            "--platform",
            &own,
            &source,
        ])
        .expect(0);
    for tag in ["own", "other", "both"] {
        assert_eq!(berth.tags()[tag], stock.digests["multi"], "{tag}");
    }
    assert_undamaged(&berth);
    berth
        .run(["pull", "--platform", "linux/s390x", &source])
        .expect(5)
        .says(&["linux/s390x"]);
}

/// Docker's manifests and lists, as skopeo makes them of OCI's.
#[test]
fn schema_2() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let entries = [image::ARCHITECTURE, image::FOREIGN].map(|architecture| {
        let layers = [1, 2].map(|seed| Layer::new(&goods::made_up(seed, 12), Compression::Gzip));
        let image = Image::for_platform(layers.to_vec(), architecture);
        on(layout.store(&image), architecture)
    });
    let index = layout.store_index(&entries);
    layout.enter(Some("index"), index);
    layout.enter(Some("image"), entries[0].clone());
    layout.write();
    for tag in ["image", "index"] {
        let name = format!("docker/{tag}:1");
        if shelf
            .take(&layout.source(tag), &name, &["--format", "v2s2"])
            .is_none()
        {
            return;
        }
        let digest = shelf.digest(&name).unwrap();
        berth
            .run([
                "pull",
                "--all-platforms",
                "--keep-compressed",
                "--tag",
                tag,
                &shelf.reference(&name),
            ])
            .expect(0);
        assert_eq!(berth.tags()[tag], digest);
        let again = format!("again/{tag}:1");
        berth
            .run(["push", "--all", tag, &shelf.reference(&again)])
            .expect(0);
        assert_eq!(shelf.digest(&again).unwrap(), digest);
    }
    let manifest = berth.run(["inspect", "image", "--manifest"]).expect(0);
    let manifest: Value = serde_json::from_slice(&manifest.stdout).unwrap();
    assert_eq!(manifest["mediaType"], DOCKER_MANIFEST);
    assert_sound(&berth);
}

#[test]
fn by_digest_and_with_a_tag_besides() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    if shelf
        .take(&stock.source("image"), "some/where:v1", &[])
        .is_none()
    {
        return;
    }
    let [digest, other] = ["image", "artifact"].map(|tag| &stock.digests[tag]);
    berth
        .run(["pull", &shelf.reference(&format!("some/where@{digest}"))])
        .expect(0);
    // The name is all of the reference.
    let by_digest = format!("{}/some/where@{digest}", shelf.host());
    assert_eq!(berth.tags(), [(by_digest, digest.clone())].into());
    berth
        .run(["pull", &shelf.reference("some/where:v1")])
        .expect(0);
    assert_eq!(
        berth.tags()[&format!("{}/some/where:v1", shelf.host())],
        *digest
    );
    berth
        .run([
            "pull",
            "--tag",
            "both",
            &shelf.reference(&format!("some/where:v1@{digest}")),
        ])
        .expect(0);
    assert_eq!(berth.tags()["both"], *digest);
    // What the tag leads to is not what was asked for, or nothing is there.
    berth
        .run(["pull", &shelf.reference(&format!("some/where@{other}"))])
        .expect(5);
    for absent in ["some/where:v2", "no/where:v1"] {
        berth
            .run(["pull", &shelf.reference(absent)])
            .expect(5)
            .says(&[absent.split(':').next().unwrap()]);
    }
    assert_sound(&berth);
}

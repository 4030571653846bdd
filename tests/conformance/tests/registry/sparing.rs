//! Nothing is sent that the destination has, and nothing is fetched that is here.

use lazaret_layouts::Compression;
use lazaret_registry::{Access, Behaviour, Registry};

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::shelf::{Shelf, assert_sound};
use crate::stock::Stock;

/// Two images that share a layer, pulled with their compressed layers.
fn two(berth: &Berth) -> [Image; 2] {
    let layer = |seed| Layer::new(&goods::made_up(seed, 15), Compression::Gzip);
    let images = [[1, 2], [1, 3]].map(|seeds| Image::new(seeds.map(layer).to_vec()));
    let mut layout = Layout::new(berth.path("two"));
    for (tag, image) in ["first", "second"].iter().zip(&images) {
        layout.add(Some(tag), image);
    }
    layout.write();
    for tag in ["first", "second"] {
        berth
            .run(["pull", "--keep-compressed", &layout.source(tag)])
            .expect(0);
    }
    images
}

#[test]
fn a_second_push_sends_nothing() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let berth = Berth::new();
    let stock = Stock::new(&berth);
    berth
        .run([
            "pull",
            "--all-platforms",
            "--keep-compressed",
            &stock.source("multi"),
        ])
        .expect(0);
    let to = format!("docker://{}/a:1", registry.host());
    berth.run(["push", "--all", "multi", &to]).expect(0);
    assert_eq!(registry.repository("a").tags["1"], stock.digests["multi"]);
    registry.clear_log();
    berth.run(["push", "--all", "multi", &to]).expect(0);
    assert_eq!(registry.count("POST", "*"), 0);
    assert_eq!(registry.count("PATCH", "*"), 0);
    assert_eq!(registry.count("PUT", "*/blobs/*"), 0);
    // At the most the tag, and what it leads to.
    assert!(registry.count("PUT", "*") <= 1, "{:?}", registry.log());
}

#[test]
fn only_the_layer_that_is_not_there_yet() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let berth = Berth::new();
    let images = two(&berth);
    for (tag, uploads) in [("first", 3), ("second", 2)] {
        registry.clear_log();
        let to = format!("docker://{}/a:{tag}", registry.host());
        berth.run(["push", tag, &to]).expect(0);
        let begun = registry.count("POST", "/v2/a/blobs/uploads/");
        assert_eq!(begun, uploads, "{tag}: {:?}", registry.log());
    }
    let held = registry.repository("a");
    assert_eq!(held.tags["second"], images[1].digest());
    for layer in images.iter().flat_map(|image| &image.layers) {
        assert_eq!(*held.blobs[&layer.digest], layer.blob);
    }
}

/// What was pulled from a repository of the registry it is pushed to is mounted from there.
#[test]
fn a_layer_of_the_repository_next_door_is_mounted() {
    for mount in [true, false] {
        let registry = Registry::start(Behaviour {
            mount,
            ..Behaviour::default()
        })
        .unwrap();
        let berth = Berth::new();
        let images = two(&berth);
        let first = format!("docker://{}/a:1", registry.host());
        berth.run(["push", "first", &first]).expect(0);
        let other = Berth::new();
        other
            .run(["pull", "--keep-compressed", "--tag", "first", &first])
            .expect(0);
        registry.clear_log();
        let second = format!("docker://{}/b:1", registry.host());
        other.run(["push", "first", &second]).expect(0);
        let held = registry.repository("b");
        assert_eq!(held.tags["1"], images[0].digest());
        for layer in &images[0].layers {
            assert_eq!(*held.blobs[&layer.digest], layer.blob);
        }
        let log = registry.log();
        let mounts = log
            .iter()
            .filter(|request| request.query.contains("mount=") && request.status == 201)
            .count();
        let sent: u64 = log
            .iter()
            .filter(|request| request.path.contains("/blobs/"))
            .map(|request| request.body_length)
            .sum();
        println!("mount {mount}: {mounts} mounted, {sent} bytes sent");
        if !mount {
            assert_eq!(mounts, 0);
            assert!(sent > 0);
        }
    }
}

#[test]
fn what_is_here_is_not_fetched_again() {
    let registry = Registry::start(Behaviour::default()).unwrap();
    let berth = Berth::new();
    let images = two(&berth);
    for tag in ["first", "second"] {
        let to = format!("docker://{}/a:{tag}", registry.host());
        berth.run(["push", tag, &to]).expect(0);
    }
    let other = Berth::new();
    let source = |tag: &str| format!("docker://{}/a:{tag}", registry.host());
    other.run(["pull", &source("first")]).expect(0);
    registry.clear_log();
    other.run(["pull", &source("second")]).expect(0);
    let shared = &images[0].layers[0].digest;
    assert_eq!(registry.count("GET", &format!("*/blobs/{shared}")), 0);
    let own = &images[1].layers[1].digest;
    assert_eq!(registry.count("GET", &format!("*/blobs/{own}")), 1);
    // And all of it again fetches no layer at all.
    registry.clear_log();
    other.run(["pull", &source("second")]).expect(0);
    for layer in &images[1].layers {
        assert_eq!(
            registry.count("GET", &format!("*/blobs/{}", layer.digest)),
            0
        );
    }
    assert_sound(&other);
}

#[test]
fn docker_registry_mounts_and_has_what_was_pushed_before() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let images = two(&berth);
    for tag in ["first", "second", "second"] {
        berth
            .run(["push", tag, &shelf.reference(&format!("a:{tag}"))])
            .expect(0);
    }
    // An upload begins with a POST; the config and three layers, one of them shared.
    let log = shelf.log();
    let begun = log
        .lines()
        .filter(|line| line.starts_with("POST /v2/a/blobs/uploads/"))
        .count();
    assert_eq!(begun, 5, "{log}");
    assert_eq!(shelf.digest("a:second"), Some(images[1].digest()));
}

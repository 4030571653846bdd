//! Several pulls at once into one repository.

use std::process::{Child, Stdio};

use lazaret_layouts::Compression;

use crate::berth::Berth;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;
use crate::program::Ran;

/// Starts all, then waits for all; each must succeed.
fn pull_all(berth: &Berth, sources: &[String]) {
    let start = |source: &String| {
        berth
            .lazaret()
            .args(["pull", source])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = sources.iter().map(start).collect();
    for child in children {
        Ran::from(child.wait_with_output().unwrap()).expect(0);
    }
}

#[test]
fn of_the_same_image() {
    for count in [2, 4] {
        let berth = Berth::new();
        let layers = [(1, Compression::Gzip), (2, Compression::Zstd)];
        let image = layers.map(|(seed, how)| Layer::new(&goods::made_up(seed, 40), how));
        let image = Image::new(image.to_vec());
        let layout = Layout::of(berth.path("layout"), "demo", &image);
        // The repository does not exist yet: they make it together, too.
        pull_all(&berth, &vec![layout.source("demo"); count]);
        berth.assert_sound();
        assert_eq!(berth.tags(), [("demo".to_owned(), image.digest())].into());
    }
}

#[test]
fn of_different_images_that_share_a_layer() {
    for count in [2, 4] {
        let berth = Berth::new();
        let mut layout = Layout::new(berth.path("layout"));
        let mut wanted = Vec::new();
        for number in 0..count {
            // The shared layer travels in another way each time, and every image is large enough
            // to be under way when the others are.
            let compression = [Compression::Gzip, Compression::Zstd, Compression::None][number % 3];
            let shared = Layer::new(&goods::made_up(1, 40), compression);
            let own = Layer::new(&goods::made_up(10 + number as u64, 25), compression);
            let image = Image::new(vec![shared, own]);
            let tag = format!("image:{number}");
            layout.add(Some(&tag), &image);
            wanted.push((tag, image.digest()));
        }
        layout.write();
        let sources: Vec<String> = wanted.iter().map(|(tag, _)| layout.source(tag)).collect();
        pull_all(&berth, &sources);
        berth.assert_sound();
        assert_eq!(berth.tags(), wanted.into_iter().collect());
    }
}

#[test]
fn of_different_images_with_the_same_tag() {
    let berth = Berth::new();
    let images: Vec<Image> = (1..5)
        .map(|seed| {
            Image::new(vec![Layer::new(
                &goods::made_up(seed, 15),
                Compression::Gzip,
            )])
        })
        .collect();
    let layouts: Vec<Layout> = images
        .iter()
        .enumerate()
        .map(|(number, image)| Layout::of(berth.path(&format!("{number}")), "same", image))
        .collect();
    let sources: Vec<String> = layouts.iter().map(|layout| layout.source("same")).collect();
    pull_all(&berth, &sources);
    berth.assert_sound();
    let tags = berth.tags();
    assert_eq!(tags.len(), 1);
    assert!(images.iter().any(|image| image.digest() == tags["same"]));
    for image in &images {
        berth
            .run(["inspect", &format!("@{}", image.digest())])
            .expect(0);
    }
}

//! Which image a source names: by tag, digest and platform, through indexes; and what it is called
//! afterwards.

use lazaret_layouts::Compression;
use serde_json::Value;

use crate::berth::Berth;
use crate::goods;
use crate::image::{ARCHITECTURE, FOREIGN, Image, Layer};
use crate::layout::{Layout, on};

/// A small image, different for each seed.
fn image(seed: u64, architecture: &str) -> Image {
    let layer = Layer::new(&goods::made_up(seed, 2), Compression::Gzip);
    Image::for_platform(vec![layer], architecture)
}

/// The manifest that a pull took.
#[track_caller]
fn taken(berth: &Berth, arguments: &[&str]) -> String {
    let document = berth
        .run(["pull", "--json"].iter().chain(arguments))
        .expect(0)
        .json();
    document["manifest"].as_str().unwrap().to_owned()
}

/// Entries for this machine's and another platform, as an index has them.
fn both(layout: &Layout, labelled: bool) -> (Vec<Value>, [String; 2]) {
    let images = [image(1, FOREIGN), image(2, ARCHITECTURE)];
    let entries = images
        .iter()
        .zip([FOREIGN, ARCHITECTURE])
        .map(|(image, architecture)| {
            let descriptor = layout.store(image);
            if labelled {
                on(descriptor, architecture)
            } else {
                descriptor
            }
        });
    (entries.collect(), images.map(|image| image.digest()))
}

#[test]
fn a_platform_is_chosen_from_an_index() {
    let berth = Berth::new();
    for (number, labelled) in [true, false].into_iter().enumerate() {
        let mut layout = Layout::new(berth.path(&format!("layout{number}")));
        let (entries, [foreign, own]) = both(&layout, labelled);
        let index = layout.store_index(&entries);
        let both = index["digest"].as_str().unwrap().to_owned();
        layout.enter(Some("both"), index);
        layout.write();
        let source = layout.source("both");
        assert_eq!(taken(&berth, &[&source]), own, "labelled: {labelled}");
        let platform = format!("linux/{FOREIGN}");
        assert_eq!(
            taken(&berth, &[&source, "--platform", &platform, "--tag", "f"]),
            foreign
        );
        let platform = format!("linux/{ARCHITECTURE}");
        assert_eq!(
            taken(&berth, &[&source, "--platform", &platform, "--tag", "o"]),
            own
        );
        berth
            .run(["pull", &source, "--platform", "linux/riscv64"])
            .expect(5)
            .says(&[
                "no image for linux/riscv64; there is ",
                &format!("linux/{FOREIGN}"),
                &format!("linux/{ARCHITECTURE}"),
                "hint: --platform OS/ARCH[/VARIANT] chooses one",
            ]);
        // All of them name the index, of which both are stored by now.
        let tags = berth.tags();
        assert_eq!([&tags["both"], &tags["f"], &tags["o"]], [&both; 3]);
    }
    berth.assert_sound();
}

#[test]
fn an_index_may_be_inside_an_index() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let (entries, [_, own]) = both(&layout, true);
    let inner = layout.store_index(&entries);
    let outer = layout.store_index(&[inner]);
    layout.enter(Some("nested"), outer);
    layout.write();
    assert_eq!(taken(&berth, &[&layout.source("nested")]), own);
    // The other image is not there, which is worth knowing.
    berth.assert_undamaged();
}

#[test]
fn an_index_whose_label_lies_about_the_platform_is_refused_on_request() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let descriptor = on(layout.store(&image(1, FOREIGN)), "s390x");
    let index = layout.store_index(&[descriptor]);
    layout.enter(Some("lie"), index);
    layout.write();
    let arguments = ["pull", &layout.source("lie"), "--platform", "linux/s390x"];
    berth.run(arguments).expect(3).says(&[
        &format!("{}: platform mismatch", image(1, FOREIGN).digest()),
        "\n  expected linux/s390x\n",
        &format!("\n  found    linux/{FOREIGN}\n"),
    ]);
}

#[test]
fn a_digest_names_an_image_at_any_depth() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    let (entries, [foreign, own]) = both(&layout, true);
    let index = layout.store_index(&entries);
    layout.enter(Some("both"), index.clone());
    layout.add(Some("alone"), &image(3, ARCHITECTURE));
    layout.write();
    let directory = layout.path().display();
    for (number, digest) in [&foreign, &own, &image(3, ARCHITECTURE).digest()]
        .into_iter()
        .enumerate()
    {
        let source = format!("oci:{directory}@{digest}");
        let tag = number.to_string();
        assert_eq!(taken(&berth, &[&source, "--tag", &tag]), *digest);
        // What was pulled is named by its digest, too.
        let manifest = berth
            .run(["inspect", &format!("@{digest}"), "--manifest"])
            .expect(0);
        assert_eq!(lazaret_layouts::digest(&manifest.stdout), *digest);
    }
    let of_index = index["digest"].as_str().unwrap();
    assert_eq!(
        taken(
            &berth,
            &[&format!("oci:{directory}@{of_index}"), "--tag", "i"]
        ),
        own
    );
    assert_eq!(
        taken(&berth, &[&format!("oci:{directory}:both@{own}")]),
        own
    );
    let nothing = lazaret_layouts::digest(b"nothing");
    berth
        .run(["pull", &format!("oci:{directory}@{nothing}")])
        .expect(5)
        .says(&[&format!(
            "no manifest or index {nothing}; there is both, alone"
        )]);
    berth.assert_sound();
}

#[test]
fn the_tag_is_the_sources_unless_one_is_given() {
    let berth = Berth::new();
    let named = Layout::of(berth.path("named"), "v1.2", &image(1, ARCHITECTURE));
    let mut nameless = Layout::new(berth.path("nameless"));
    nameless.add(None, &image(2, ARCHITECTURE));
    nameless.write();
    berth.run(["pull", &named.source("v1.2")]).expect(0);
    assert_eq!(berth.tags().into_keys().collect::<Vec<_>>(), ["v1.2"]);
    berth.run(["untag", "v1.2"]).expect(0);
    // Without a tag in the source: the only image there is, by its own name.
    berth.pull("named").expect(0);
    assert_eq!(berth.tags().into_keys().collect::<Vec<_>>(), ["v1.2"]);
    // Without one anywhere: the directory's.
    berth.pull("nameless").expect(0);
    let given = [
        "pull",
        "oci:nameless",
        "--tag",
        "quay.io/a/b:c",
        "--tag",
        "100%",
    ];
    berth.run(given).expect(0);
    let tags: Vec<String> = berth.tags().into_keys().collect();
    assert_eq!(tags, ["100%", "nameless", "quay.io/a/b:c", "v1.2"]);
    let refs: Vec<String> = berth
        .names()
        .into_keys()
        .filter_map(|name| {
            Some(
                name.strip_prefix("streams/refs/oci")
                    .ok()?
                    .to_str()?
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(refs, ["100%25", "nameless", "quay.io%2Fa%2Fb:c", "v1.2"]);
    berth.assert_sound();
}

#[test]
fn several_images_want_a_choice() {
    let berth = Berth::new();
    let mut layout = Layout::new(berth.path("layout"));
    layout.add(Some("one"), &image(1, ARCHITECTURE));
    layout.add(Some("two"), &image(2, ARCHITECTURE));
    layout.write();
    berth.pull("layout").expect(2).says(&[
        "several images to choose from: one, two",
        "hint: say which with :TAG or @DIGEST at the end",
    ]);
    berth
        .pull("layout:three")
        .expect(5)
        .says(&["no tag \"three\"; there is one, two"]);
    berth.pull("layout:two").expect(0);
    assert_eq!(
        berth.tags(),
        [("two".to_owned(), image(2, ARCHITECTURE).digest())].into()
    );
}

//! Cosign's tags: `sha256-<hex>.sig`, `.att` and `.sbom` are found, stored and given back.

use lazaret_registry::{Access, Behaviour, Registry};

use crate::berth::Berth;
use crate::image::OCI_MANIFEST;
use crate::layout::Layout;
use crate::shelf::{Shelf, assert_sound};
use crate::stock::{Artifact, Stock, digest_of};

const KINDS: [&str; 3] = ["att", "sbom", "sig"];

/// Writes a layout with an image and the three things cosign attaches.
fn signed(berth: &Berth) -> (Layout, String, Vec<(String, String)>) {
    let stock = Stock::new(berth);
    let image = stock.digests["image"].clone();
    let mut layout = stock.layout;
    let mut attached = Vec::new();
    for kind in KINDS {
        let tag = format!("{}.{kind}", image.replace(':', "-"));
        let artifact = Artifact::new("application/vnd.dev.cosign.artifact")
            .layer(
                "application/vnd.dev.cosign.simplesigning.v1+json",
                kind,
                kind.as_bytes(),
            )
            .store(&layout);
        attached.push((tag.clone(), digest_of(&artifact)));
        layout.enter(Some(&tag), artifact);
    }
    layout.write();
    (layout, image, attached)
}

#[test]
fn they_come_from_skopeo_by_way_of_docker_registry() {
    let Some(shelf) = Shelf::new(&Access::Plain) else {
        return;
    };
    let berth = Berth::new();
    let (layout, image, attached) = signed(&berth);
    for tag in ["image"]
        .into_iter()
        .chain(attached.iter().map(|(tag, _)| &**tag))
    {
        if shelf
            .take(&layout.source(tag), &format!("in:{tag}"), &[])
            .is_none()
        {
            return;
        }
    }
    berth
        .run([
            "pull",
            "--referrers",
            "--keep-compressed",
            "--tag",
            "image",
            &shelf.reference("in:image"),
        ])
        .expect(0);
    assert_eq!(berth.tags(), [("image".to_owned(), image)].into());
    let listed = berth.run(["referrers", "image", "--json"]).expect(0);
    for (_, digest) in &attached {
        assert_eq!(
            listed.text().matches(&**digest).count(),
            1,
            "{}",
            listed.text()
        );
    }
    assert_sound(&berth);
    berth
        .run([
            "push",
            "--referrers",
            "image",
            &shelf.reference("out:image"),
        ])
        .expect(0);
    for (tag, digest) in &attached {
        assert_eq!(shelf.digest(&format!("out:{tag}")).as_ref(), Some(digest));
    }
}

#[test]
fn they_are_in_layouts_and_go_to_registries_under_their_tags() {
    for referrers in [true, false] {
        let registry = Registry::start(Behaviour {
            referrers,
            ..Behaviour::default()
        })
        .unwrap();
        let berth = Berth::new();
        let (layout, image, attached) = signed(&berth);
        berth
            .run([
                "pull",
                "--referrers",
                "--keep-compressed",
                &layout.source("image"),
            ])
            .expect(0);
        let place = format!("docker://{}/a:image", registry.host());
        berth
            .run(["push", "--referrers", "image", &place])
            .expect(0);
        let held = registry.repository("a");
        let mut wanted = attached.clone();
        wanted.push(("image".to_owned(), image));
        wanted.sort();
        let tags: Vec<(String, String)> = held.tags.clone().into_iter().collect();
        assert_eq!(tags, wanted);
        for (_, digest) in &attached {
            assert_eq!(held.manifests[digest].media_type, OCI_MANIFEST);
        }
        let other = Berth::new();
        other
            .run(["pull", "--referrers", "--tag", "image", &place])
            .expect(0);
        let listed = other.run(["referrers", "image", "--json"]).expect(0);
        for (_, digest) in &attached {
            assert_eq!(listed.text().matches(&**digest).count(), 1);
        }
        assert_sound(&other);
    }
}

//! Referrers over registries: by the API, page by page, and by tags where there is none.

use std::collections::BTreeSet;

use lazaret_registry::{Address, Behaviour, Fault, Misdeed, Registry};
use serde_json::Value;

use crate::berth::Berth;
use crate::image::OCI_MANIFEST;
use crate::layout::Layout;
use crate::shelf::{Shelf, assert_sound};
use crate::stock::{Artifact, digest_of, image};

/// An image, what refers to it, and what refers to that.
struct Family {
    layout: Layout,
    image: String,
    children: BTreeSet<String>,
    grandchild: String,
}

impl Family {
    fn new(berth: &Berth) -> Self {
        let mut layout = Layout::new(berth.path("family"));
        let parent = layout.add(Some("image"), &image(crate::image::ARCHITECTURE, 1));
        let mut children = Vec::new();
        for number in 0..5 {
            let data = format!("note {number}");
            children.push(
                Artifact::new("application/vnd.example.note")
                    .layer("text/plain", "note", data.as_bytes())
                    .about(&parent)
                    .store(&layout),
            );
        }
        let grandchild = Artifact::new("application/vnd.example.signature")
            .layer("text/plain", "signature", b"of the first note")
            .about(&children[0])
            .store(&layout);
        for referrer in children.iter().chain([&grandchild]) {
            layout.enter(None, referrer.clone());
        }
        layout.write();
        Self {
            layout,
            image: digest_of(&parent),
            children: children.iter().map(digest_of).collect(),
            grandchild: digest_of(&grandchild),
        }
    }

    /// All referrers.
    fn all(&self) -> BTreeSet<String> {
        let mut all = self.children.clone();
        all.insert(self.grandchild.clone());
        all
    }

    /// Pulls it all from the layout.
    fn pulled(berth: &Berth) -> Self {
        let this = Self::new(berth);
        berth
            .run([
                "pull",
                "--referrers",
                "--keep-compressed",
                &this.layout.source("image"),
            ])
            .expect(0);
        assert_eq!(known(berth, "image"), this.all());
        this
    }
}

/// Every digest that `referrers` says anywhere in its tree.
#[track_caller]
fn known(berth: &Berth, name: &str) -> BTreeSet<String> {
    fn gather(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| gather(value, found)),
            Value::Object(members) => {
                if let (Some(Value::String(digest)), true) =
                    (members.get("digest"), members.contains_key("relation"))
                {
                    found.insert(digest.clone());
                }
                members.values().for_each(|value| gather(value, found));
            }
            _ => {}
        }
    }
    let ran = berth.run(["referrers", name, "--json"]).expect(0);
    let mut found = BTreeSet::new();
    for document in serde_json::Deserializer::from_slice(&ran.stdout).into_iter() {
        gather(&document.unwrap(), &mut found);
    }
    found
}

#[test]
fn they_go_to_a_registry_with_the_api_and_come_back() {
    for (page, links) in [
        (usize::MAX, Address::Relative),
        (2, Address::Relative),
        (1, Address::Absolute),
    ] {
        let registry = Registry::start(Behaviour {
            page,
            links,
            ..Behaviour::default()
        })
        .unwrap();
        let berth = Berth::new();
        let family = Family::pulled(&berth);
        let place = format!("docker://{}/family:1", registry.host());
        berth
            .run(["push", "--referrers", "image", &place])
            .expect(0);
        let held = registry.repository("family");
        assert_eq!(held.tags.keys().collect::<Vec<_>>(), ["1"]);
        assert_eq!(held.tags["1"], family.image);
        for referrer in family.all() {
            assert!(held.manifests.contains_key(&referrer));
        }
        let other = Berth::new();
        other.run(["pull", "--tag", "image", &place]).expect(0);
        assert_eq!(known(&other, "image"), BTreeSet::new());
        other
            .run(["pull", "--referrers", "--tag", "image", &place])
            .expect(0);
        assert_eq!(known(&other, "image"), family.all());
        assert_sound(&other);
    }
}

#[test]
fn they_go_by_tags_where_there_is_no_api_and_come_back() {
    let Some(shelves) = Shelf::both() else {
        return;
    };
    for shelf in &shelves {
        let berth = Berth::new();
        let family = Family::pulled(&berth);
        let place = shelf.reference("family:1");
        let push = || {
            shelf
                .lazaret(&berth, &["push", "--referrers", "image", &place])
                .expect(0)
        };
        push();
        // A second time changes nothing.
        let tag = format!("family:{}", family.image.replace(':', "-"));
        let index = shelf.digest(&tag);
        push();
        assert_eq!(shelf.digest(&tag), index);
        let other = Berth::new();
        shelf
            .lazaret(&other, &["pull", "--referrers", "--tag", "image", &place])
            .expect(0);
        assert_eq!(known(&other, "image"), family.all());
        assert_eq!(other.tags().keys().collect::<Vec<_>>(), ["image"]);
        assert_sound(&other);
    }
}

/// What others wrote under the fallback tag stays there.
#[test]
fn a_fallback_index_keeps_what_others_entered() {
    let registry = Registry::start(Behaviour::without_referrers()).unwrap();
    let berth = Berth::new();
    let family = Family::pulled(&berth);
    let layout = Layout::new(berth.path("other"));
    let subject = serde_json::json!({
        "mediaType": OCI_MANIFEST,
        "digest": family.image,
        "size": std::fs::metadata(family.layout.blob_path(&family.image)).unwrap().len(),
    });
    let foreign = Artifact::new("application/vnd.example.foreign").about(&subject);
    for blob in foreign.blobs() {
        registry.put_blob("family", blob);
    }
    let bytes = foreign.bytes();
    let entry = foreign.store(&layout);
    registry.put_manifest("family", OCI_MANIFEST, &bytes, None);
    let tag = family.image.replace(':', "-");
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": crate::image::OCI_INDEX,
        "manifests": [entry],
    });
    let index = serde_json::to_vec(&index).unwrap();
    registry.put_manifest("family", crate::image::OCI_INDEX, &index, Some(&tag));
    let place = format!("docker://{}/family:1", registry.host());
    berth
        .run(["push", "--referrers", "image", &place])
        .expect(0);
    let held = registry.repository("family");
    let index: Value = serde_json::from_slice(&held.manifests[&held.tags[&tag]].bytes).unwrap();
    let entered: BTreeSet<String> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(digest_of)
        .collect();
    let mut wanted = family.children.clone();
    wanted.insert(digest_of(&entry));
    assert_eq!(entered, wanted);
    // With what a client needs to choose.
    let ours = index["manifests"].as_array().unwrap().iter();
    let mut ours = ours.filter(|entry| family.children.contains(&digest_of(entry)));
    assert!(ours.all(|entry| entry["artifactType"] == "application/vnd.example.note"));
    let other = Berth::new();
    other
        .run(["pull", "--referrers", "--tag", "image", &place])
        .expect(0);
    let mut all = family.all();
    all.insert(digest_of(&entry));
    assert_eq!(known(&other, "image"), all);
}

#[test]
fn a_list_that_lies_or_breaks_is_not_believed() {
    let berth = Berth::new();
    let family = Family::pulled(&berth);
    let list = "*/referrers/*";
    for (misdeed, times, code) in [
        (Misdeed::Status(500), 2, 0),
        (Misdeed::HangUp, 2, 0),
        (Misdeed::Cut(100), 1, 0),
        (Misdeed::Body(b"<html>".to_vec()), u32::MAX, 3),
        (Misdeed::Endless, u32::MAX, 3),
        (Misdeed::Padded(64 << 20), u32::MAX, 3),
    ] {
        let registry = Registry::start(Behaviour::default()).unwrap();
        let place = format!("docker://{}/family:1", registry.host());
        berth
            .run(["push", "--referrers", "image", &place])
            .expect(0);
        registry.fault(Fault::new("GET", list, misdeed.clone()).times(times));
        let other = Berth::with("fsverity-sha256-12");
        let ran = other.run([
            "pull",
            "--referrers",
            "--tag",
            "image",
            "--retries",
            "3",
            &place,
        ]);
        assert_eq!(ran.code, Some(code), "{misdeed:?}: {}", ran.stderr);
        assert!(registry.faults_seen() > 0);
        match code {
            0 => assert_eq!(known(&other, "image"), family.all()),
            _ => assert!(other.tags().is_empty()),
        }
        assert_sound(&other);
    }
}

/// One whose subject is another: it was listed wrongly, and is no referrer of this.
#[test]
fn what_is_listed_and_is_about_something_else() {
    let registry = Registry::start(Behaviour::without_referrers()).unwrap();
    let berth = Berth::new();
    let family = Family::pulled(&berth);
    let place = format!("docker://{}/family:1", registry.host());
    berth
        .run(["push", "--referrers", "image", &place])
        .expect(0);
    // The fallback index of the image also names what is about the first note.
    let tag = family.image.replace(':', "-");
    let held = registry.repository("family");
    let mut index: Value = serde_json::from_slice(&held.manifests[&held.tags[&tag]].bytes).unwrap();
    let bytes = &held.manifests[&family.grandchild].bytes;
    let lie = serde_json::json!({
        "mediaType": OCI_MANIFEST,
        "digest": family.grandchild,
        "size": bytes.len(),
    });
    index["manifests"].as_array_mut().unwrap().push(lie);
    let index = serde_json::to_vec(&index).unwrap();
    registry.put_manifest("family", crate::image::OCI_INDEX, &index, Some(&tag));
    let other = Berth::with("fsverity-sha256-12");
    let ran = other.run(["pull", "--referrers", "--tag", "image", &place]);
    match ran.code {
        // Each where it belongs.
        Some(0) => {
            assert_eq!(known(&other, "image"), family.all());
            let direct = other.run(["referrers", "image", "--json"]).expect(0);
            assert_eq!(direct.text().matches(&family.grandchild).count(), 1);
        }
        code => assert_eq!(code, Some(3), "{}", ran.stderr),
    }
    assert_sound(&other);
}

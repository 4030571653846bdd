//! Referrers live and die with their subject, records and kept bytes with their layers.

use crate::berth::Berth;
use crate::image::Image;
use crate::layout::Layout;
use crate::reach::{Holdings, all, reachable};
use crate::stock::{artifact, assert_undamaged, layers};

/// Asserts that a collection leaves exactly what the tags reach.
#[track_caller]
fn collect(berth: &Berth) {
    let wanted = reachable(berth.repository());
    berth.run(["gc"]).expect(0);
    let left = all(berth.repository());
    assert_eq!(
        left.without(&wanted),
        Holdings::default(),
        "too much is left"
    );
    assert_eq!(
        wanted.without(&left),
        Holdings::default(),
        "too little is left"
    );
    assert_undamaged(berth);
}

fn holds(berth: &Berth, digest: &str) -> bool {
    let name = format!("oci-manifest-{digest}");
    all(berth.repository()).names.contains(&name)
}

#[test]
fn a_referrer_may_come_first_and_goes_with_its_subject() {
    let berth = Berth::with("fsverity-sha512-12");
    let mut layout = Layout::new(berth.path("layout"));
    let subject = layout.store(&Image::new(layers(2)));
    let referrer = artifact(&layout, b"about it", Some(&subject));
    let further = artifact(&layout, b"about that", Some(&referrer));
    for (tag, descriptor) in [
        ("subject", &subject),
        ("referrer", &referrer),
        ("further", &further),
    ] {
        layout.enter(Some(tag), descriptor.clone());
    }
    layout.write();
    let [subject, referrer, further] =
        [&subject, &referrer, &further].map(|value| value["digest"].as_str().unwrap());
    for tag in ["further", "referrer", "subject"] {
        berth.run(["pull", &layout.source(tag)]).expect(0);
    }
    let tree = berth.run(["referrers", "subject", "--json"]).expect(0);
    for digest in [referrer, further] {
        assert!(tree.text().contains(digest), "{}", tree.text());
    }
    // They need no tag of their own.
    for tag in ["further", "referrer"] {
        berth.run(["untag", tag]).expect(0);
    }
    collect(&berth);
    assert!(
        [subject, referrer, further]
            .iter()
            .all(|digest| holds(&berth, digest))
    );
    // With a tag they need no subject.
    berth
        .run(["tag", &format!("@{referrer}"), "kept"])
        .expect(0);
    berth.run(["untag", "subject"]).expect(0);
    collect(&berth);
    let held = [subject, referrer, further].map(|digest| holds(&berth, digest));
    assert_eq!(held, [false, true, true]);
    // The subject may come back, and they are its referrers still.
    berth.run(["pull", &layout.source("subject")]).expect(0);
    let tree = berth.run(["referrers", "subject", "--json"]).expect(0);
    assert!(tree.text().contains(referrer), "{}", tree.text());
    for tag in ["kept", "subject"] {
        berth.run(["untag", tag]).expect(0);
    }
    collect(&berth);
    assert_eq!(all(berth.repository()), Holdings::default());
}

#[test]
fn a_platform_that_has_a_tag_stays_when_its_index_goes() {
    let berth = Berth::with("fsverity-sha256-12");
    let mut layout = Layout::new(berth.path("layout"));
    let layers = layers(4);
    let index = crate::stock::index(&layout, &layers[..2], &layers[2..]);
    layout.enter(Some("index"), index);
    layout.write();
    berth
        .run([
            "pull",
            "--all-platforms",
            "--keep-compressed",
            &layout.source("index"),
        ])
        .expect(0);
    let own = Image::new(layers[..2].to_vec()).digest();
    berth.run(["tag", &format!("@{own}"), "own"]).expect(0);
    collect(&berth);
    berth.run(["untag", "index"]).expect(0);
    collect(&berth);
    assert!(holds(&berth, &own));
    for (number, layer) in layers.iter().enumerate() {
        let code = if number < 2 { 0 } else { 5 };
        berth.run(["cat", "--blob", &layer.diff_id]).expect(code);
    }
    // Its compressed bytes are still there to be given back.
    berth.run(["push", "own", "oci:out:own"]).expect(0);
}

#[test]
fn what_cfsctl_put_there_by_its_own_tags_stays() {
    use crate::tools::{succeed, tool};
    let berth = Berth::with("fsverity-sha256-12");
    let Some(mut cfsctl) = tool("cfsctl") else {
        return;
    };
    let image = Image::new(layers(2));
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    let repository = berth.repository().to_owned();
    cfsctl.arg("--repo").arg(&repository);
    succeed(cfsctl.args(["oci", "pull", &layout.source("demo"), "theirs"]));
    let before = all(&repository);
    berth.run(["gc"]).expect(0);
    let after = all(&repository);
    assert_eq!(before.names, after.names);
    assert_undamaged(&berth);
    berth.run(["untag", "theirs"]).expect(0);
    berth.run(["gc"]).expect(0);
    assert_eq!(all(&repository), Holdings::default());
    assert_eq!(
        std::fs::read_dir(repository.join("images"))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name() != "refs")
            .count(),
        0
    );
    assert_undamaged(&berth);
}

/// A stream that cannot be read might have referred to anything.
#[test]
fn where_something_is_damaged_nothing_is_deleted() {
    let berth = Berth::with("fsverity-sha256-12");
    let mut layout = Layout::new(berth.path("layout"));
    let layers = layers(3);
    for (tag, range) in [("kept", 0..2), ("gone", 1..3)] {
        layout.add(Some(tag), &Image::new(layers[range].to_vec()));
    }
    layout.write();
    for tag in ["kept", "gone"] {
        berth.run(["pull", &layout.source(tag)]).expect(0);
    }
    berth.run(["untag", "gone"]).expect(0);
    let manifest = format!("oci-manifest-{}", Image::new(layers[..2].to_vec()).digest());
    let name = berth.repository().join("streams").join(&manifest);
    let object = std::fs::canonicalize(&name).unwrap();
    let intact = std::fs::read(&object).unwrap();
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, &intact[..intact.len() / 2]).unwrap();
    let before = all(berth.repository());
    for arguments in [&["gc", "--dry-run"][..], &["gc"]] {
        berth.run(arguments).expect(6).says(&[&manifest]);
        assert_eq!(all(berth.repository()), before);
    }
    // Pulled again it is whole, and then the rest can go.
    berth.run(["pull", &layout.source("kept")]).expect(0);
    collect(&berth);
    assert_eq!(berth.tags().len(), 1);
}

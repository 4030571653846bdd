//! `kill -9` at any moment of a collection: what is tagged stays whole, and the next collection
//! finishes the work.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::berth::Berth;
use crate::chance::Chance;
use crate::image::Image;
use crate::layout::Layout;
use crate::reach::{Holdings, all, reachable};
use crate::stock::{artifact, assert_undamaged, layers};

/// Kills that must hit a collection which is still going on.
const KILLS: u32 = 25;

/// Collections started at the most to get there.
const ATTEMPTS: u32 = 200;

#[test]
fn at_random_moments_of_a_collection() {
    let mut chance = Chance::fresh("at_random_moments_of_a_collection");
    let berth = Berth::with("fsverity-sha256-12");
    let layers = layers(12);
    let mut layout = Layout::new(berth.path("layout"));
    let kept = layout.add(Some("kept"), &Image::new(layers[..3].to_vec()));
    let referrer = artifact(&layout, b"about it", Some(&kept));
    layout.enter(Some("referrer"), referrer);
    for number in 0..6 {
        let image = Image::new(layers[2 + number..6 + number].to_vec());
        layout.add(Some(&format!("gone{number}")), &image);
    }
    layout.write();
    for tag in ["kept", "referrer"] {
        berth
            .run(["pull", "--keep-compressed", &layout.source(tag)])
            .expect(0);
    }
    berth.run(["untag", "referrer"]).expect(0);
    berth.run(["gc"]).expect(0);
    let wanted = all(berth.repository());
    let litter = || {
        for number in 0..6 {
            let source = layout.source(&format!("gone{number}"));
            berth.run(["pull", "--keep-compressed", &source]).expect(0);
            berth.run(["untag", &format!("gone{number}")]).expect(0);
        }
    };
    // The shortest of some: the machine may be busy with other things.
    let takes = (0..4).map(|_| {
        litter();
        let started = Instant::now();
        berth.run(["gc"]).expect(0);
        started.elapsed().as_micros() as u64
    });
    let takes = takes.min().unwrap();
    let mut kills = 0;
    let mut partly = 0;
    for attempt in 0..ATTEMPTS {
        if all(berth.repository()) == wanted {
            litter();
        }
        let before = all(berth.repository());
        let mut child = berth
            .lazaret()
            .arg("gc")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let delay = Duration::from_micros(chance.below(takes * 9 / 8));
        thread::sleep(delay);
        child.kill().unwrap();
        let killed = child.wait().unwrap().code().is_none();
        let after = all(berth.repository());
        println!(
            "attempt {attempt}, {delay:?}: {}, {} names and {} objects left",
            if killed { "killed" } else { "ended" },
            after.names.len(),
            after.objects.len()
        );
        assert_eq!(
            wanted.without(&after),
            Holdings::default(),
            "too much is gone"
        );
        assert_undamaged(&berth);
        partly += u32::from(after != before && after != wanted);
        kills += u32::from(killed);
        if kills == KILLS {
            break;
        }
    }
    println!("{kills} kills, {partly} of them in the middle");
    assert_eq!(
        kills, KILLS,
        "too many collections ended before they were killed"
    );
    berth.run(["gc"]).expect(0);
    assert_eq!(all(berth.repository()), wanted);
    assert_eq!(reachable(berth.repository()), wanted);
    let listed = berth.run(["referrers", "kept", "--json"]).expect(0);
    assert!(listed.text().contains("sha256:"));
    // No temporary file outlives a collection.
    for entry in std::fs::read_dir(berth.repository()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with(".tmp-"), "{name}");
    }
}

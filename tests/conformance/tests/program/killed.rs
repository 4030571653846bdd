//! `kill -9` at any moment of a pull: the repository stays sound, without a half image in it, and
//! the next pull completes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lazaret_layouts::Compression;

use crate::berth::Berth;
use crate::chance::Chance;
use crate::goods;
use crate::image::{Image, Layer};
use crate::layout::Layout;

/// Kills that must hit a pull which is still going on.
const KILLS: u32 = 60;

/// Pulls started at the most to get there.
const ATTEMPTS: u32 = 240;

/// What a killed pull may leave under the repository's root besides the format's own: temporary
/// files on filesystems without nameless ones.
const OWN: [&str; 4] = ["meta.json", "objects", "streams", "images"];

/// From when the delay before a kill counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// From the start.
    Start,
    /// From when names begin to be given, which takes a small part of the time.
    Names,
}

/// Starts a pull, and comes back when the time begins.
fn start(berth: &Berth, source: &str, since: Since) -> Child {
    let mut child = berth
        .lazaret()
        .args(["pull", "-v", source])
        .stdout(Stdio::null())
        .stderr(match since {
            Since::Start => Stdio::null(),
            Since::Names => Stdio::piped(),
        })
        .spawn()
        .unwrap();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("writing names")));
    }
    child
}

/// How long a pull takes, or its last step: the shortest of some.
fn duration(layout: &Layout, since: Since) -> u64 {
    let once = || {
        let berth = Berth::new();
        let started = Instant::now();
        let mut child = start(&berth, &layout.source("demo"), since);
        let begun = match since {
            Since::Start => started,
            Since::Names => Instant::now(),
        };
        assert!(child.wait().unwrap().success());
        begun.elapsed().as_micros() as u64
    };
    let shortest = (0..3).map(|_| once()).min().unwrap();
    println!("{since:?}: {shortest} microseconds");
    shortest
}

fn assert_nothing_odd(berth: &Berth) {
    let Ok(entries) = fs::read_dir(berth.repository()) else {
        return;
    };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(OWN.contains(&&*name) || name.starts_with(".tmp-"), "{name}");
    }
    if berth.repository().join("objects").exists() {
        crate::objects::objects(berth.repository());
    }
}

#[test]
fn at_random_moments_of_a_pull() {
    let mut chance = Chance::fresh("at_random_moments_of_a_pull");
    let place = Berth::new();
    let image = Image::new(vec![
        Layer::new(&goods::made_up(1, 60), Compression::Gzip),
        Layer::new(&goods::made_up(2, 20), Compression::Zstd),
        Layer::new(&goods::on_top(1), Compression::None),
    ]);
    let layout = Layout::of(place.path("layout"), "demo", &image);
    let source = layout.source("demo");
    let takes = duration(&layout, Since::Start);
    let naming = duration(&layout, Since::Names);
    let mut kills = 0;
    let mut named = 0;
    for attempt in 0..ATTEMPTS {
        // Every other one has to make its repository.
        let berth = match attempt % 2 {
            0 => Berth::new(),
            _ => Berth::with("fsverity-sha256-12"),
        };
        let (since, longest) = match attempt % 3 {
            0 => (Since::Names, naming),
            _ => (Since::Start, takes),
        };
        let delay = Duration::from_micros(chance.below(longest * 9 / 8));
        let mut child = start(&berth, &source, since);
        thread::sleep(delay);
        child.kill().unwrap();
        let killed = child.wait().unwrap().code().is_none();
        println!(
            "attempt {attempt}, {delay:?} after {since:?}: {}",
            if killed { "killed" } else { "ended" }
        );
        assert_nothing_odd(&berth);
        if berth.repository().join("meta.json").exists() {
            berth.assert_undamaged();
            assert!(berth.tags().is_empty() || berth.tags()["demo"] == image.digest());
            named += u32::from(killed && !berth.names().is_empty());
        }
        if !killed {
            continue;
        }
        berth.run(["pull", &source]).expect(0);
        berth.assert_sound();
        assert_eq!(berth.tags()["demo"], image.digest());
        kills += 1;
        if kills == KILLS {
            break;
        }
    }
    println!("{kills} kills, {named} of them after the first name");
    assert_eq!(kills, KILLS, "too many pulls ended before they were killed");
}

#[test]
fn again_and_again_in_one_repository_that_is_in_use() {
    let mut chance = Chance::fresh("again_and_again_in_one_repository_that_is_in_use");
    let berth = Berth::new();
    let first = Image::new(vec![Layer::new(&goods::made_up(1, 30), Compression::Gzip)]);
    let first = Layout::of(berth.path("first"), "first", &first);
    berth.run(["pull", &first.source("first")]).expect(0);
    let before = berth.names();
    let shared = Layer::new(&goods::made_up(1, 30), Compression::Zstd);
    let own = Layer::new(&goods::made_up(3, 40), Compression::Gzip);
    let second = Image::new(vec![shared, own]);
    let layout = Layout::of(berth.path("layout"), "demo", &second);
    let takes = duration(&layout, Since::Start);
    for _ in 0..10 {
        let mut child = start(&berth, &layout.source("demo"), Since::Start);
        thread::sleep(Duration::from_micros(chance.below(takes)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_nothing_odd(&berth);
        berth.assert_undamaged();
        for name in before.keys() {
            assert!(
                berth.names().contains_key(name),
                "{} is gone",
                name.display()
            );
        }
    }
    berth.run(["pull", &layout.source("demo")]).expect(0);
    berth.assert_sound();
    assert_eq!(berth.tags()["demo"], second.digest());
}

//! `kill -9` at any moment of `split` and `join`: what has a name stays whole, in one form or the
//! other, and the next run completes.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lazaret_layouts::models::{Format, Model};
use lazaret_layouts::{Artifact, Carrier};

use crate::berth::Berth;
use crate::chance::Chance;
use crate::shelf::{assert_given_back, lay, object_names, pull};

/// Kills for each verb.
const KILLS: u32 = 6;

/// Runs started at the most to get there.
const ATTEMPTS: u32 = 60;

fn start(berth: &Berth, verb: &str) -> Child {
    let mut command = berth.lazaret();
    command
        .args([verb, "demo"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn artifact() -> Artifact {
    let model = Model::uniform(41, 64, 64 << 10);
    let files = Format::ALL.map(|format| (format.file(), format.write(&model)));
    let files = files
        .each_ref()
        .map(|(path, content)| (*path, &content[..]));
    // In an archive that travelled compressed.
    Carrier::ALL[3].pack(&files).unwrap()
}

/// Objects after everything that is not needed is gone.
fn objects_left(berth: &Berth) -> Vec<String> {
    berth.run(["gc"]).expect(0);
    object_names(berth)
}

#[test]
fn at_random_moments_of_splitting_and_joining() {
    let mut chance = Chance::fresh("at_random_moments_of_splitting_and_joining");
    let (berth, artifact) = (Berth::new(), artifact());
    lay(&berth, "layout", &[("demo", &artifact)]);
    pull(&berth, "layout", "demo", &[]).expect(0);
    let whole = objects_left(&berth);
    berth.run(["split", "demo"]).expect(0);
    let cut = objects_left(&berth);
    for (verb, back, wanted) in [("join", "split", &whole), ("split", "join", &cut)] {
        let started = Instant::now();
        assert!(start(&berth, verb).wait().unwrap().success());
        let takes = started.elapsed().as_micros() as u64;
        let mut kills = 0;
        for _ in 0..ATTEMPTS {
            berth.run([back, "demo"]).expect(0);
            let mut child = start(&berth, verb);
            thread::sleep(Duration::from_micros(chance.below(takes)));
            child.kill().unwrap();
            let killed = child.wait().unwrap().code().is_none();
            berth.assert_undamaged();
            assert_eq!(berth.tags()["demo"], artifact.digest());
            assert_given_back(&berth, "demo", &artifact);
            berth.run([verb, "demo"]).expect(0);
            berth.assert_sound();
            assert_eq!(&objects_left(&berth), wanted, "{verb}");
            kills += u32::from(killed);
            if kills == KILLS {
                break;
            }
        }
        println!("{verb}: {kills} kills");
        assert_eq!(kills, KILLS, "too many ended before they were killed");
    }
}

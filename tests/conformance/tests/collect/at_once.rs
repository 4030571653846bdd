//! Pulls and collections at once, with kills: nothing tagged is ever damaged.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::berth::Berth;
use crate::chance::Chance;
use crate::image::Image;
use crate::layout::Layout;
use crate::reach::{all, reachable};
use crate::stock::{artifact, assert_tagged_whole, assert_undamaged, index, layers};

/// Rounds of pulls, untaggings and collections.
const ROUNDS: u32 = 100;

/// Rounds between two checks of everything with another program, too.
const OFTEN: u32 = 10;

/// How long a round may take before somebody waits for somebody who waits for him.
const STUCK: Duration = Duration::from_secs(60);

/// What is taken along, in any combination.
const FLAGS: [&[&str]; 4] = [
    &[],
    &["--referrers"],
    &["--all-platforms", "--keep-compressed"],
    &["--all-platforms", "--keep-compressed", "--referrers"],
];

fn start(berth: &Berth, arguments: &[&str]) -> Child {
    let mut command = berth.lazaret();
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Ends by itself, or by a kill after a while. Its exit code, none if it was killed.
#[track_caller]
fn end(mut child: Child, kill_after: Option<Duration>) -> Option<i32> {
    if let Some(delay) = kill_after {
        thread::sleep(delay);
        child.kill().unwrap();
    }
    let deadline = Instant::now() + STUCK;
    loop {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("stuck");
        }
        // Nothing is synchronised by this: it is how often to look.
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(code.is_none_or(|code| code == 0), "{code:?}: {said}");
    code
}

#[test]
fn nothing_tagged_is_ever_damaged() {
    let mut chance = Chance::fresh("nothing_tagged_is_ever_damaged");
    let berth = Berth::with("fsverity-sha256-12");
    let layers = layers(18);
    let mut layout = Layout::new(berth.path("layout"));
    let mut digests = BTreeMap::new();
    for number in 0..15 {
        let tag = format!("thing{number:02}");
        let descriptor = match number % 5 {
            0 => index(
                &layout,
                &layers[number..number + 2],
                &layers[number + 1..number + 3],
            ),
            1 => artifact(&layout, format!("{number}").as_bytes(), None),
            2 => {
                let subject = layout.entries.last().cloned();
                artifact(&layout, format!("{number}").as_bytes(), subject.as_ref())
            }
            _ => layout.store(&Image::new(layers[number..number + 3].to_vec())),
        };
        digests.insert(
            tag.clone(),
            descriptor["digest"].as_str().unwrap().to_owned(),
        );
        layout.enter(Some(&tag), descriptor);
    }
    layout.write();
    let names: Vec<&String> = digests.keys().collect();
    let started = Instant::now();
    berth
        .run(["pull", "--all-platforms", &layout.source(names[0])])
        .expect(0);
    let takes = started.elapsed();
    let started = Instant::now();
    berth.run(["gc"]).expect(0);
    let gc_takes = started.elapsed();
    // Tags that must be there, since a pull said so and nobody took them away.
    let mut tagged: BTreeMap<String, String> =
        [(names[0].clone(), digests[names[0]].clone())].into();
    let mut kills = 0;
    for round in 0..ROUNDS {
        let mut any = |limit: u64| chance.below(limit);
        let delay = |any: &mut dyn FnMut(u64) -> u64, takes: Duration| match any(2) {
            0 => None,
            _ => Some(Duration::from_micros(any(takes.as_micros() as u64 * 9 / 8))),
        };
        if tagged.len() > 6 {
            let gone = tagged
                .keys()
                .nth(any(tagged.len() as u64) as usize)
                .cloned()
                .unwrap();
            berth.run(["untag", &gone]).expect(0);
            tagged.remove(&gone);
        }
        let [first, second] = [(); 2].map(|()| names[any(names.len() as u64) as usize]);
        let [with, other] = [(); 2].map(|()| FLAGS[any(FLAGS.len() as u64) as usize]);
        let pull = |name: &str, flags: &[&str]| {
            let source = layout.source(name);
            start(&berth, &[&["pull", &source], flags].concat())
        };
        // In any order, and with any of them killed at any time.
        let (pulls, collection) = match any(2) {
            0 => {
                let collection = start(&berth, &["gc"]);
                ([pull(first, with), pull(second, other)], collection)
            }
            _ => {
                let pulls = [pull(first, with), pull(second, other)];
                (pulls, start(&berth, &["gc"]))
            }
        };
        let delays = [
            delay(&mut any, takes),
            delay(&mut any, takes),
            delay(&mut any, gc_takes * 2),
        ];
        let [one, two] = pulls;
        let ends = thread::scope(|scope| {
            let one = scope.spawn(|| end(one, delays[0]));
            let two = scope.spawn(|| end(two, delays[1]));
            let collection = scope.spawn(|| end(collection, delays[2]));
            [one, two, collection].map(|thread| thread.join().unwrap())
        });
        kills += ends.iter().filter(|code| code.is_none()).count();
        println!("round {round}: {first}, {second}, gc: {ends:?}");
        let found = berth.tags();
        for (name, code) in [(first, ends[0]), (second, ends[1])] {
            // One that was killed may have given its tag before or not.
            if code == Some(0) || found.contains_key(name) {
                tagged.insert(name.clone(), digests[name].clone());
            }
        }
        assert_eq!(found, tagged, "round {round}");
        assert_tagged_whole(&berth);
        if round % OFTEN == OFTEN - 1 {
            assert_undamaged(&berth);
        }
    }
    println!("{kills} kills");
    assert!(kills > ROUNDS as usize / 4, "{kills} kills");
    // Pulled again, all that is tagged is complete.
    for name in tagged.keys() {
        berth
            .run(["pull", "--all-platforms", &layout.source(name)])
            .expect(0);
    }
    berth.run(["gc"]).expect(0);
    assert_eq!(all(berth.repository()), reachable(berth.repository()));
    berth.assert_undamaged();
    assert_undamaged(&berth);
    assert_eq!(berth.tags(), tagged);
}

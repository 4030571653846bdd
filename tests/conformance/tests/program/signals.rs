//! SIGINT and SIGTERM stop a pull promptly, and leave nothing but objects nobody names.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lazaret_layouts::{Compression, LayerBuilder};
use rustix::process::{Pid, Signal, kill_process};

use crate::berth::Berth;
use crate::image::{Image, Layer};
use crate::layout::Layout;

/// Promptly, on a machine that is busy with other things.
const PROMPTLY: Duration = Duration::from_secs(5);

/// A layer that takes a while to hash and travels in a few kilobytes.
fn long_layer() -> Vec<u8> {
    let mut layer = LayerBuilder::default();
    layer.add_directory("usr").unwrap();
    layer
        .add_file("usr/zeroes", &vec![0; 192 << 20], 0o644)
        .unwrap();
    layer.finish().unwrap()
}

#[test]
fn a_pull_stops_promptly_when_told_to() {
    let place = Berth::new();
    let image = Image::new(vec![Layer::new(&long_layer(), Compression::Zstd)]);
    let layout = Layout::of(place.path("layout"), "demo", &image);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let berth = Berth::with("fsverity-sha512-12");
        let mut child = berth
            .lazaret()
            .args(["pull", "-v", &layout.source("demo")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        // With -v the beginning of each layer is told.
        for line in stderr.by_ref() {
            said.push(line.unwrap());
            if said.last().unwrap().contains(": reading ") {
                break;
            }
        }
        let told = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        said.extend(stderr.map(|line| line.unwrap()));
        let status = child.wait().unwrap();
        let took = told.elapsed();
        println!("{signal:?}: {status} after {took:?}");
        assert_eq!(status.code(), Some(code), "{said:#?}");
        assert!(took < PROMPTLY, "{took:?}");
        assert!(said.last().unwrap().ends_with("interrupted"), "{said:#?}");
        assert_eq!(berth.names().len(), 0);
        berth.assert_sound();
    }
}

#[test]
fn what_was_stored_before_an_interruption_is_not_stored_again() {
    let berth = Berth::with("fsverity-sha512-12");
    let finished = Layer::new(&crate::goods::made_up(1, 40), Compression::None);
    let long = Layer::new(&long_layer(), Compression::Zstd);
    let image = Image::new(vec![finished, long]);
    let layout = Layout::of(berth.path("layout"), "demo", &image);
    let mut child = berth
        .lazaret()
        .args(["pull", "-v", "--jobs", "1", &layout.source("demo")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let second = |line: &String| line.contains(": reading ");
    let begun = stderr
        .by_ref()
        .map(|line| line.unwrap())
        .filter(second)
        .nth(1);
    assert!(begun.is_some());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    drop(stderr);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let before = crate::objects::objects(berth.repository());
    assert!(before.len() > 30, "{} objects", before.len());
    berth.run(["pull", &layout.source("demo")]).expect(0);
    let after = crate::objects::objects(berth.repository());
    assert!(before.keys().all(|name| after.contains_key(name)));
    berth.assert_sound();
}

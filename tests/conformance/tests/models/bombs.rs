//! Archives of very many model files: bounded in time and memory, and given back.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use lazaret_layouts::models::{Dtype, Format, Model, Tensor};
use lazaret_layouts::{Blob, Carrier, LayerBuilder};

use crate::berth::Berth;
use crate::listing::facts;
use crate::program::Ran;
use crate::shelf::{SPLIT, assert_given_back, lay};
use crate::tools::tool;

/// As long as such a pull may take in a build without optimisation, on a machine with other things to
/// do. It takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Kibibytes that may be resident in such a build.
const MEMORY: u64 = 192 << 10;

/// Pulls under GNU `time`, and asserts that it was bounded.
#[track_caller]
fn pull_measured(berth: &Berth, more: &[&str]) -> Option<Ran> {
    let time = tool("time")?;
    let pull = berth.lazaret();
    let mut measured = Command::new(time.get_program());
    measured
        .args(["--quiet", "-f", "\nMEASURED %M"])
        .arg(pull.get_program());
    let variables: Vec<(OsString, OsString)> = pull
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    measured
        .env_clear()
        .envs(variables)
        .current_dir(pull.get_current_dir().unwrap());
    measured.args(["pull", "oci:layout:demo"]).args(more);
    let started = Instant::now();
    let ran = Ran::of(&mut measured);
    let took = started.elapsed();
    let resident = ran
        .stderr
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("MEASURED "));
    let resident: u64 = resident.unwrap().trim().parse().unwrap();
    println!("{more:?}: {took:?}, {resident} KiB");
    assert!(took < PATIENCE, "{took:?}");
    assert!(resident < MEMORY, "{resident} KiB");
    Some(ran)
}

/// An archive of `count` files, each as `content` makes it, and how it is pulled.
fn bomb(count: usize, content: impl Fn(usize) -> (String, Vec<u8>)) {
    let mut layer = LayerBuilder::default();
    for at in 0..count {
        let (name, content) = content(at);
        layer.add_file(&name, &content, 0o644).unwrap();
    }
    let data = layer.finish().unwrap();
    let mut artifact = Carrier::ALL[1].pack(&[]).unwrap();
    artifact.blobs = vec![Blob::new("application/vnd.cncf.model.weight.v1.tar", data)];
    for more in [&[][..], &SPLIT] {
        let berth = Berth::new();
        lay(&berth, "layout", &[("demo", &artifact)]);
        let Some(ran) = pull_measured(&berth, more) else {
            return;
        };
        ran.expect(0);
        assert_given_back(&berth, "demo", &artifact);
        let read = facts(&berth, "demo", "import.importer").len();
        let not = facts(&berth, "demo", "import.not-handed-on");
        println!("{read} files read, {not:?} not");
        assert!(
            read == count || !not.is_empty(),
            "{read} of {count}: {not:?}"
        );
    }
}

#[test]
fn four_thousand_tiny_models_in_an_archive() {
    bomb(4000, |at| {
        let format = Format::ALL[at % 4];
        let model = Model {
            tensors: vec![Tensor::noise("w", Dtype::F32, &[2], at as u64)],
            metadata: Vec::new(),
        };
        (format!("{at}/{}", format.file()), format.write(&model))
    });
}

#[test]
fn a_hundred_thousand_files_that_are_named_like_models() {
    bomb(100_000, |at| {
        let empty = b"\x08\0\0\0\0\0\0\0{}      ".to_vec();
        (format!("{at}.safetensors"), empty)
    });
}

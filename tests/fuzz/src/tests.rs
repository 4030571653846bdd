//! Every seed, and each of them mutilated in ways that are always the same.

use std::fs;
use std::path::Path;

/// Mutilations of each seed.
const MUTILATIONS: u64 = 300;

fn run(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        let data = fs::read(&seed).unwrap();
        check(&data);
        for number in 1..=MUTILATIONS {
            check(&mutilated(&data, number));
        }
    }
}

/// The same for seeds made by code.
fn run_made(seeds: Vec<Vec<u8>>, check: fn(&[u8])) {
    for (place, data) in seeds.into_iter().enumerate() {
        println!("seed {place}");
        check(&data);
        for number in 1..=MUTILATIONS {
            check(&mutilated(&data, number));
        }
    }
}

/// `data` with one to four changes: bits flipped, bytes replaced, stretches dropped, doubled or
/// moved.
fn mutilated(data: &[u8], number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit.max(1) as u64).unwrap()
    };
    let mut data = data.to_vec();
    for _ in 0..=below(4) {
        if data.is_empty() {
            break;
        }
        let at = below(data.len());
        let length = 1 + below((data.len() - at).min(600));
        match below(6) {
            0 => data[at] ^= 1 << below(8),
            1 => data[at] = [0, 0xff, b'0', b'7', b'9', b' ', b'"', b'/'][below(8)],
            2 => drop(data.drain(at..at + length)),
            3 => data.truncate(at),
            4 => {
                let piece = data[at..at + length].to_vec();
                let to = below(data.len());
                data.splice(to..to, piece);
            }
            _ => data[at..at + length].fill(0),
        }
    }
    data
}

#[test]
fn archive() {
    run("archive", crate::archive::check);
}

#[test]
fn tar() {
    run("tar", crate::tar::check);
}

#[test]
fn splitstream() {
    run("splitstream", crate::splitstream::check);
}

#[test]
fn documents() {
    run("documents", crate::documents::check);
}

#[test]
fn safetensors() {
    let cases = crate::safetensors::malformed::malformed();
    for (kind, data, rule) in &cases {
        let fault = lazaret_plugin_safetensors::replay(data, *kind, 0).err();
        assert_eq!(fault.map(|fault| fault.rule), Some(*rule));
    }
    let mut seeds = crate::safetensors::seeds();
    seeds.extend(cases.into_iter().map(|(_, data, _)| data));
    run_made(seeds, crate::safetensors::check);
}

#[test]
fn gguf() {
    let mut seeds = crate::gguf::seeds();
    for (data, rule) in crate::gguf::malformed::malformed() {
        let fault = lazaret_plugin_gguf::replay(&data, 0).err();
        assert_eq!(fault.map(|fault| fault.rule), Some(rule));
        seeds.push(data);
    }
    run_made(seeds, crate::gguf::check);
}

#[test]
fn onnx() {
    run_made(crate::onnx::seeds(), crate::onnx::check);
    // What they are for: each is sound before it is mutilated.
    for seed in crate::onnx::seeds() {
        assert_eq!(lazaret_plugin_onnx::replay(&seed, 0).err(), None);
    }
    let mut seeds = Vec::new();
    for (data, rule) in crate::onnx::malformed::malformed() {
        let fault = lazaret_plugin_onnx::replay(&data, 0).err();
        assert_eq!(fault.map(|fault| fault.rule), Some(rule));
        seeds.push(data);
    }
    run_made(seeds, crate::onnx::check);
}

#[test]
fn model_config() {
    run_made(crate::model_config::seeds(), crate::model_config::check);
}

#[test]
fn pytorch() {
    run_made(crate::pytorch::seeds(), crate::pytorch::check);
    // What they are for: each is sound before it is mutilated.
    for seed in crate::pytorch::seeds() {
        assert_eq!(lazaret_plugin_pytorch::replay(&seed, 0).err(), None);
    }
    let mut seeds = Vec::new();
    for (data, rule) in crate::pytorch::malformed::malformed() {
        let fault = lazaret_plugin_pytorch::replay(&data, 0).err();
        assert_eq!(fault.map(|(fault, _)| fault.rule), Some(rule));
        seeds.push(data);
    }
    run_made(seeds, crate::pytorch::check);
}

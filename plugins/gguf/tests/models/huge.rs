//! Large files: what reading their index costs.

use std::convert::Infallible;
use std::time::Instant;

use lazaret_plugin_gguf::{Input, Rule, Stop, read};

use crate::file::*;

/// A file whose data is not there to be read.
struct Hollow {
    index: Vec<u8>,
    size: u64,
    reads: u64,
}

impl Input for Hollow {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        self.reads += 1;
        let start = usize::try_from(offset).unwrap().min(self.index.len());
        let end = (start + max as usize).min(self.index.len());
        let mut bytes = self.index[start..end].to_vec();
        let left = usize::try_from(self.size - offset).unwrap_or(usize::MAX);
        bytes.resize(left.min(max as usize), 0);
        Ok(bytes)
    }
}

/// An index of `tensors` tensors of `rows` × 4096 halves, and a tokenizer of `tokens` tokens.
fn hollow(tensors: u64, rows: u64, tokens: u64) -> Hollow {
    let mut texts = Vec::new();
    for token in 0..tokens {
        let text = format!("Ġtoken{token}");
        texts.extend(length(text.len() as u64, text.as_bytes()));
    }
    let mut file = File::new().key("tokenizer.ggml.tokens", &array(8, tokens, &texts));
    let scores = vec![0; tokens as usize * 4];
    file = file.key("tokenizer.ggml.scores", &array(6, tokens, &scores));
    let bytes = rows * 4096 * 2;
    for number in 0..tensors {
        let name = format!("blk.{number}.ffn_gate_exps.weight");
        let place = Some(number * bytes);
        file = file.described(name.as_bytes(), F16, &[4096, rows], place, Vec::new());
    }
    let index = file.index();
    let size = (index.len() as u64).next_multiple_of(32) + tensors * bytes;
    Hollow {
        index,
        size,
        reads: 0,
    }
}

#[test]
fn the_index_is_read_once_and_the_data_never() {
    let mut file = hollow(10_000, 1 << 20, 150_000);
    let start = Instant::now();
    let model = read(&mut file).unwrap();
    println!(
        "10,000 tensors and 150,000 tokens, an index of {} bytes: {:?}",
        file.index.len(),
        start.elapsed()
    );
    assert_eq!(model.tensors.len(), 10_000);
    // 80 TiB: offsets beyond 32 bits, sums beyond 2^46.
    assert_eq!(model.size - model.tensors[9999].offset, 1 << 33);
    assert_eq!(file.reads, file.index.len().div_ceil(64 * 1024) as u64);
}

#[test]
fn an_input_that_ends_before_its_size_is_refused() {
    struct Short;
    impl Input for Short {
        type Error = Infallible;

        fn size(&self) -> u64 {
            1000
        }

        fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
            let bytes = File::new().bytes();
            let start = usize::try_from(offset).unwrap();
            let end = bytes.len().min(start + max as usize).min(40);
            Ok(bytes[start..end].to_vec())
        }
    }
    let Err(Stop::Fault(fault)) = read(&mut Short) else {
        panic!("it ends early");
    };
    assert_eq!(
        (fault.rule, fault.at.offset, fault.at.length),
        (Rule::ShortInput, 40, 0)
    );
}

#[test]
fn failures_of_the_input_are_handed_on() {
    struct Broken;
    impl Input for Broken {
        type Error = &'static str;

        fn size(&self) -> u64 {
            1000
        }

        fn read_at(&mut self, _: u64, _: u32) -> Result<Vec<u8>, &'static str> {
            Err("cable")
        }
    }
    assert_eq!(read(&mut Broken).unwrap_err(), Stop::Input("cable"));
}

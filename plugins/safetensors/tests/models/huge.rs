//! Files larger than this machine: the header alone is read, once, in pieces.

use std::convert::Infallible;
use std::time::Instant;

use lazaret_plugin_safetensors::{Fault, Input, Rule, Span, Stop, header, shards};

/// A file of `size` bytes that begins with `head`; what lies behind cannot be read.
struct Head {
    head: Vec<u8>,
    size: u64,
    reads: Vec<(u64, u32)>,
}

impl Input for Head {
    type Error = Infallible;

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, max: u32) -> Result<Vec<u8>, Infallible> {
        self.reads.push((offset, max));
        let at = offset as usize;
        // The first read is made before the header's length is known.
        let end = (at + max as usize).min(self.head.len().max(65536));
        let mut bytes = self.head[at.min(self.head.len())..end.min(self.head.len())].to_vec();
        bytes.resize(end - at, 0xaa);
        Ok(bytes)
    }
}

/// A model of `count` tensors of 2^24 16-bit elements.
fn head(count: u64) -> Head {
    let tensors: Vec<_> = (0..count)
        .map(|number| {
            let (layer, expert) = (number / 256, number % 256);
            let (begin, end) = (number << 25, (number + 1) << 25);
            format!(
                r#""model.layers.{layer}.mlp.experts.{expert}.down_proj.weight":{{"dtype":"BF16","shape":[4096,4096],"data_offsets":[{begin},{end}]}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"__metadata__":{{"format":"pt"}},{}}}"#,
        tensors.join(",")
    );
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend_from_slice(text.as_bytes());
    Head {
        size: head.len() as u64 + (count << 25),
        head,
        reads: Vec::new(),
    }
}

#[test]
fn offsets_have_64_bits() {
    let mut input = head(4096);
    assert_eq!(input.size >> 30, 128);
    let model = header::read(&mut input).unwrap();
    let data = model.data();
    assert_eq!(data, input.head.len() as u64);
    assert_eq!(model.tensors().len(), 4096);
    for (number, tensor) in model.tensors().enumerate() {
        assert_eq!(tensor.offset, data + ((number as u64) << 25));
        assert_eq!((tensor.length, tensor.elements()), (1 << 25, 1 << 24));
    }
}

#[test]
fn each_byte_of_the_header_is_read_once_and_none_of_the_data() {
    let mut input = head(10_000);
    let start = Instant::now();
    let model = header::read(&mut input).unwrap();
    println!("{} bytes in {:?}", input.head.len(), start.elapsed());
    assert_eq!(model.tensors().len(), 10_000);
    let mut next = 0;
    for &(offset, max) in &input.reads {
        assert_eq!(offset, next);
        assert!(max <= 65536);
        next += u64::from(max);
    }
    assert_eq!(next, input.head.len() as u64);
}

#[test]
fn an_input_that_is_shorter_than_it_says_is_refused() {
    /// Its size, and the bytes that are there.
    struct Liar(u64, &'static [u8]);
    impl Input for Liar {
        type Error = Infallible;
        fn size(&self) -> u64 {
            self.0
        }
        fn read_at(&mut self, offset: u64, _: u32) -> Result<Vec<u8>, Infallible> {
            Ok(self.1.get(offset as usize..).unwrap_or_default().to_vec())
        }
    }
    let refused = |rule, offset, length| {
        let at = Span { offset, length };
        Stop::Fault(Fault { rule, at })
    };
    for (bytes, offset) in [
        (&b""[..], 0),
        (b"\x09\0\0\0\0", 5),
        (b"\x09\0\0\0\0\0\0\0{", 9),
    ] {
        let stop = header::read(&mut Liar(100, bytes)).unwrap_err();
        assert_eq!(stop, refused(Rule::ShortInput, offset, 0));
    }
    let stop = shards::read(&mut Liar(100, b"{")).unwrap_err();
    assert_eq!(stop, refused(Rule::ShortInput, 1, 0));
    let stop = shards::read(&mut Liar(100_000_001, b"{}")).unwrap_err();
    assert_eq!(stop, refused(Rule::IndexTooLarge, 0, 100_000_001));
}

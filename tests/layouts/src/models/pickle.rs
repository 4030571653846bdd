//! Pickles by hand, opcode after opcode (Python's Lib/pickletools.py).

use crate::models::Tensor;

/// A pickle under construction.
pub(super) struct Pickle(Vec<u8>);

impl Pickle {
    pub(super) fn new(protocol: u8) -> Self {
        Self(vec![0x80, protocol])
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// How many bytes there are.
    pub(super) fn position(&self) -> usize {
        self.0.len()
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.raw(b"X");
        self.raw(&(text.len() as u32).to_le_bytes());
        self.raw(text.as_bytes())
    }

    pub(super) fn global(&mut self, module: &str, name: &str) -> &mut Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A tensor as torch rebuilds it from storage `key`.
    pub(super) fn tensor(&mut self, tensor: &Tensor, key: &str) -> &mut Self {
        let elements: u64 = tensor.shape.iter().product();
        self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
        self.raw(b"(")
            .text("storage")
            .global("torch", tensor.dtype.storage());
        self.text(key).text("cpu").int(elements).raw(b"tQ");
        let strides: Vec<u64> = (1..=tensor.shape.len())
            .map(|from| tensor.shape[from..].iter().product())
            .collect();
        self.int(0).ints(&tensor.shape).ints(&strides).raw(b"\x89");
        self.global("collections", "OrderedDict").raw(b")RtR")
    }

    pub(super) fn stop(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }

    fn int(&mut self, number: u64) -> &mut Self {
        match i32::try_from(number) {
            Ok(number) => self.raw(b"J").raw(&number.to_le_bytes()),
            Err(_) => self.raw(&[0x8a, 8]).raw(&number.to_le_bytes()),
        }
    }

    fn ints(&mut self, numbers: &[u64]) -> &mut Self {
        self.raw(b"(");
        for number in numbers {
            self.int(*number);
        }
        self.raw(b"t")
    }
}

//! Pickles by hand: opcodes one after another.

/// A pickle under construction.
#[derive(Debug, Clone, Default)]
pub struct Pickle(pub Vec<u8>);

/// `("torch", "FloatStorage")` and the like.
pub const FLOAT: (&str, &str) = ("torch", "FloatStorage");
pub const REBUILD: (&str, &str) = ("torch._utils", "_rebuild_tensor_v2");
pub const ORDERED: (&str, &str) = ("collections", "OrderedDict");

impl Pickle {
    /// Of protocol 2, as torch writes them.
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        let length = (text.len() as u32).to_le_bytes();
        self.raw(b"X").raw(&length).raw(text.as_bytes())
    }

    pub fn int(self, number: i64) -> Self {
        match i32::try_from(number) {
            Ok(number) => self.raw(b"J").raw(&number.to_le_bytes()),
            Err(_) => self.raw(&[0x8a, 8]).raw(&number.to_le_bytes()),
        }
    }

    pub fn global(self, (module, name): (&str, &str)) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub fn ints(self, numbers: &[i64]) -> Self {
        let inner = numbers
            .iter()
            .fold(self.raw(b"("), |pickle, &number| pickle.int(number));
        inner.raw(b"t")
    }

    /// A storage as torch names it.
    pub fn storage(self, class: (&str, &str), key: &str, elements: i64) -> Self {
        let inner = self.raw(b"(").text("storage").global(class);
        inner.text(key).text("cpu").int(elements).raw(b"tQ")
    }

    /// A tensor as torch rebuilds it.
    pub fn tensor(self, tensor: &Tensor) -> Self {
        let inner = self
            .global(REBUILD)
            .raw(b"(")
            .storage(tensor.class, tensor.key, tensor.elements)
            .int(tensor.offset)
            .ints(tensor.size)
            .ints(tensor.stride)
            .raw(b"\x89");
        inner.global(ORDERED).raw(b")RtR")
    }

    /// A state dictionary with these.
    pub fn state(tensors: &[(&str, Tensor)]) -> Vec<u8> {
        let start = Self::new().raw(b"}(");
        let inner = tensors.iter().fold(start, |pickle, (name, tensor)| {
            pickle.text(name).tensor(tensor)
        });
        inner.raw(b"u").stop()
    }

    pub fn stop(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// What `_rebuild_tensor_v2` is given.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    pub class: (&'static str, &'static str),
    pub key: &'static str,
    pub elements: i64,
    pub offset: i64,
    pub size: &'static [i64],
    pub stride: &'static [i64],
}

/// Two rows of three floats in storage 0, which has no more.
pub const SMALL: Tensor = Tensor {
    class: FLOAT,
    key: "0",
    elements: 6,
    offset: 0,
    size: &[2, 3],
    stride: &[3, 1],
};

//! Types of tensors: how many elements a block has, and how many bytes.
//!
//! Numbers, names and blocks are those of `ggml.h`, `ggml-common.h` and `ggml.c`.

use crate::error::Rule;

/// A tensor's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dtype(u8);

/// Name, elements of a block and its bytes, by number; none where a type was dropped.
#[rustfmt::skip]
const TYPES: [Option<(&str, u64, u64)>; 43] = [
    Some(("F32", 1, 4)),         // 0
    Some(("F16", 1, 2)),
    Some(("Q4_0", 32, 18)),
    Some(("Q4_1", 32, 20)),
    None,                        // 4: Q4_2
    None,                        // 5: Q4_3
    Some(("Q5_0", 32, 22)),
    Some(("Q5_1", 32, 24)),
    Some(("Q8_0", 32, 34)),      // 8
    Some(("Q8_1", 32, 36)),
    Some(("Q2_K", 256, 84)),
    Some(("Q3_K", 256, 110)),
    Some(("Q4_K", 256, 144)),    // 12
    Some(("Q5_K", 256, 176)),
    Some(("Q6_K", 256, 210)),
    Some(("Q8_K", 256, 292)),
    Some(("IQ2_XXS", 256, 66)),  // 16
    Some(("IQ2_XS", 256, 74)),
    Some(("IQ3_XXS", 256, 98)),
    Some(("IQ1_S", 256, 50)),
    Some(("IQ4_NL", 32, 18)),    // 20
    Some(("IQ3_S", 256, 110)),
    Some(("IQ2_S", 256, 82)),
    Some(("IQ4_XS", 256, 136)),
    Some(("I8", 1, 1)),          // 24
    Some(("I16", 1, 2)),
    Some(("I32", 1, 4)),
    Some(("I64", 1, 8)),
    Some(("F64", 1, 8)),         // 28
    Some(("IQ1_M", 256, 56)),
    Some(("BF16", 1, 2)),
    None,                        // 31: Q4_0_4_4
    None,                        // 32: Q4_0_4_8
    None,                        // 33: Q4_0_8_8
    Some(("TQ1_0", 256, 54)),
    Some(("TQ2_0", 256, 66)),
    None,                        // 36: IQ4_NL_4_4
    None,                        // 37: IQ4_NL_4_8
    None,                        // 38: IQ4_NL_8_8
    Some(("MXFP4", 32, 17)),
    Some(("NVFP4", 64, 36)),     // 40
    Some(("Q1_0", 128, 18)),
    Some(("Q2_0", 64, 18)),
];

impl Dtype {
    /// The type with this number.
    ///
    /// # Errors
    /// It was dropped, or is not known.
    pub fn from_number(number: u32) -> Result<Self, Rule> {
        let place = u8::try_from(number).ok();
        match place.and_then(|place| TYPES.get(usize::from(place)).map(|known| (place, known))) {
            Some((place, Some(_))) => Ok(Self(place)),
            Some((_, None)) => Err(Rule::TypeGone),
            None => Err(Rule::TypeUnknown),
        }
    }

    /// All that are known, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u32::from(u8::MAX)).filter_map(|number| Self::from_number(number).ok())
    }

    /// Its number in a file.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// As `ggml` calls it, without the prefix: `Q4_K`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Elements of a block.
    #[must_use]
    pub fn block_elements(self) -> u64 {
        self.row().1
    }

    /// Bytes of a block.
    #[must_use]
    pub fn block_bytes(self) -> u64 {
        self.row().2
    }

    fn row(self) -> (&'static str, u64, u64) {
        TYPES[usize::from(self.0)].expect("only known types are made")
    }
}

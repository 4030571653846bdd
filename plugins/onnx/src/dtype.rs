//! Types of elements, with their widths and the fields their values are kept in.

use crate::part::Field;

macro_rules! types {
    ($($name:ident $text:literal $number:literal $bits:literal $field:ident,)*) => {
        /// The type of a tensor's elements (`TensorProto.DataType`, onnx 1.23).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are the format's own")]
        pub enum DataType {
            $($name,)*
        }

        impl DataType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// In the format's spelling.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Bits of one element; some types have less than a byte, strings none.
            #[must_use]
            pub const fn bits(self) -> u32 {
                match self {
                    $(Self::$name => $bits,)*
                }
            }

            /// The field its values are kept in, if not in `raw_data`.
            #[must_use]
            pub const fn field(self) -> Field {
                match self {
                    $(Self::$name => Field::$field,)*
                }
            }

            /// From the format's number.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

types! {
    Float "FLOAT" 1 32 Float,
    Uint8 "UINT8" 2 8 Int32,
    Int8 "INT8" 3 8 Int32,
    Uint16 "UINT16" 4 16 Int32,
    Int16 "INT16" 5 16 Int32,
    Int32 "INT32" 6 32 Int32,
    Int64 "INT64" 7 64 Int64,
    String "STRING" 8 0 String,
    Bool "BOOL" 9 8 Int32,
    Float16 "FLOAT16" 10 16 Int32,
    Double "DOUBLE" 11 64 Double,
    Uint32 "UINT32" 12 32 Uint64,
    Uint64 "UINT64" 13 64 Uint64,
    Complex64 "COMPLEX64" 14 64 Float,
    Complex128 "COMPLEX128" 15 128 Double,
    Bfloat16 "BFLOAT16" 16 16 Int32,
    Float8E4M3Fn "FLOAT8E4M3FN" 17 8 Int32,
    Float8E4M3Fnuz "FLOAT8E4M3FNUZ" 18 8 Int32,
    Float8E5M2 "FLOAT8E5M2" 19 8 Int32,
    Float8E5M2Fnuz "FLOAT8E5M2FNUZ" 20 8 Int32,
    Uint4 "UINT4" 21 4 Int32,
    Int4 "INT4" 22 4 Int32,
    Float4E2M1 "FLOAT4E2M1" 23 4 Int32,
    Float8E8M0 "FLOAT8E8M0" 24 8 Int32,
    Uint2 "UINT2" 25 2 Int32,
    Int2 "INT2" 26 2 Int32,
    Float6E2M3 "FLOAT6E2M3" 27 6 Int32,
    Float6E3M2 "FLOAT6E3M2" 28 6 Int32,
}

impl DataType {
    /// Bytes of so many elements in `raw_data` or in another file: packed, the last byte filled up.
    #[must_use]
    pub const fn bytes(self, elements: u64) -> u128 {
        (elements as u128 * self.bits() as u128).div_ceil(8)
    }

    /// Numbers that so many elements are in the typed field: two for a complex one, one for a byte
    /// of two- and four-bit ones.
    #[must_use]
    pub const fn numbers(self, elements: u64) -> u128 {
        match self {
            Self::Complex64 | Self::Complex128 => 2 * elements as u128,
            Self::Uint4 | Self::Int4 | Self::Float4E2M1 | Self::Uint2 | Self::Int2 => {
                self.bytes(elements)
            }
            _ => elements as u128,
        }
    }
}

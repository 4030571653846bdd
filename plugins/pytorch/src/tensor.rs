//! Tensors as their calls describe them: `torch._utils._rebuild_tensor_v2` and its kin, resolved
//! without calling anything.

use crate::error::{Rule, Span};
use crate::limits::RANK_MAX;
use crate::pickle::globals::{Rebuild, Role};
use crate::pickle::heap::{Heap, Value};

/// A type of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dtype(u8);

/// Name in `torch`, bits of an element (of what is packed, for types below a byte), and the storage
/// class that holds nothing else. Sources: `c10/core/ScalarType.h`, `torch/storage.py`.
const DTYPES: [(&str, u8, &str); 32] = [
    ("float64", 64, "DoubleStorage"),
    ("float32", 32, "FloatStorage"),
    ("float16", 16, "HalfStorage"),
    ("bfloat16", 16, "BFloat16Storage"),
    ("int64", 64, "LongStorage"),
    ("int32", 32, "IntStorage"),
    ("int16", 16, "ShortStorage"),
    ("int8", 8, "CharStorage"),
    ("uint8", 8, "ByteStorage"),
    ("bool", 8, "BoolStorage"),
    ("complex128", 128, "ComplexDoubleStorage"),
    ("complex64", 64, "ComplexFloatStorage"),
    ("complex32", 32, ""),
    ("quint8", 8, "QUInt8Storage"),
    ("qint8", 8, "QInt8Storage"),
    ("qint32", 32, "QInt32Storage"),
    ("quint4x2", 4, "QUInt4x2Storage"),
    ("quint2x4", 2, "QUInt2x4Storage"),
    ("uint16", 16, ""),
    ("uint32", 32, ""),
    ("uint64", 64, ""),
    ("float8_e4m3fn", 8, ""),
    ("float8_e5m2", 8, ""),
    ("float8_e4m3fnuz", 8, ""),
    ("float8_e5m2fnuz", 8, ""),
    ("float8_e8m0fnu", 8, ""),
    ("float4_e2m1fn_x2", 8, ""),
    ("bits8", 8, ""),
    ("bits16", 16, ""),
    ("bits1x8", 8, ""),
    ("bits2x4", 8, ""),
    ("bits4x2", 8, ""),
];

impl Dtype {
    /// Bytes, as a storage without a type counts them.
    pub(crate) const UNTYPED: Self = Self(8);

    /// `float32` and the like.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::position(|row| row.0 == name)
    }

    /// `FloatStorage` and the like.
    pub(crate) fn from_storage(class: &str) -> Option<Self> {
        Self::position(|row| !row.2.is_empty() && row.2 == class)
    }

    fn position(test: impl Fn(&(&str, u8, &str)) -> bool) -> Option<Self> {
        let place = DTYPES.iter().position(test)?;
        u8::try_from(place).ok().map(Self)
    }

    /// As `torch` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        DTYPES[self.0 as usize].0
    }

    /// Bits of one element.
    #[must_use]
    pub const fn bits(self) -> u32 {
        DTYPES[self.0 as usize].1 as u32
    }

    /// Whether several elements share a byte.
    pub(crate) const fn is_packed(self) -> bool {
        self.bits() < 8
    }
}

/// A storage as a persistent id names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage {
    /// The name of its bytes in the file.
    pub(crate) key: u32,
    /// None where only its tensors know.
    pub(crate) dtype: Option<Dtype>,
    /// Elements of the whole storage; bytes where it has no type.
    pub(crate) elements: u64,
    /// In the format before zip: the part that is meant.
    pub(crate) view: (u64, u64),
    /// The opcode that named it.
    pub(crate) at: Span,
    /// Offset of its first byte in the file, once known.
    pub(crate) data: u64,
}

impl Storage {
    /// Bits of an element, in which its length and views are counted.
    pub(crate) fn bits(&self) -> u32 {
        self.dtype.unwrap_or(Dtype::UNTYPED).bits()
    }

    /// Bytes of the whole storage. Saturates, which no file can hold.
    pub(crate) fn bytes(&self) -> u64 {
        bytes(u128::from(self.elements), self.bits())
    }
}

/// Bytes of so many elements.
fn bytes(elements: u128, bits: u32) -> u64 {
    let bytes = elements.saturating_mul(u128::from(bits)).div_ceil(8);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// How a tensor's values are to be understood, beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    /// Values are to be conjugated, or negated, when they are read.
    pub(crate) conjugate: bool,
    pub(crate) negative: bool,
    /// With a scale and a zero point.
    pub(crate) quantised: bool,
}

/// A view of a storage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tensor {
    pub(crate) storage: u32,
    pub(crate) dtype: Dtype,
    pub(crate) rank: u8,
    pub(crate) is_contiguous: bool,
    pub(crate) marks: Marks,
    /// Number of the first size; strides follow the sizes.
    pub(crate) dimensions: u32,
    /// Bytes before it in its storage.
    pub(crate) offset: u64,
    /// Bytes from its first to its last element.
    pub(crate) length: u64,
}

/// What a call of a function that rebuilds tensors gives.
pub(crate) enum Rebuilt {
    Value(Value),
    /// The arguments are not what the function takes.
    Unresolved,
    /// It adds hooks, which are called later.
    Hooks(Value),
}

/// Follows a call.
pub(crate) fn rebuild(
    heap: &mut Heap,
    rebuild: Rebuild,
    arguments: Value,
) -> Result<Rebuilt, Rule> {
    let Value::Tuple(tuple) = arguments else {
        return Ok(Rebuilt::Unresolved);
    };
    let arguments: Vec<Value> = heap.tuple(tuple).take(16).collect();
    let get = |index: usize| arguments.get(index).copied().unwrap_or(Value::None);
    let mut marks = Marks::default();
    let mut dtype = None;
    let (hooks, metadata) = match rebuild {
        Rebuild::Plain => (Value::None, Value::None),
        Rebuild::V2 => (get(5), get(6)),
        Rebuild::V3 => {
            let Some(Role::Dtype(found)) = heap.role(get(6)) else {
                return Ok(Rebuilt::Unresolved);
            };
            dtype = Some(found);
            (get(5), get(7))
        }
        Rebuild::Quantised => {
            marks.quantised = true;
            (get(6), Value::None)
        }
        Rebuild::Parameter => {
            return Ok(match get(0) {
                value @ Value::Tensor(_) if is_empty(heap, get(2)) => Rebuilt::Value(value),
                value @ Value::Tensor(_) => Rebuilt::Hooks(value),
                _ => Rebuilt::Unresolved,
            });
        }
    };
    read_metadata(heap, metadata, &mut marks);
    let [storage, offset, size, stride] = [get(0), get(1), get(2), get(3)];
    let (Value::Storage(storage), Some(offset), Value::Tuple(size), Value::Tuple(stride)) =
        (storage, heap.as_int(offset), size, stride)
    else {
        return Ok(Rebuilt::Unresolved);
    };
    let sizes: Option<Vec<i64>> = heap.tuple(size).map(|value| heap.as_int(value)).collect();
    let strides: Option<Vec<i64>> = heap.tuple(stride).map(|value| heap.as_int(value)).collect();
    let (Some(sizes), Some(strides)) = (sizes, strides) else {
        return Ok(Rebuilt::Unresolved);
    };
    let whole = *heap
        .storages
        .get(storage as usize)
        .expect("made by `new_storage`");
    let dtype = match dtype.or(whole.dtype) {
        Some(dtype) => dtype,
        None => Dtype::UNTYPED,
    };
    let geometry = measure(&whole, dtype, offset, &sizes, &strides)?;
    let dimensions = u32::try_from(heap.dimensions.len()).expect("HEAP_MAX keeps it below 2^32");
    for number in sizes.iter().chain(&strides) {
        heap.new_dimension(number.unsigned_abs());
    }
    let tensor = heap.new_tensor(Tensor {
        storage,
        dtype,
        rank: u8::try_from(sizes.len()).expect("RANK_MAX is less"),
        is_contiguous: geometry.is_contiguous,
        marks,
        dimensions,
        offset: geometry.offset,
        length: geometry.length,
    });
    Ok(if is_empty(heap, hooks) {
        Rebuilt::Value(tensor)
    } else {
        Rebuilt::Hooks(tensor)
    })
}

/// No hooks: an empty dictionary, or nothing.
fn is_empty(heap: &Heap, hooks: Value) -> bool {
    match hooks {
        Value::None => true,
        Value::Dict(chain) => heap.count(chain) == 0,
        _ => false,
    }
}

/// `conj` and `neg`, the two that `torch._C._get_tensor_metadata` writes.
fn read_metadata(heap: &Heap, metadata: Value, marks: &mut Marks) {
    if let Value::Dict(chain) = metadata {
        for (key, value) in heap.entries(chain) {
            let is_set = value == Value::Bool(true);
            match heap.as_text(key) {
                Some("conj") => marks.conjugate = is_set,
                Some("neg") => marks.negative = is_set,
                _ => {}
            }
        }
    }
}

struct Geometry {
    offset: u64,
    length: u64,
    is_contiguous: bool,
}

/// Where in its storage a tensor lies.
fn measure(
    storage: &Storage,
    dtype: Dtype,
    offset: i64,
    sizes: &[i64],
    strides: &[i64],
) -> Result<Geometry, Rule> {
    if sizes.len() > RANK_MAX {
        return Err(Rule::RankTooLarge);
    }
    if sizes.len() != strides.len() {
        return Err(Rule::TensorShape);
    }
    let offset = u128::try_from(offset).map_err(|_| Rule::TensorShape)?;
    let mut last = 0_u128;
    let mut product = 1_u128;
    let mut is_contiguous = true;
    for (&size, &stride) in sizes.iter().zip(strides).rev() {
        let size = u128::try_from(size).map_err(|_| Rule::TensorShape)?;
        let stride = u128::try_from(stride).map_err(|_| Rule::TensorShape)?;
        is_contiguous &= size == 1 || stride == product;
        // 64 dimensions of 2^63 would wrap; nothing that large is within a storage.
        product = product.saturating_mul(size);
        last = last.saturating_add(size.saturating_sub(1).saturating_mul(stride));
    }
    let is_empty = sizes.contains(&0);
    let span = if is_empty { 0 } else { last.saturating_add(1) };
    let bits = u128::from(dtype.bits());
    // Torch counts the elements of a storage of packed ones in bytes.
    let unit = bits.max(8);
    let room = u128::from(storage.view.1).saturating_mul(u128::from(storage.bits()).max(8));
    let start = offset.saturating_mul(unit);
    let end = start.saturating_add(span.saturating_mul(bits));
    if end > room && !is_empty {
        return Err(Rule::TensorBeyondStorage);
    }
    let skipped = u128::from(storage.view.0).saturating_mul(u128::from(storage.bits()).max(8));
    // One without elements may begin anywhere; it is put where its storage is.
    let start = if start <= room { start } else { 0 };
    let start = skipped.saturating_add(start) / 8;
    Ok(Geometry {
        offset: u64::try_from(start).unwrap_or(0),
        length: bytes(span, dtype.bits()),
        is_contiguous: is_contiguous || is_empty,
    })
}

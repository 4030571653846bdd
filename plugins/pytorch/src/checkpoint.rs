//! A whole file: which format it is, its tensors, and what was found.

use crate::archive;
use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Window};
use crate::legacy;
use crate::limits::METADATA_FACTS_MAX;
use crate::names;
use crate::pickle::finding::{Finding, Findings, Level};
use crate::pickle::heap::Value;
use crate::pickle::machine::Machine;
use crate::tensor::Dtype;
use crate::zip::end;

/// How the file is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A zip archive, since `PyTorch` 1.6.
    Zip,
    /// Pickles and storages one behind the other.
    Legacy,
    /// A pickle of something else.
    Pickle,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Keys on the way to it, with `/` between them; any text.
    pub name: String,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its dimensions, the outermost first; none for a single element.
    pub shape: Vec<u64>,
    /// Elements from one index to the next in each dimension, where they are not those of a tensor
    /// whose elements follow each other.
    pub stride: Option<Vec<u64>>,
    /// The name of its storage in the file.
    pub storage: String,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes from the first of it to the last, also those between its elements.
    pub length: u64,
    /// `conjugate`, `negative`, `quantised`: what its bytes do not say.
    pub marks: Vec<&'static str>,
}

impl Part {
    /// Elements; one for a tensor without dimensions. Saturates.
    #[must_use]
    pub fn elements(&self) -> u64 {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape
            .iter()
            .fold(1, |product: u64, &size| product.saturating_mul(size))
    }
}

/// Something that is neither a tensor nor one's, and has a meaning for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Int(i64),
    /// A truth.
    Bool(bool),
}

/// A sound file. Nothing says that loading it is harmless but [`Findings::worst`].
#[derive(Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How it is put together.
    pub format: Format,
    /// As it says itself: `version`, or 1001 before zip; none for a bare pickle.
    pub version: Option<String>,
    /// Whether numbers begin with their highest byte, if it says so.
    pub is_big_endian: Option<bool>,
    /// Its tensors, in the order of the pickle.
    pub parts: Vec<Part>,
    /// The outermost dictionary's other entries, the first of them.
    pub metadata: Vec<(String, Scalar)>,
    /// What need not be there.
    pub findings: Findings,
    /// Where objects lie: data of the storages, offset and length, in the order of the file.
    pub storages: Vec<(u64, u64)>,
    /// What else is worth an object of its own when the file is split: pickles, directory.
    pub others: Vec<(u64, u64)>,
    /// Bytes of the file.
    pub size: u64,
}

/// Reads a checkpoint's index.
///
/// # Errors
/// The file breaks a rule, and what was found up to there.
pub fn read<I: Input>(input: &mut I) -> Result<Checkpoint, (Fault, Findings)> {
    let mut machine = Machine::default();
    let result = dispatch(input, &mut machine);
    match result {
        Ok(mut checkpoint) => {
            checkpoint.findings = machine.findings;
            Ok(checkpoint)
        }
        Err(fault) => Err((fault, machine.findings)),
    }
}

fn dispatch<I: Input>(input: &mut I, machine: &mut Machine) -> Result<Checkpoint, Fault> {
    let head = Window::new(input).at(0, 512, 512).to_vec();
    let whole = Span::new(0, head.len().min(8) as u64);
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return archive::read(input, machine);
    }
    if starts(b"7z\xbc\xaf\x27\x1c") {
        return Err(whole.breaks(Rule::SevenZip));
    }
    if starts(b"PYTORCH1") {
        return Err(whole.breaks(Rule::PreviewFormat));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(Span::new(257, 5).breaks(Rule::TarFormat));
    }
    if end::is_last(input) {
        // Torch takes it for a pickle, scanners for an archive.
        let archive = crate::zip::Archive::read(input);
        let fault = archive
            .err()
            .filter(|fault| fault.rule == Rule::PrefixBytes);
        return Err(fault.unwrap_or_else(|| whole.breaks(Rule::PrefixBytes)));
    }
    legacy::read(input, machine)
}

/// Puts together what the formats have in common: names, parts, metadata.
pub(crate) fn assemble(
    machine: &mut Machine,
    root: Value,
    at: Span,
) -> (Vec<Part>, Vec<(String, Scalar)>) {
    let found = names::find(&machine.heap, root);
    let mut say = |level, reason| {
        machine.findings.push(Finding {
            level,
            offset: at.offset,
            opcode: "STOP",
            module: String::new(),
            name: String::new(),
            reason,
        });
    };
    if found.key_twice {
        say(Level::Suspicious, "dictionary sets a key twice");
    }
    if found.is_cut {
        say(Level::Note, "tensors too deep or too many to be listed");
    }
    let heap = &machine.heap;
    let mut parts = Vec::with_capacity(found.tensors.len());
    for named in found.tensors {
        let tensor = heap
            .tensors
            .get(named.tensor as usize)
            .expect("made by `new_tensor`");
        let storage = heap
            .storages
            .get(tensor.storage as usize)
            .expect("made by `new_storage`");
        let rank = usize::from(tensor.rank);
        let numbers = |from: usize| -> Vec<u64> {
            let from = tensor.dimensions as usize + from;
            let numbers = (from..from + rank).filter_map(|place| heap.dimensions.get(place));
            numbers.copied().collect()
        };
        let marks = [
            (tensor.marks.conjugate, "conjugate"),
            (tensor.marks.negative, "negative"),
            (tensor.marks.quantised, "quantised"),
        ];
        parts.push(Part {
            name: named.name,
            dtype: tensor.dtype,
            shape: numbers(0),
            stride: (!tensor.is_contiguous).then(|| numbers(rank)),
            storage: heap.text(storage.key).to_owned(),
            offset: storage.data + tensor.offset,
            length: tensor.length,
            marks: marks
                .iter()
                .filter_map(|&(is_set, name)| is_set.then_some(name))
                .collect(),
        });
    }
    (parts, metadata(machine, root))
}

fn metadata(machine: &Machine, root: Value) -> Vec<(String, Scalar)> {
    let heap = &machine.heap;
    let Value::Dict(chain) = root else {
        return Vec::new();
    };
    let scalar = |value: Value| match value {
        Value::Text(text) => Some(Scalar::Text(heap.text(text).to_owned())),
        Value::Bool(value) => Some(Scalar::Bool(value)),
        value => heap.as_int(value).map(Scalar::Int),
    };
    heap.entries(chain)
        .filter_map(|(key, value)| Some((heap.as_text(key)?.to_owned(), scalar(value)?)))
        .take(METADATA_FACTS_MAX)
        .collect()
}

/// Storages by key: numbers in the heap, sorted; all of one key must be described alike.
pub(crate) fn group(machine: &Machine) -> Result<Vec<(u32, Vec<u32>)>, Fault> {
    let heap = &machine.heap;
    let mut order: Vec<u32> = (0..).take(heap.storages.len()).collect();
    let storage = |number: u32| {
        *heap
            .storages
            .get(number as usize)
            .expect("one of the numbers there are")
    };
    order.sort_by_key(|&number| (heap.text(storage(number).key), number));
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    for number in order {
        let this = storage(number);
        match groups.last_mut() {
            Some((first, numbers)) if heap.text(storage(*first).key) == heap.text(this.key) => {
                let first = storage(*first);
                if (first.dtype, first.elements) != (this.dtype, this.elements) {
                    return Err(this.at.breaks(Rule::StorageTwice));
                }
                numbers.push(number);
            }
            _ => groups.push((number, vec![number])),
        }
    }
    Ok(groups)
}

//! Checkpoints before zip: five pickles (a magic number, a version, system information, the object, the
//! keys of its storages), then each storage behind its length; and pickles that are none of these.
//!
//! `torch.load` unpickles the first of them before it looks at what it is, so any pickle under a
//! checkpoint's name is walked.

use crate::archive::walk_rest;
use crate::checkpoint::{Checkpoint, Format, assemble, group};
use crate::error::{Fault, Rule, Span};
use crate::input::{Input, Stream};
use crate::limits::INLINE_MAX;
use crate::pickle::decode::Decoder;
use crate::pickle::finding::{Finding, Findings, Level};
use crate::pickle::heap::Value;
use crate::pickle::machine::Machine;
use crate::pickle::opcode::Opcode;

/// The only version there was (`torch/serialization.py`, `PROTOCOL_VERSION`).
const VERSION: i64 = 1001;

pub(crate) fn read<I: Input>(input: &mut I, machine: &mut Machine) -> Result<Checkpoint, Fault> {
    let size = input.size();
    let mut decoder = Decoder::new(Stream::new(input, 0, size));
    let first = machine.walk(&mut decoder).map_err(not_even_begun)?;
    if first != Value::Magic {
        return Ok(bare(machine, decoder, first, size));
    }
    let start = decoder.offset();
    let version = machine.walk(&mut decoder)?;
    if machine.heap.as_int(version) != Some(VERSION) {
        return Err(Span::new(start, decoder.offset() - start).breaks(Rule::LegacyVersion));
    }
    let start = decoder.offset();
    let system = machine.walk(&mut decoder)?;
    let is_big_endian = byte_order(machine, system)
        .ok_or_else(|| Span::new(start, decoder.offset() - start).breaks(Rule::LegacySystem))?;
    let start = decoder.offset();
    let value = machine.walk(&mut decoder)?;
    let pickle = Span::new(start, decoder.offset() - start);
    let start = decoder.offset();
    let list = machine.walk(&mut decoder)?;
    let listed = Span::new(start, decoder.offset() - start);
    let mut stream = decoder.into_stream();
    let storages = resolve(machine, &mut stream, list, listed)?;
    if stream.offset() < size {
        machine.findings.push(Finding {
            level: Level::Suspicious,
            offset: stream.offset(),
            opcode: "STOP",
            module: String::new(),
            name: String::new(),
            reason: "bytes behind the last storage",
        });
        let mut decoder = Decoder::new(stream);
        if machine.walk(&mut decoder).is_ok() {
            walk_rest(machine, &mut decoder);
        }
    }
    let (parts, metadata) = assemble(machine, value, pickle);
    let others = [pickle, listed]
        .iter()
        .filter(|span| span.length > INLINE_MAX)
        .map(|span| (span.offset, span.length))
        .collect();
    Ok(Checkpoint {
        format: Format::Legacy,
        version: Some(VERSION.to_string()),
        is_big_endian: Some(is_big_endian),
        parts,
        metadata,
        findings: Findings::default(),
        storages,
        others,
        size,
    })
}

/// A file whose very first byte is no opcode is no pickle.
fn not_even_begun(fault: Fault) -> Fault {
    let is_first =
        fault.at.offset == 0 && matches!(fault.rule, Rule::UnknownOpcode | Rule::TruncatedPickle);
    if is_first {
        return fault.at.breaks(Rule::NotCheckpoint);
    }
    fault
}

/// A pickle of something else, and whatever follows it.
fn bare<I: Input>(
    machine: &mut Machine,
    mut decoder: Decoder<'_, I>,
    value: Value,
    size: u64,
) -> Checkpoint {
    machine.findings.push(Finding {
        level: Level::Suspicious,
        offset: 0,
        opcode: Opcode::Stop.name(),
        module: String::new(),
        name: String::new(),
        reason: "a pickle that torch did not save",
    });
    walk_rest(machine, &mut decoder);
    let (_, metadata) = assemble(machine, value, Span::new(0, size));
    Checkpoint {
        format: Format::Pickle,
        version: None,
        is_big_endian: None,
        // Their storages are nowhere.
        parts: Vec::new(),
        metadata,
        findings: Findings::default(),
        storages: Vec::new(),
        others: Vec::new(),
        size,
    }
}

fn byte_order(machine: &Machine, system: Value) -> Option<bool> {
    let Value::Dict(chain) = system else {
        return None;
    };
    let mut entries = machine.heap.entries(chain);
    let order = entries.find(|(key, _)| machine.heap.as_text(*key) == Some("little_endian"));
    match order?.1 {
        Value::Bool(is_little) => Some(!is_little),
        _ => None,
    }
}

/// Reads where the storages are, in the order of the list.
fn resolve<I: Input>(
    machine: &mut Machine,
    stream: &mut Stream<'_, I>,
    list: Value,
    listed: Span,
) -> Result<Vec<(u64, u64)>, Fault> {
    let wrong = listed.breaks(Rule::LegacyKeys);
    let Value::List(chain) = list else {
        return Err(wrong);
    };
    let groups = group(machine)?;
    let keys: Vec<Value> = machine.heap.chain(chain).map(|(_, key)| key).collect();
    if keys.len() as u64 != u64::from(machine.heap.count(chain)) {
        return Err(wrong);
    }
    let mut is_found = vec![false; groups.len()];
    let mut ranges = Vec::new();
    for key in keys {
        let key = machine.heap.as_text(key).ok_or(wrong)?;
        let place = groups.binary_search_by_key(&key, |(first, _)| {
            let storage = machine.heap.storages.get(*first as usize);
            storage.map_or("", |storage| machine.heap.text(storage.key))
        });
        // Torch writes those of the pickle, each once.
        let place = place.map_err(|_| wrong)?;
        if std::mem::replace(&mut is_found[place], true) {
            return Err(wrong);
        }
        let storage = machine
            .heap
            .storages
            .get(groups[place].0 as usize)
            .expect("a number of one there is");
        let start = stream.offset();
        let rest = Span::new(start, stream.end() - start);
        let short = |_| rest.breaks(Rule::TruncatedStorage);
        let elements = u64::from_le_bytes(stream.array::<8>().map_err(short)?);
        let bytes = storage.bytes();
        // Torch has counted elements, and bytes where there is no type.
        if elements != storage.elements {
            return Err(Span::new(start, 8).breaks(Rule::StorageSize));
        }
        let data = stream.offset();
        stream.skip(bytes).map_err(short)?;
        if bytes > 0 {
            ranges.push((data, bytes));
        }
        for &number in &groups[place].1 {
            if let Some(storage) = machine.heap.storages.get_mut(number as usize) {
                storage.data = data;
            }
        }
    }
    if let Some(place) = is_found.iter().position(|is_found| !is_found) {
        let storage = machine.heap.storages.get(groups[place].0 as usize);
        let at = storage.map_or(listed, |storage| storage.at);
        return Err(at.breaks(Rule::StorageMissing));
    }
    Ok(ranges)
}

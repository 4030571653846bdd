//! Names for tensors: the keys on the way to each, from the value a pickle leaves.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use crate::limits::{DEPTH_MAX, NAME_MAX, NAMES_OF_PARTS_MAX, PARTS_MAX};
use crate::pickle::heap::{Heap, Value};

/// A tensor under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Keys and indexes with `/` between them; of a state dictionary the key itself.
    pub(crate) name: String,
    /// Its number in the heap.
    pub(crate) tensor: u32,
}

/// What was found on the way.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) tensors: Vec<Named>,
    /// A dictionary sets a key again, which no pickler does.
    pub(crate) key_twice: bool,
    /// Some were too deep or too many, and have no name.
    pub(crate) is_cut: bool,
}

/// What an element is called in its container.
#[derive(Debug, Clone, Copy)]
enum Key {
    /// Its place in a list.
    Index(u32),
    /// Its key in a dictionary, and the place of that.
    Value(Value, u32),
}

/// A container on the way, with what of it is still to be seen: read from the heap as it is needed, as
/// containers can share what they hold, and thirty can be open.
struct Level<'a> {
    entries: Box<dyn Iterator<Item = (Key, Value)> + 'a>,
    /// Bytes of the name before it.
    prefix: usize,
}

/// All tensors a value holds, in its order. Each container is entered once, by the first way to it.
pub(crate) fn find(heap: &Heap, root: Value) -> Found {
    let mut names = Names::default();
    let mut seen = BTreeSet::new();
    let mut path = String::new();
    let mut levels = Vec::new();
    if let Value::Tensor(tensor) = root {
        names.take("tensor", tensor);
    }
    levels.extend(enter(heap, root, &mut seen, 0, &mut names.found));
    while let Some(level) = levels.last_mut() {
        path.truncate(level.prefix);
        let Some((key, value)) = level.entries.next() else {
            levels.pop();
            continue;
        };
        if !path.is_empty() {
            path.push('/');
        }
        push(&mut path, heap, key);
        let room = path.floor_char_boundary(NAME_MAX);
        path.truncate(room);
        if let Value::Tensor(tensor) = value {
            names.take(&path, tensor);
        } else if levels.len() < DEPTH_MAX {
            let found = &mut names.found;
            levels.extend(enter(heap, value, &mut seen, path.len(), found));
        } else if is_container(value) {
            names.found.is_cut = true;
        }
    }
    names.found
}

/// Adds a key to a path.
fn push(path: &mut String, heap: &Heap, key: Key) {
    let written = match key {
        Key::Index(index) => write!(path, "{index}"),
        Key::Value(Value::Text(text), _) => path.write_str(heap.text(text)),
        Key::Value(Value::Bool(true), _) => path.write_str("True"),
        Key::Value(Value::Bool(false), _) => path.write_str("False"),
        Key::Value(Value::None, _) => path.write_str("None"),
        Key::Value(key, place) => match heap.as_int(key) {
            Some(number) => write!(path, "{number}"),
            None => write!(path, "#{place}"),
        },
    };
    written.expect("a string takes any text");
}

fn is_container(value: Value) -> bool {
    matches!(
        value,
        Value::List(_) | Value::Dict(_) | Value::Tuple(_) | Value::Object(_)
    )
}

fn enter<'a>(
    heap: &'a Heap,
    value: Value,
    seen: &mut BTreeSet<Value>,
    prefix: usize,
    found: &mut Found,
) -> Option<Level<'a>> {
    if !is_container(value) || !seen.insert(value) {
        return None;
    }
    let entries: Box<dyn Iterator<Item = (Key, Value)> + 'a> = match value {
        Value::List(chain) => Box::new(listed(heap.chain(chain))),
        Value::Tuple(tuple) => Box::new(listed((0..).zip(heap.tuple(tuple)))),
        Value::Dict(chain) => Box::new(keyed(heap, chain, found)),
        Value::Object(object) => {
            let object = heap.object(object);
            let mut part = |part| -> Box<dyn Iterator<Item = (Key, Value)> + 'a> {
                match part {
                    Value::Dict(chain) => Box::new(keyed(heap, chain, found)),
                    Value::Tuple(tuple) => Box::new(listed((0..).zip(heap.tuple(tuple)))),
                    _ => Box::new(std::iter::empty()),
                }
            };
            let arguments = part(object.arguments);
            let state = part(object.state);
            Box::new(
                arguments
                    .chain(state)
                    .chain(listed(heap.chain(object.items))),
            )
        }
        _ => return None,
    };
    let entries = Box::new(entries.filter(|(_, value)| leads(*value)));
    Some(Level { entries, prefix })
}

/// Whether there can be a tensor behind it.
fn leads(value: Value) -> bool {
    is_container(value) || matches!(value, Value::Tensor(_))
}

fn listed(elements: impl Iterator<Item = (u32, Value)>) -> impl Iterator<Item = (Key, Value)> {
    elements.map(|(index, value)| (Key::Index(index), value))
}

/// A dictionary's entries; of a key that is set twice the last.
fn keyed<'a>(
    heap: &'a Heap,
    chain: u32,
    found: &mut Found,
) -> impl Iterator<Item = (Key, Value)> + use<'a> {
    let entries = move || (0..).zip(heap.entries(chain));
    // Keys that are texts in their order, the later of two equal ones behind.
    let mut order: Vec<(u32, u32)> = entries()
        .filter_map(|(place, (key, _))| match key {
            Value::Text(text) => Some((text, place)),
            _ => None,
        })
        .collect();
    order.sort_by(|left, right| {
        let texts = heap.text(left.0).cmp(heap.text(right.0));
        texts.then(left.1.cmp(&right.1))
    });
    let mut replaced: Vec<u32> = order
        .windows(2)
        .filter(|pair| heap.text(pair[0].0) == heap.text(pair[1].0))
        .map(|pair| pair[0].1)
        .collect();
    replaced.sort_unstable();
    found.key_twice |= !replaced.is_empty();
    entries()
        .filter(move |(place, _)| replaced.binary_search(place).is_err())
        .map(|(place, (key, value))| (Key::Value(key, place), value))
}

/// The names that were given.
#[derive(Default)]
struct Names {
    found: Found,
    /// In a tree: a table's hashes can be made to collide.
    hashes: BTreeSet<u64>,
    bytes: usize,
    /// Suffixes below this were tried, for whatever name: so that many that clash do not try the same
    /// ones again and again.
    suffix: u32,
}

impl Names {
    /// Adds a tensor; one whose name is taken gets another.
    fn take(&mut self, name: &str, tensor: u32) {
        let bytes = self.bytes + name.len();
        if self.found.tensors.len() >= PARTS_MAX || bytes > NAMES_OF_PARTS_MAX {
            self.found.is_cut = true;
            return;
        }
        self.bytes = bytes;
        let mut name = name.to_owned();
        let plain = name.len();
        // Two names of one hash only cost the second a suffix.
        while !self.hashes.insert(hash(&name)) {
            name.truncate(plain);
            write!(name, "#{}", self.suffix).expect("a string takes any text");
            self.suffix += 1;
        }
        self.found.tensors.push(Named { name, tensor });
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

//! Names for tensors: the keys on the way to each, from the value a pickle leaves.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::limits::{DEPTH_MAX, NAME_MAX, PARTS_MAX};
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

/// A container on the way, with what of it is still to be seen.
struct Level {
    entries: std::vec::IntoIter<(String, Value)>,
    /// Bytes of the name before it.
    prefix: usize,
}

/// All tensors a value holds, in its order. Each container is entered once, by the first way to it.
pub(crate) fn find(heap: &Heap, root: Value) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut names = HashSet::new();
    let mut path = String::new();
    let mut levels = Vec::new();
    if let Value::Tensor(tensor) = root {
        take(&mut found, &mut names, "tensor", tensor);
    }
    enter(heap, root, &mut seen, &mut levels, 0, &mut found);
    while let Some(level) = levels.last_mut() {
        path.truncate(level.prefix);
        let Some((key, value)) = level.entries.next() else {
            levels.pop();
            continue;
        };
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&key);
        let room = path.floor_char_boundary(NAME_MAX);
        path.truncate(room);
        if let Value::Tensor(tensor) = value {
            take(&mut found, &mut names, &path, tensor);
        } else if levels.len() < DEPTH_MAX {
            enter(heap, value, &mut seen, &mut levels, path.len(), &mut found);
        } else if is_container(value) {
            found.is_cut = true;
        }
    }
    found
}

fn is_container(value: Value) -> bool {
    matches!(
        value,
        Value::List(_) | Value::Dict(_) | Value::Tuple(_) | Value::Object(_)
    )
}

fn enter(
    heap: &Heap,
    value: Value,
    seen: &mut HashSet<Value>,
    levels: &mut Vec<Level>,
    prefix: usize,
    found: &mut Found,
) {
    if !is_container(value) || !seen.insert(value) {
        return;
    }
    let numbered = |(index, value): (u32, Value)| (index.to_string(), value);
    let entries: Vec<(String, Value)> = match value {
        Value::List(chain) => heap.chain(chain).filter(leads).map(numbered).collect(),
        Value::Tuple(tuple) => (0..)
            .zip(heap.tuple(tuple))
            .filter(leads)
            .map(numbered)
            .collect(),
        Value::Dict(chain) => keyed(heap, chain, found),
        Value::Object(object) => {
            let object = heap.object(object);
            let mut entries: Vec<(String, Value)> = Vec::new();
            for part in [object.arguments, object.state] {
                match part {
                    Value::Dict(chain) => entries.extend(keyed(heap, chain, found)),
                    Value::Tuple(tuple) => {
                        entries.extend((0..).zip(heap.tuple(tuple)).filter(leads).map(numbered));
                    }
                    _ => {}
                }
            }
            entries.extend(heap.chain(object.items).filter(leads).map(numbered));
            entries
        }
        _ => return,
    };
    if !entries.is_empty() {
        levels.push(Level {
            entries: entries.into_iter(),
            prefix,
        });
    }
}

/// Whether there can be a tensor behind it.
fn leads((_, value): &(u32, Value)) -> bool {
    is_container(*value) || matches!(value, Value::Tensor(_))
}

/// A dictionary's entries; of a key that is set twice the last.
fn keyed(heap: &Heap, chain: u32, found: &mut Found) -> Vec<(String, Value)> {
    let entries: Vec<(Value, Value)> = heap.entries(chain).collect();
    // Keys that are texts in their order, the later of two equal ones behind.
    let mut order: Vec<usize> = (0..entries.len())
        .filter(|&place| heap.as_text(entries[place].0).is_some())
        .collect();
    order.sort_by_key(|&place| heap.as_text(entries[place].0));
    let mut is_replaced = vec![false; entries.len()];
    for pair in order.windows(2) {
        if heap.as_text(entries[pair[0]].0) == heap.as_text(entries[pair[1]].0) {
            is_replaced[pair[0]] = true;
            found.key_twice = true;
        }
    }
    let mut named = Vec::new();
    for (place, (key, value)) in entries.into_iter().enumerate() {
        if is_replaced[place] || !leads(&(0, value)) {
            continue;
        }
        let key = match key {
            Value::Text(text) => heap.text(text).to_owned(),
            Value::Bool(key) => if key { "True" } else { "False" }.to_owned(),
            Value::None => "None".to_owned(),
            key => match heap.as_int(key) {
                Some(number) => number.to_string(),
                None => format!("#{place}"),
            },
        };
        named.push((key, value));
    }
    named
}

/// Adds a tensor; one whose name is taken gets another.
fn take(found: &mut Found, names: &mut HashSet<u64>, name: &str, tensor: u32) {
    if found.tensors.len() >= PARTS_MAX {
        found.is_cut = true;
        return;
    }
    let mut name = name.to_owned();
    let plain = name.len();
    let mut number = found.tensors.len();
    // Two names of one hash only cost the second a suffix.
    while !names.insert(hash(&name)) {
        name.truncate(plain);
        name.push_str(&format!("#{number}"));
        number += 1;
    }
    found.tensors.push(Named { name, tensor });
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

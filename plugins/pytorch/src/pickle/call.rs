//! Calls, states and persistent ids: what a pickle asks others to do.

use crate::error::Fault;
use crate::pickle::decode::Op;
use crate::pickle::finding::Level;
use crate::pickle::globals::Role;
use crate::pickle::heap::Value;
use crate::pickle::machine::Machine;
use crate::tensor::{Dtype, Rebuilt, Storage, rebuild};

/// Codecs that make bytes of text and nothing else; `NumPy` uses the first.
const CODECS: [&str; 4] = ["latin1", "latin-1", "ascii", "utf-8"];

/// Said of a call whose function is not known.
const UNRESOLVED_CALL: &str = "calls what cannot be resolved";

impl Machine {
    /// REDUCE and its kin: pushes what the call would return.
    pub(super) fn call(&mut self, op: Op, class: Value, arguments: Value) -> Result<(), Fault> {
        let value = match class {
            Value::Global(_) => match self.heap.role(class) {
                Some(role) => self.call_known(op, role, arguments)?,
                // The name is a finding already.
                None => self.heap.new_object(arguments),
            },
            _ => {
                self.find(op, Level::Dangerous, UNRESOLVED_CALL);
                self.heap.new_object(arguments)
            }
        };
        self.push(value);
        Ok(())
    }

    fn call_known(&mut self, op: Op, role: Role, arguments: Value) -> Result<Value, Fault> {
        let first = match arguments {
            Value::Tuple(tuple) => self.heap.tuple(tuple).next(),
            _ => {
                self.find(
                    op,
                    Level::Suspicious,
                    "calls with something other than a tuple",
                );
                None
            }
        };
        Ok(match role {
            Role::Plain | Role::Collection | Role::Combine | Role::Storage(_) | Role::Dtype(_) => {
                self.heap.new_object(arguments)
            }
            Role::Dict => self.dictionary(first),
            Role::Factory => {
                if !matches!(first, None | Some(Value::None | Value::Global(_))) {
                    self.find(op, Level::Dangerous, UNRESOLVED_CALL);
                }
                self.dictionary(None)
            }
            Role::Construct => {
                if !matches!(first, Some(Value::Global(_))) {
                    self.find(op, Level::Dangerous, UNRESOLVED_CALL);
                }
                self.heap.new_object(arguments)
            }
            Role::Encode => self.encode(op, arguments),
            Role::FromType => self.rebuild_from_type(op, arguments)?,
            Role::Rebuild(kind) => {
                let rebuilt =
                    rebuild(&mut self.heap, kind, arguments).map_err(|rule| op.at.breaks(rule))?;
                match rebuilt {
                    Rebuilt::Value(value) => value,
                    Rebuilt::Hooks(value) => {
                        self.find(op, Level::Suspicious, "tensor with hooks, which are called");
                        value
                    }
                    Rebuilt::Unresolved => {
                        self.find(op, Level::Suspicious, "tensor cannot be resolved");
                        self.heap.new_object(arguments)
                    }
                }
            }
        })
    }

    /// `OrderedDict` and the like, of nothing, of pairs, or of another dictionary.
    fn dictionary(&mut self, first: Option<Value>) -> Value {
        let chain = self.heap.new_chain();
        let pairs: Vec<(Value, Value)> = match first {
            Some(Value::Dict(other)) => self.heap.entries(other).collect(),
            Some(Value::List(list)) => self
                .heap
                .chain(list)
                .filter_map(|(_, pair)| self.pair(pair))
                .collect(),
            _ => Vec::new(),
        };
        for (key, value) in pairs {
            self.heap.set(chain, key, value);
        }
        Value::Dict(chain)
    }

    fn pair(&self, pair: Value) -> Option<(Value, Value)> {
        match pair {
            Value::List(list) => {
                let mut elements = self.heap.chain(list).map(|(_, value)| value);
                Some((elements.next()?, elements.next()?))
            }
            Value::Tuple(_) => {
                let [key, value] = self.heap.as_array(pair)?;
                Some((key, value))
            }
            _ => None,
        }
    }

    fn encode(&mut self, op: Op, arguments: Value) -> Value {
        let codec = self
            .heap
            .as_array::<2>(arguments)
            .and_then(|[_, codec]| self.heap.as_text(codec));
        if codec.is_some_and(|codec| CODECS.contains(&codec)) {
            return Value::Bytes;
        }
        self.find(op, Level::Suspicious, "unusual codec");
        self.heap.new_object(arguments)
    }

    /// `_rebuild_from_type_v2(function, type, arguments, state)`.
    fn rebuild_from_type(&mut self, op: Op, arguments: Value) -> Result<Value, Fault> {
        let Some([function, _, inner, state]) = self.heap.as_array::<4>(arguments) else {
            self.find(op, Level::Suspicious, "tensor cannot be resolved");
            return Ok(self.heap.new_object(arguments));
        };
        self.check_state(op, state);
        Ok(match function {
            Value::Global(_) => match self.heap.role(function) {
                // One level: no pickler nests them, and nesting would recurse.
                Some(role) if role != Role::FromType => self.call_known(op, role, inner)?,
                _ => self.heap.new_object(arguments),
            },
            _ => {
                self.find(op, Level::Dangerous, UNRESOLVED_CALL);
                self.heap.new_object(arguments)
            }
        })
    }

    /// BUILD: `__setstate__`, or attributes.
    pub(super) fn build(&mut self, op: Op, target: Value, state: Value) {
        self.check_state(op, state);
        match target {
            Value::Object(object) => self.heap.set_state(object, state),
            Value::Dict(_) | Value::Tensor(_) => {}
            Value::Global(_) => self.find(op, Level::Dangerous, "changes a class or function"),
            Value::Unknown => {
                self.find(op, Level::Dangerous, "changes what cannot be resolved");
            }
            _ => self.find(op, Level::Suspicious, "gives a state to what has none"),
        }
    }

    /// Attributes whose names mean something to Python: `__setstate__` is called by the next BUILD,
    /// `__class__` makes it another object.
    fn check_state(&mut self, op: Op, state: Value) {
        let mut dictionaries = Vec::new();
        match state {
            Value::Dict(chain) => dictionaries.push(chain),
            Value::Tuple(_) => {
                let pair = self.heap.as_array::<2>(state);
                for value in pair.into_iter().flatten() {
                    if let Value::Dict(chain) = value {
                        dictionaries.push(chain);
                    }
                }
            }
            _ => {}
        }
        let mut worst = None;
        for (key, _) in dictionaries
            .iter()
            .flat_map(|&chain| self.heap.entries(chain))
        {
            let found = match self.heap.as_text(key) {
                Some(name) if name.starts_with("__") && name.ends_with("__") => {
                    Some((Level::Dangerous, "sets internals of an object"))
                }
                Some(_) => None,
                None if matches!(key, Value::Int(_) | Value::Long(_) | Value::Tuple(_)) => None,
                None => Some((Level::Suspicious, "sets attributes that cannot be resolved")),
            };
            worst = worst.max(found);
        }
        if let Some((level, reason)) = worst {
            self.find(op, level, reason);
        }
    }

    /// BINPERSID: a storage.
    pub(super) fn persistent(&mut self, op: Op, id: Value) -> Value {
        if let Some(value) = self.storage(op, id) {
            return value;
        }
        if let Some([kind, class, _, _]) = self.heap.as_array::<4>(id)
            && self.heap.as_text(kind) == Some("module")
        {
            self.find(op, Level::Suspicious, "brings the source of a class along");
            return class;
        }
        self.find(op, Level::Suspicious, "persistent id is not a storage's");
        Value::Unknown
    }

    /// `("storage", class, key, location, elements)`, before zip with a sixth element for views.
    fn storage(&mut self, op: Op, id: Value) -> Option<Value> {
        let ([kind, class, key, location, elements], view) =
            if let Some(id) = self.heap.as_array::<5>(id) {
                (id, Value::None)
            } else {
                let [kind, class, key, location, elements, view] = self.heap.as_array::<6>(id)?;
                ([kind, class, key, location, elements], view)
            };
        if self.heap.as_text(kind)? != "storage" {
            return None;
        }
        self.heap.as_text(location)?;
        let dtype: Option<Dtype> = match self.heap.role(class)? {
            Role::Storage(dtype) => dtype,
            _ => return None,
        };
        let elements = u64::try_from(self.heap.as_int(elements)?).ok()?;
        let view = match view {
            Value::None => (0, elements),
            _ => {
                let [_, offset, length] = self.heap.as_array::<3>(view)?;
                let offset = u64::try_from(self.heap.as_int(offset)?).ok()?;
                let length = u64::try_from(self.heap.as_int(length)?).ok()?;
                let end = offset.checked_add(length)?;
                if end > elements {
                    return None;
                }
                (offset, length)
            }
        };
        let Value::Text(key) = key else {
            return None;
        };
        Some(self.heap.new_storage(Storage {
            key,
            dtype,
            elements,
            view,
            at: op.at,
            data: 0,
        }))
    }
}

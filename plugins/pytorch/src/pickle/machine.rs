//! The pickle machine: stack, marks and memo as CPython's unpickler keeps them, over values that only
//! say what they are. Nothing is imported, called or loaded.
//!
//! A stream that CPython would stop at is a fault; what it would carry out and no checkpoint needs is a
//! finding. Memory is bounded by [`HEAP_MAX`](crate::limits::HEAP_MAX), nothing here recurses.

use std::collections::BTreeMap;

use crate::error::{Fault, Rule};
use crate::input::Input;
use crate::limits::{DIMENSIONS_MAX, HEAP_MAX, MARKS_MAX, MEMO_STEP, STACK_MAX};
use crate::pickle::decode::{self, Decoder, Op};
use crate::pickle::finding::{Finding, Findings, Level};
use crate::pickle::globals::{Judgement, judge};
use crate::pickle::heap::{Heap, Pool, Value};
use crate::pickle::opcode::Opcode;

/// Highest protocol there is.
const PROTOCOL_MAX: i64 = 5;

/// Walks pickles one after another. Values of one live on when the next is walked.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) heap: Heap,
    pub(crate) findings: Findings,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Memo,
}

/// Slots in the order they are filled, as picklers do it; others aside, in a tree: a table's hashes can
/// be made to collide.
#[derive(Default)]
struct Memo {
    dense: Pool<Value>,
    sparse: BTreeMap<u32, Value>,
    filled: usize,
}

impl Memo {
    fn get(&self, slot: u32) -> Option<Value> {
        let value = match self.dense.get(slot as usize) {
            Some(value) => *value,
            None => *self.sparse.get(&slot)?,
        };
        (value != Value::Hole).then_some(value)
    }

    /// What was there before.
    fn put(&mut self, slot: u32, value: Value) -> Option<Value> {
        let place = slot as usize;
        let before = if place < self.dense.len() + MEMO_STEP && !self.sparse.contains_key(&slot) {
            while self.dense.len() <= place {
                self.dense.push(Value::Hole);
            }
            let there = self.dense.get_mut(place)?;
            std::mem::replace(there, value)
        } else {
            self.sparse.insert(slot, value).unwrap_or(Value::Hole)
        };
        if before == Value::Hole {
            self.filled += 1;
            return None;
        }
        Some(before)
    }

    fn spent(&self) -> usize {
        // A tree's nodes may be half empty.
        self.dense.len() * size_of::<Value>() + self.sparse.len() * 4 * size_of::<Value>()
    }
}

impl Machine {
    /// Walks one pickle to its STOP, and returns what it built.
    pub(crate) fn walk<I: Input>(&mut self, decoder: &mut Decoder<'_, I>) -> Result<Value, Fault> {
        self.stack.clear();
        self.marks.clear();
        self.memo = Memo::default();
        loop {
            let op = decoder.next()?;
            if op.opcode == Opcode::Stop {
                let value = self.pop(op)?;
                if !self.stack.is_empty() || !self.marks.is_empty() {
                    self.find(op, Level::Suspicious, "leaves values behind on its stack");
                }
                return Ok(value);
            }
            self.step(op, decoder)?;
            let is_full = self.heap.dimensions.len() > DIMENSIONS_MAX
                || self.heap.spent() + self.memo.spent() > HEAP_MAX;
            if is_full {
                return Err(op.at.breaks(Rule::PickleTooLarge));
            }
            if self.stack.len() > STACK_MAX || self.marks.len() > MARKS_MAX {
                return Err(op.at.breaks(Rule::StackTooLarge));
            }
        }
    }

    fn step<I: Input>(&mut self, op: Op, decoder: &Decoder<'_, I>) -> Result<(), Fault> {
        match op.opcode {
            Opcode::Proto => match op.value {
                decode::Value::Int(0..=PROTOCOL_MAX) => {}
                _ => return Err(op.at.breaks(Rule::Protocol)),
            },
            Opcode::Frame | Opcode::Stop => {}
            Opcode::Int
            | Opcode::BinInt
            | Opcode::BinInt1
            | Opcode::BinInt2
            | Opcode::Long
            | Opcode::Long1
            | Opcode::Long4
            | Opcode::String
            | Opcode::BinString
            | Opcode::ShortBinString
            | Opcode::BinBytes
            | Opcode::ShortBinBytes
            | Opcode::BinBytes8
            | Opcode::ByteArray8
            | Opcode::Unicode
            | Opcode::ShortBinUnicode
            | Opcode::BinUnicode
            | Opcode::BinUnicode8
            | Opcode::Float
            | Opcode::BinFloat => {
                let value = self.literal(op, decoder.text());
                self.stack.push(value);
            }
            Opcode::None => self.stack.push(Value::None),
            Opcode::NewTrue => self.stack.push(Value::Bool(true)),
            Opcode::NewFalse => self.stack.push(Value::Bool(false)),
            Opcode::NextBuffer => {
                self.find(op, Level::Suspicious, "takes a buffer from elsewhere");
                self.stack.push(Value::Unknown);
            }
            Opcode::ReadonlyBuffer => {
                self.find(op, Level::Suspicious, "takes a buffer from elsewhere");
                self.top(op)?;
            }
            Opcode::EmptyList | Opcode::EmptySet => {
                let chain = self.heap.new_chain();
                self.stack.push(Value::List(chain));
            }
            Opcode::EmptyDict => {
                let chain = self.heap.new_chain();
                self.stack.push(Value::Dict(chain));
            }
            Opcode::EmptyTuple => self.tuple(op, 0)?,
            Opcode::Tuple1 => self.tuple(op, 1)?,
            Opcode::Tuple2 => self.tuple(op, 2)?,
            Opcode::Tuple3 => self.tuple(op, 3)?,
            Opcode::Tuple => {
                let mark = self.mark(op)?;
                self.tuple(op, self.stack.len() - mark)?;
            }
            Opcode::List | Opcode::FrozenSet => {
                let mark = self.mark(op)?;
                let chain = self.heap.new_chain();
                for value in self.stack.drain(mark..) {
                    self.heap.append(chain, value);
                }
                self.stack.push(Value::List(chain));
            }
            Opcode::Dict => {
                let mark = self.mark(op)?;
                let chain = self.heap.new_chain();
                self.stack.insert(mark, Value::Dict(chain));
                self.set_items(op, mark + 1)?;
            }
            Opcode::Append => {
                let from = self.above(op, 1)?;
                self.append_items(op, from)?;
            }
            Opcode::Appends | Opcode::AddItems => {
                let mark = self.mark(op)?;
                self.append_items(op, mark)?;
            }
            Opcode::SetItem => {
                let from = self.above(op, 2)?;
                self.set_items(op, from)?;
            }
            Opcode::SetItems => {
                let mark = self.mark(op)?;
                self.set_items(op, mark)?;
            }
            Opcode::Pop => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop(op)?;
                }
            }
            Opcode::Dup => {
                let value = self.top(op)?;
                self.stack.push(value);
            }
            Opcode::Mark => self.marks.push(self.stack.len()),
            Opcode::PopMark => {
                let mark = self.mark(op)?;
                self.stack.truncate(mark);
            }
            Opcode::Get | Opcode::BinGet | Opcode::LongBinGet => {
                let slot = slot(op)?;
                let value = self.memo.get(slot);
                self.stack
                    .push(value.ok_or_else(|| op.at.breaks(Rule::MemoMissing))?);
            }
            Opcode::Put | Opcode::BinPut | Opcode::LongBinPut => {
                let slot = slot(op)?;
                self.put(op, slot)?;
            }
            Opcode::Memoize => {
                let slot = u32::try_from(self.memo.filled);
                self.put(op, slot.map_err(|_| op.at.breaks(Rule::MemoIndex))?)?;
            }
            Opcode::Ext1 | Opcode::Ext2 | Opcode::Ext4 => {
                self.find(
                    op,
                    Level::Dangerous,
                    "name of a registry that is not in the file",
                );
                self.stack.push(Value::Unknown);
            }
            Opcode::Global => {
                let (module, name) = decoder.pair();
                let value = self.global(op, module, name);
                self.stack.push(value);
            }
            Opcode::StackGlobal => {
                let name = self.pop(op)?;
                let module = self.pop(op)?;
                let texts = self.heap.as_text(module).zip(self.heap.as_text(name));
                let texts = texts.map(|(module, name)| (module.to_owned(), name.to_owned()));
                let value = if let Some((module, name)) = texts {
                    self.global(op, &module, &name)
                } else {
                    self.find(op, Level::Dangerous, "module or name cannot be resolved");
                    Value::Unknown
                };
                self.stack.push(value);
            }
            Opcode::Inst => {
                let (module, name) = decoder.pair();
                // Python's implementation imports before it misses the mark.
                let class = self.global(op, module, name);
                let mark = self.mark(op)?;
                self.tuple(op, self.stack.len() - mark)?;
                let arguments = self.pop(op)?;
                self.call(op, class, arguments)?;
            }
            Opcode::Obj => {
                let mark = self.mark(op)?;
                if self.stack.len() == mark {
                    return Err(op.at.breaks(Rule::StackUnderflow));
                }
                let class = self.stack.remove(mark);
                self.tuple(op, self.stack.len() - mark)?;
                let arguments = self.pop(op)?;
                self.call(op, class, arguments)?;
            }
            Opcode::Reduce | Opcode::NewObj => {
                let arguments = self.pop(op)?;
                let class = self.pop(op)?;
                self.call(op, class, arguments)?;
            }
            Opcode::NewObjEx => {
                self.pop(op)?;
                let arguments = self.pop(op)?;
                let class = self.pop(op)?;
                self.call(op, class, arguments)?;
            }
            Opcode::Build => {
                self.above(op, 1)?;
                let state = self.pop(op)?;
                let target = self.top(op)?;
                self.build(op, target, state);
            }
            Opcode::PersId => {
                self.find(op, Level::Suspicious, "persistent id is not a storage's");
                self.stack.push(Value::Unknown);
            }
            Opcode::BinPersId => {
                let id = self.pop(op)?;
                let value = self.persistent(op, id);
                self.stack.push(value);
            }
        }
        Ok(())
    }

    fn literal(&mut self, op: Op, text: &str) -> Value {
        match op.value {
            decode::Value::Bool(value) => Value::Bool(value),
            decode::Value::Int(number) => self.heap.int(number),
            decode::Value::Big => Value::Big,
            decode::Value::Magic => Value::Magic,
            decode::Value::Float => Value::Float,
            decode::Value::Text => Value::Text(self.heap.new_text(text)),
            decode::Value::LongText => Value::LongText,
            decode::Value::Bytes { pickle } => {
                if pickle {
                    self.find(op, Level::Note, "bytes that look like a pickle");
                }
                Value::Bytes
            }
            decode::Value::Nothing | decode::Value::Pair => Value::Unknown,
        }
    }

    /// A class or function by name, judged.
    fn global(&mut self, op: Op, module: &str, name: &str) -> Value {
        let role = match judge(module, name) {
            Judgement::Allowed(role) => Some(role),
            Judgement::Finding(level, reason) => {
                self.findings.push(Finding {
                    level,
                    offset: op.at.offset,
                    opcode: op.opcode.name(),
                    module: module.to_owned(),
                    name: name.to_owned(),
                    reason,
                });
                None
            }
        };
        self.heap.new_global(role)
    }

    /// A finding about an opcode that names nothing.
    pub(super) fn find(&mut self, op: Op, level: Level, reason: &'static str) {
        self.findings.push(Finding {
            level,
            offset: op.at.offset,
            opcode: op.opcode.name(),
            module: String::new(),
            name: String::new(),
            reason,
        });
    }

    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Height of the stack below which nothing may be taken.
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self, op: Op) -> Result<Value, Fault> {
        if self.stack.len() <= self.fence() {
            return Err(op.at.breaks(Rule::StackUnderflow));
        }
        self.stack
            .last()
            .copied()
            .ok_or_else(|| op.at.breaks(Rule::StackUnderflow))
    }

    fn pop(&mut self, op: Op) -> Result<Value, Fault> {
        let value = self.top(op)?;
        self.stack.pop();
        Ok(value)
    }

    /// Height below the top `count` values, which are there, on something that they go into.
    fn above(&self, op: Op, count: usize) -> Result<usize, Fault> {
        let from = self.stack.len().checked_sub(count);
        from.filter(|&from| from > self.fence())
            .ok_or_else(|| op.at.breaks(Rule::StackUnderflow))
    }

    /// Removes the last mark, and returns the height where it was.
    fn mark(&mut self, op: Op) -> Result<usize, Fault> {
        self.marks.pop().ok_or_else(|| op.at.breaks(Rule::NoMark))
    }

    fn tuple(&mut self, op: Op, length: usize) -> Result<(), Fault> {
        let from = self.stack.len().checked_sub(length);
        let from = from
            .filter(|&from| from >= self.fence())
            .ok_or_else(|| op.at.breaks(Rule::StackUnderflow))?;
        let tuple = self.heap.new_tuple(self.stack.drain(from..));
        self.stack.push(tuple);
        Ok(())
    }

    fn put(&mut self, op: Op, slot: u32) -> Result<(), Fault> {
        let value = self.top(op)?;
        let before = self.memo.put(slot, value);
        if before.is_some_and(|before| before != value) {
            self.find(op, Level::Suspicious, "fills a memo slot twice");
        }
        Ok(())
    }

    /// Puts everything from `from` on into the list below it.
    fn append_items(&mut self, op: Op, from: usize) -> Result<(), Fault> {
        let target = self.target(op, from)?;
        if self.stack.len() == from {
            return Ok(());
        }
        match target {
            Value::List(chain) => {
                for value in self.stack.drain(from..) {
                    self.heap.append(chain, value);
                }
            }
            Value::Object(object) => {
                let chain = self.heap.object(object).items;
                for value in self.stack.drain(from..) {
                    self.heap.append(chain, value);
                }
            }
            _ => self.find_target(op, target),
        }
        self.stack.truncate(from);
        Ok(())
    }

    /// Sets keys and values from `from` on in the dictionary below it.
    fn set_items(&mut self, op: Op, from: usize) -> Result<(), Fault> {
        let target = self.target(op, from)?;
        if !(self.stack.len() - from).is_multiple_of(2) {
            return Err(op.at.breaks(Rule::OddItems));
        }
        if self.stack.len() == from {
            return Ok(());
        }
        match target {
            Value::Dict(chain) => {
                for pair in self.stack[from..].chunks_exact(2) {
                    self.heap.set(chain, pair[0], pair[1]);
                }
            }
            Value::Object(object) => {
                let chain = self.heap.object(object).items;
                for pair in self.stack[from..].chunks_exact(2) {
                    self.heap.append(chain, pair[1]);
                }
            }
            _ => self.find_target(op, target),
        }
        self.stack.truncate(from);
        Ok(())
    }

    fn target(&self, op: Op, from: usize) -> Result<Value, Fault> {
        let place = from.checked_sub(1).filter(|&place| place >= self.fence());
        place
            .and_then(|place| self.stack.get(place).copied())
            .ok_or_else(|| op.at.breaks(Rule::StackUnderflow))
    }

    fn find_target(&mut self, op: Op, target: Value) {
        match target {
            Value::Global(_) => {
                self.find(op, Level::Dangerous, "changes a class or function");
            }
            Value::Unknown => {
                self.find(op, Level::Dangerous, "changes what cannot be resolved");
            }
            _ => self.find(op, Level::Suspicious, "changes what is no container"),
        }
    }
}

fn slot(op: Op) -> Result<u32, Fault> {
    match op.value {
        decode::Value::Int(slot) => u32::try_from(slot).ok(),
        decode::Value::Bool(slot) => Some(u32::from(slot)),
        _ => None,
    }
    .ok_or_else(|| op.at.breaks(Rule::MemoIndex))
}

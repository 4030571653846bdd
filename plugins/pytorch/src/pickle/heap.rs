//! What a pickle builds: values of eight bytes, and packed tables behind them. Nothing is freed
//! before the end, nothing moves when a table grows, and everything is counted.

use crate::pickle::globals::Role;
use crate::tensor::{Storage, Tensor};

/// A value as far as it is known without running anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i32),
    /// More than 32 bits; [`Heap::long`].
    Long(u32),
    /// More than 64 bits.
    Big,
    /// The number that begins a checkpoint of the format before zip.
    Magic,
    Float,
    /// [`Heap::text`].
    Text(u32),
    LongText,
    Bytes,
    /// [`Heap::tuple`].
    Tuple(u32),
    /// [`Heap::chain`].
    List(u32),
    /// [`Heap::chain`]: key, value, key, value …
    Dict(u32),
    /// A class or function; [`Heap::role`].
    Global(u32),
    /// What an unknown call returned; [`Heap::object`].
    Object(u32),
    /// [`Heap::storages`].
    Storage(u32),
    /// [`Heap::tensors`].
    Tensor(u32),
    /// Something that cannot be known.
    Unknown,
    /// A memo slot that was never filled.
    Hole,
}

/// The result of a call that is not followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object {
    /// What the call was given.
    pub(crate) arguments: Value,
    /// What BUILD gave it.
    pub(crate) state: Value,
    /// What was appended or set; as in a list.
    pub(crate) items: u32,
}

/// The first and last link of a list or dictionary.
#[derive(Debug, Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
    /// Elements, also those that are not kept.
    count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    value: Value,
    /// Its place in a list.
    index: u32,
    next: u32,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    page: u32,
    start: u32,
    length: u32,
}

const END: u32 = u32::MAX;

/// Elements of a page.
const PAGE: usize = 1024;

/// Bytes of a page of texts. A text lies in one.
const TEXT_PAGE: usize = 64 * 1024;

/// A table that never moves.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T> Pool<T> {
    pub(crate) fn len(&self) -> usize {
        match self.pages.split_last() {
            Some((last, full)) => full.len() * PAGE + last.len(),
            None => 0,
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.pages.get_mut(index / PAGE)?.get_mut(index % PAGE)
    }

    pub(crate) fn push(&mut self, element: T) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE => page.push(element),
            _ => {
                // A short pickle does not need a whole page.
                let mut page = if self.pages.is_empty() {
                    Vec::new()
                } else {
                    Vec::with_capacity(PAGE)
                };
                page.push(element);
                self.pages.push(page);
            }
        }
    }
}

/// Everything a file's pickles built.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    texts: Pool<Row>,
    text_pages: Vec<Vec<u8>>,
    longs: Pool<i64>,
    /// Ends of the tuples; one begins where the one before it ends.
    tuples: Pool<u32>,
    elements: Pool<Value>,
    chains: Pool<Chain>,
    links: Pool<Link>,
    /// What is known of each; none for what is not on the list.
    globals: Pool<Option<Role>>,
    objects: Pool<Object>,
    pub(crate) storages: Pool<Storage>,
    pub(crate) tensors: Pool<Tensor>,
    /// Sizes and strides of the tensors.
    pub(crate) dimensions: Pool<u64>,
    spent: usize,
}

impl Heap {
    /// Bytes of what is held, about.
    pub(crate) const fn spent(&self) -> usize {
        self.spent
    }

    pub(crate) const fn spend(&mut self, bytes: usize) {
        self.spent = self.spent.saturating_add(bytes);
    }

    pub(crate) fn int(&mut self, number: i64) -> Value {
        if let Ok(number) = i32::try_from(number) {
            return Value::Int(number);
        }
        self.spend(8);
        self.longs.push(number);
        Value::Long(last(self.longs.len()))
    }

    /// The number a value is.
    pub(crate) fn as_int(&self, value: Value) -> Option<i64> {
        match value {
            Value::Int(number) => Some(i64::from(number)),
            Value::Long(number) => self.longs.get(number as usize).copied(),
            _ => None,
        }
    }

    /// The caller bounds the text.
    pub(crate) fn new_text(&mut self, text: &str) -> u32 {
        self.spend(text.len() + size_of::<Row>());
        let fits = self
            .text_pages
            .last()
            .is_some_and(|page| page.len() + text.len() <= TEXT_PAGE);
        if !fits {
            self.text_pages.push(Vec::new());
        }
        let number = self.text_pages.len() - 1;
        let page = &mut self.text_pages[number];
        let row = Row {
            page: narrow(number),
            start: narrow(page.len()),
            length: narrow(text.len()),
        };
        page.extend_from_slice(text.as_bytes());
        self.texts.push(row);
        last(self.texts.len())
    }

    pub(crate) fn text(&self, text: u32) -> &str {
        let row = self.texts.get(text as usize).expect("made by `new_text`");
        let page = &self.text_pages[row.page as usize];
        let bytes = &page[row.start as usize..][..row.length as usize];
        std::str::from_utf8(bytes).expect("made of a text")
    }

    /// The text a value is.
    pub(crate) fn as_text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(text) => Some(self.text(text)),
            _ => None,
        }
    }

    pub(crate) fn new_tuple(&mut self, elements: impl Iterator<Item = Value>) -> Value {
        for element in elements {
            self.spend(size_of::<Value>());
            self.elements.push(element);
        }
        self.spend(4);
        self.tuples.push(narrow(self.elements.len()));
        Value::Tuple(last(self.tuples.len()))
    }

    pub(crate) fn tuple(&self, tuple: u32) -> impl ExactSizeIterator<Item = Value> {
        let end = |tuple: usize| *self.tuples.get(tuple).expect("made by `new_tuple`") as usize;
        let start = (tuple as usize).checked_sub(1).map_or(0, end);
        (start..end(tuple as usize)).map(|index| {
            *self
                .elements
                .get(index)
                .expect("a tuple's element is there")
        })
    }

    /// The elements of a tuple, if it has so many.
    pub(crate) fn as_array<const N: usize>(&self, value: Value) -> Option<[Value; N]> {
        let Value::Tuple(tuple) = value else {
            return None;
        };
        let elements = self.tuple(tuple);
        if elements.len() != N {
            return None;
        }
        let mut array = [Value::None; N];
        for (place, element) in array.iter_mut().zip(elements) {
            *place = element;
        }
        Some(array)
    }

    pub(crate) fn new_chain(&mut self) -> u32 {
        self.spend(size_of::<Chain>());
        self.chains.push(Chain {
            first: END,
            last: END,
            count: 0,
        });
        last(self.chains.len())
    }

    /// Adds an element; a number is only counted.
    pub(crate) fn append(&mut self, chain: u32, value: Value) {
        let index = self.chain_mut(chain).count;
        self.chain_mut(chain).count = index.saturating_add(1);
        if !matches!(
            value,
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Long(_) | Value::Float
        ) {
            self.link(chain, value, index);
        }
    }

    /// Sets a key, which may be there already.
    pub(crate) fn set(&mut self, chain: u32, key: Value, value: Value) {
        let index = self.chain_mut(chain).count;
        self.chain_mut(chain).count = index.saturating_add(1);
        self.link(chain, key, index);
        self.link(chain, value, index);
    }

    fn chain_mut(&mut self, chain: u32) -> &mut Chain {
        self.chains
            .get_mut(chain as usize)
            .expect("made by `new_chain`")
    }

    fn link(&mut self, chain: u32, value: Value, index: u32) {
        self.spend(size_of::<Link>());
        let next = narrow(self.links.len());
        self.links.push(Link {
            value,
            index,
            next: END,
        });
        let chain = self.chain_mut(chain);
        let before = std::mem::replace(&mut chain.last, next);
        if before == END {
            chain.first = next;
        } else if let Some(link) = self.links.get_mut(before as usize) {
            link.next = next;
        }
    }

    /// The elements that are kept, each with its place.
    pub(crate) fn chain(&self, chain: u32) -> impl Iterator<Item = (u32, Value)> {
        let mut next = self
            .chains
            .get(chain as usize)
            .expect("made by `new_chain`")
            .first;
        std::iter::from_fn(move || {
            let link = self.links.get(next as usize)?;
            next = link.next;
            Some((link.index, link.value))
        })
    }

    /// Elements of a list or keys set of a dictionary, also those that are not kept.
    pub(crate) fn count(&self, chain: u32) -> u32 {
        self.chains
            .get(chain as usize)
            .map_or(0, |chain| chain.count)
    }

    /// Keys and values in the order they were set.
    pub(crate) fn entries(&self, chain: u32) -> impl Iterator<Item = (Value, Value)> {
        let mut links = self.chain(chain);
        std::iter::from_fn(move || Some((links.next()?.1, links.next()?.1)))
    }

    pub(crate) fn new_global(&mut self, role: Option<Role>) -> Value {
        self.spend(size_of::<Option<Role>>());
        self.globals.push(role);
        Value::Global(last(self.globals.len()))
    }

    /// What is known of a value that is a class or function on the list.
    pub(crate) fn role(&self, value: Value) -> Option<Role> {
        match value {
            Value::Global(global) => self.globals.get(global as usize).copied().flatten(),
            _ => None,
        }
    }

    pub(crate) fn new_object(&mut self, arguments: Value) -> Value {
        self.spend(size_of::<Object>());
        let items = self.new_chain();
        self.objects.push(Object {
            arguments,
            state: Value::None,
            items,
        });
        Value::Object(last(self.objects.len()))
    }

    pub(crate) fn object(&self, object: u32) -> Object {
        *self
            .objects
            .get(object as usize)
            .expect("made by `new_object`")
    }

    pub(crate) fn set_state(&mut self, object: u32, state: Value) {
        if let Some(object) = self.objects.get_mut(object as usize) {
            object.state = state;
        }
    }

    pub(crate) fn new_storage(&mut self, storage: Storage) -> Value {
        self.spend(size_of::<Storage>());
        self.storages.push(storage);
        Value::Storage(last(self.storages.len()))
    }

    pub(crate) fn new_tensor(&mut self, tensor: Tensor) -> Value {
        self.spend(size_of::<Tensor>());
        self.tensors.push(tensor);
        Value::Tensor(last(self.tensors.len()))
    }

    /// A whole number in `0..2^64`, one for each dimension.
    pub(crate) fn new_dimension(&mut self, size: u64) {
        self.spend(8);
        self.dimensions.push(size);
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("HEAP_MAX keeps tables below 2^32")
}

fn last(length: usize) -> u32 {
    narrow(length - 1)
}

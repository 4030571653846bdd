//! The state machine: blocks in, entries and cuts out.
//!
//! It asks for bytes ([`Step::Read`]), is given them in pieces of any size ([`Parser::feed`]), and
//! says which stretches it need not see ([`Step::Cut`]). It never looks at a byte twice or ahead of
//! what it asked for, holds at most an extension header's data, and does no I/O. What it says
//! depends on the bytes alone, not on how they were cut into pieces. A fault is final.

use std::mem;

use crate::entry::{Entry, Extent, Names};
use crate::error::{Fault, Rule, Span};
use crate::header::{Header, byte_sum};
use crate::limits::{BLOCK, EXTENSION_DATA_MAX, INLINE_CONTENT_MAX};
use crate::member::{self, Data, Pending};
use crate::pax::{self, Sourced};
use crate::sparse::{self, Region, TextMap};

/// What the parser wants done, or has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Bytes to be seen, this many at most, and kept inline: hand them to [`Parser::feed`], or
    /// call [`Parser::end_input`] if there are none.
    Read(usize),
    /// A member. Its content's bytes come later.
    Entry(Entry),
    /// Bytes to be passed unseen: first `object` of them, not zero, as one object, then `inline`
    /// ones. If the input ends first, [`Parser::cut_short`] has to be told.
    Cut {
        /// A file's stored bytes.
        object: u64,
        /// Its padding; may be zero.
        inline: u64,
    },
    /// The archive is over. What follows in the input, if anything, is not part of it.
    End(End),
}

/// How an archive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With two blocks of zeros, as POSIX asks.
    Marker,
    /// With one block of zeros, and the input with it. All readers accept it, GNU tar with a warning.
    HalfMarker,
    /// With the input, behind a member. All readers accept it.
    Bare,
    /// With the input, behind the last byte of a file whose padding is not there, or not all of it.
    /// `umoci insert` 0.4 writes every layer like that. Go accepts it; GNU tar, Python and libarchive
    /// fail, so nobody is shown other files.
    Unpadded,
    /// There was not one byte: an archive without members (Go, GNU tar; Python fails).
    Empty,
}

#[derive(Debug)]
enum State {
    /// A header, or the end.
    Header,
    /// The second block of zeros.
    SecondZero(Span),
    /// The data of an extension header.
    Extension { kind: u8, header: Span, size: usize },
    /// A small file's content, this many bytes, and padding: one block.
    Small(u64),
    /// A sparse file's map.
    Sparse(Box<Sparse>),
    /// A stretch the caller is to pass.
    Cut { object: u64, inline: u64 },
    /// A stretch the caller was told to pass, and has when it asks for the next step.
    Passing { object: u64, inline: u64 },
    /// Over.
    Ended(End),
}

#[derive(Debug)]
struct Sparse {
    entry: Option<Entry>,
    stored: u64,
    real_size: u64,
    map: SparseMap,
    /// Where the map stands, as far as it has been read.
    at: Span,
}

#[derive(Debug)]
enum SparseMap {
    Slots(Vec<Region>),
    Text(TextMap),
}

/// A tar parser.
#[derive(Debug)]
pub struct Parser {
    names: Names,
    state: State,
    pending: Pending,
    /// Bytes fed and not yet digested: those from `start`, which stand at `position` in the input.
    buffer: Vec<u8>,
    start: usize,
    position: u64,
    asked: usize,
    ended: bool,
    fault: Option<Fault>,
}

/// Whether the bytes a state needs are there.
enum Supply {
    Enough,
    Ask(usize),
    /// The input ended; this many are there.
    Short(usize),
}

impl Parser {
    /// A parser at the start of an archive.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            state: State::Header,
            pending: Pending::default(),
            buffer: Vec::new(),
            start: 0,
            position: 0,
            asked: 0,
            ended: false,
            fault: None,
        }
    }

    /// Takes some of the bytes asked for, and returns how many: never more than were asked for.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.asked);
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.asked -= taken;
        taken
    }

    /// There are no more bytes.
    pub const fn end_input(&mut self) {
        self.ended = true;
        self.asked = 0;
    }

    /// The input ended at offset `end`, within the last cut.
    ///
    /// # Errors
    /// Not all of the file's bytes are there.
    pub fn cut_short(&mut self, end: u64) -> Result<(), Fault> {
        let State::Passing { object, inline } = self.state else {
            return Err(self.fail(Span::new(self.position, 0).breaks(Rule::TruncatedContent)));
        };
        let available = end.saturating_sub(self.position).min(object + inline);
        if available < object {
            let at = Span::new(self.position, available);
            return Err(self.fail(at.breaks(Rule::TruncatedContent)));
        }
        self.position += available;
        self.state = State::Ended(End::Unpadded);
        Ok(())
    }

    /// Bytes of the input that were digested or cut. After [`Step::End`], where the archive ends.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// What comes next. After a [`Step::Cut`] this means that it was carried out.
    ///
    /// # Errors
    /// The archive breaks a rule; every further call says the same.
    pub fn step(&mut self) -> Result<Step, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        loop {
            match self.advance() {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(fault) => return Err(self.fail(fault)),
            }
        }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.asked = 0;
        *self.fault.get_or_insert(fault)
    }

    fn advance(&mut self) -> Result<Option<Step>, Fault> {
        match mem::replace(&mut self.state, State::Header) {
            State::Header => self.header(),
            State::SecondZero(first) => self.second_zero(first),
            State::Extension { kind, header, size } => self.extension(kind, header, size),
            State::Small(stored) => self.small(stored),
            State::Sparse(sparse) => self.sparse(sparse),
            State::Cut { object, inline } => {
                self.state = State::Passing { object, inline };
                Ok(Some(Step::Cut { object, inline }))
            }
            State::Passing { object, inline } => {
                self.position += object + inline;
                Ok(None)
            }
            State::Ended(end) => {
                self.state = State::Ended(end);
                Ok(Some(Step::End(end)))
            }
        }
    }

    /// Whether `need` bytes are there; if not, `ahead` more are wanted with them, since they will
    /// be needed next in any case.
    const fn supply(&self, need: usize, ahead: usize) -> Supply {
        let there = self.buffer.len() - self.start;
        if self.asked > 0 {
            // Nothing is digested before all of it came, so what was read when a fault is found
            // does not depend on the pieces either.
            Supply::Ask(self.asked)
        } else if there >= need {
            Supply::Enough
        } else if self.ended {
            Supply::Short(there)
        } else {
            Supply::Ask(need + ahead - there)
        }
    }

    fn ask(&mut self, state: State, bytes: usize) -> Option<Step> {
        self.state = state;
        self.asked = bytes;
        Some(Step::Read(bytes))
    }

    /// The next block, which is there.
    fn take_block(&mut self) -> ([u8; BLOCK], u64) {
        let offset = self.position;
        let block = self.buffer[self.start..]
            .first_chunk::<BLOCK>()
            .copied()
            .expect("the supply was checked");
        self.digest(BLOCK);
        (block, offset)
    }

    const fn digest(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
    }

    fn header(&mut self) -> Result<Option<Step>, Fault> {
        match self.supply(BLOCK, 0) {
            Supply::Enough => {}
            Supply::Ask(bytes) => return Ok(self.ask(State::Header, bytes)),
            Supply::Short(0) => return self.bare_end(),
            Supply::Short(there) => {
                let at = Span::new(self.position, there as u64);
                return Err(at.breaks(Rule::TruncatedHeader));
            }
        }
        let (block, offset) = self.take_block();
        let sum = byte_sum(&block);
        if sum == 0 {
            self.refuse_pending()?;
            self.state = State::SecondZero(Span::new(offset, BLOCK as u64));
            return Ok(None);
        }
        let header = Header::new(&block, offset, sum)?;
        match header.kind() {
            kind @ (b'x' | b'g' | b'L' | b'K') => self.extension_header(kind, &header),
            b'V' => self.label(&header),
            b'M' => Err(header.kind_at().breaks(Rule::MultiVolume)),
            flag => match member::kind_of(flag) {
                None => Err(header.kind_at().breaks(Rule::UnknownType)),
                Some(kind) => {
                    let pending = mem::take(&mut self.pending);
                    let member = member::resolve(&header, kind, pending, self.names)?;
                    self.member(member)
                }
            },
        }
    }

    fn bare_end(&mut self) -> Result<Option<Step>, Fault> {
        self.refuse_pending()?;
        self.state = State::Ended(if self.position == 0 {
            End::Empty
        } else {
            End::Bare
        });
        Ok(None)
    }

    fn second_zero(&mut self, first: Span) -> Result<Option<Step>, Fault> {
        match self.supply(BLOCK, 0) {
            Supply::Enough => {}
            Supply::Ask(bytes) => return Ok(self.ask(State::SecondZero(first), bytes)),
            Supply::Short(0) => {
                self.state = State::Ended(End::HalfMarker);
                return Ok(None);
            }
            Supply::Short(there) => {
                let at = Span::new(self.position, there as u64);
                return Err(at.breaks(Rule::TruncatedHeader));
            }
        }
        let (block, _) = self.take_block();
        if byte_sum(&block) != 0 {
            return Err(first.breaks(Rule::LoneZeroBlock));
        }
        self.state = State::Ended(End::Marker);
        Ok(None)
    }

    /// Extension headers describe a member; none may be left when the archive ends.
    fn refuse_pending(&self) -> Result<(), Fault> {
        match self.pending.first {
            Some(at) => Err(at.breaks(Rule::ExtensionWithoutMember)),
            None => Ok(()),
        }
    }

    /// A volume label (GNU tar): no member, no data.
    fn label(&self, header: &Header<'_>) -> Result<Option<Step>, Fault> {
        self.refuse_pending()?;
        if header.size()? != 0 {
            return Err(header.size_at().breaks(Rule::LabelWithSize));
        }
        Ok(None)
    }

    fn extension_header(&mut self, kind: u8, header: &Header<'_>) -> Result<Option<Step>, Fault> {
        let pending = &self.pending;
        let at = header.at();
        let twice = match kind {
            b'x' => pending.records.is_some(),
            b'L' => pending.long_name.is_some(),
            b'K' => pending.long_link.is_some(),
            _ => false,
        };
        if twice {
            return Err(at.breaks(Rule::ExtensionTwice));
        }
        if kind == b'g' && pending.first.is_some() {
            return Err(at.breaks(Rule::GlobalAfterLocal));
        }
        let size_pending = pending
            .records
            .as_ref()
            .is_some_and(|records| records.size.is_some());
        if matches!(kind, b'L' | b'K') && size_pending {
            return Err(at.breaks(Rule::PaxSizeOnLongName));
        }
        // The header's own size: a pending record's is the member's.
        let size = header.size()?;
        let size = usize::try_from(size)
            .ok()
            .filter(|size| size.saturating_add(pending.bytes) <= EXTENSION_DATA_MAX)
            .ok_or_else(|| header.size_at().breaks(Rule::ExtensionTooLarge))?;
        if kind != b'g' {
            self.pending.first.get_or_insert(at);
            self.pending.bytes += size;
        }
        self.state = State::Extension {
            kind,
            header: at,
            size,
        };
        Ok(None)
    }

    fn extension(&mut self, kind: u8, header: Span, size: usize) -> Result<Option<Step>, Fault> {
        let padded = size.next_multiple_of(BLOCK);
        // A header follows in any case, or nothing at all.
        match self.supply(padded, BLOCK) {
            Supply::Enough => {}
            Supply::Ask(bytes) => {
                return Ok(self.ask(State::Extension { kind, header, size }, bytes));
            }
            Supply::Short(there) => {
                let at = Span::new(self.position, there as u64);
                return Err(at.breaks(Rule::TruncatedExtension));
            }
        }
        let data = &self.buffer[self.start..self.start + size];
        let base = self.position;
        match kind {
            b'x' => self.pending.records = Some(pax::local(data, base)?),
            b'L' => self.pending.long_name = Some(long_name(data, base)?),
            b'K' => self.pending.long_link = Some(long_name(data, base)?),
            _ => pax::global(data, base)?,
        }
        self.digest(padded);
        Ok(None)
    }

    fn member(&mut self, member: member::Member) -> Result<Option<Step>, Fault> {
        let member::Member {
            entry,
            stored,
            data,
        } = member;
        let map_at = Span::new(self.position, 0);
        let (map, real_size, at) = match data {
            Data::Plain => {
                let entry = entry.map(|mut entry| {
                    if stored != 0 {
                        let offset = self.position;
                        entry.content = vec![Extent::Input {
                            offset,
                            length: stored,
                        }];
                    }
                    entry
                });
                return self.content(entry, stored);
            }
            Data::Regions {
                regions,
                real_size,
                at,
            } => {
                return self.regions(entry, &regions, real_size, stored, at);
            }
            Data::Slots {
                regions,
                real_size,
                at,
            } => (SparseMap::Slots(regions), real_size, at),
            Data::TextMap { real_size } => (SparseMap::Text(TextMap::default()), real_size, map_at),
        };
        self.state = State::Sparse(Box::new(Sparse {
            entry,
            stored,
            real_size,
            map,
            at,
        }));
        Ok(None)
    }

    /// One more block of a sparse map.
    fn sparse(&mut self, mut sparse: Box<Sparse>) -> Result<Option<Step>, Fault> {
        if matches!(sparse.map, SparseMap::Text(_)) && sparse.stored < BLOCK as u64 {
            // The map is part of the data, which is over.
            return Err(sparse.at.breaks(Rule::SparseMapTooLong));
        }
        match self.supply(BLOCK, 0) {
            Supply::Enough => {}
            Supply::Ask(bytes) => return Ok(self.ask(State::Sparse(sparse), bytes)),
            Supply::Short(there) => {
                let at = Span::new(self.position, there as u64);
                return Err(at.breaks(Rule::TruncatedSparseMap));
            }
        }
        let (block, offset) = self.take_block();
        sparse.at.length = offset + BLOCK as u64 - sparse.at.offset;
        let done = match &mut sparse.map {
            SparseMap::Slots(regions) => !sparse::slot_block(&block, offset, regions)?,
            SparseMap::Text(map) => {
                sparse.stored -= BLOCK as u64;
                map.feed(&block, offset)?
            }
        };
        if !done {
            self.state = State::Sparse(sparse);
            return Ok(None);
        }
        let Sparse {
            entry,
            stored,
            real_size,
            map,
            at,
        } = *sparse;
        let (SparseMap::Slots(regions) | SparseMap::Text(TextMap { regions, .. })) = map;
        self.regions(entry, &regions, real_size, stored, at)
    }

    fn regions(
        &mut self,
        mut entry: Option<Entry>,
        regions: &[Region],
        real_size: u64,
        stored: u64,
        at: Span,
    ) -> Result<Option<Step>, Fault> {
        let content = sparse::extents(regions, real_size, self.position, stored, at)?;
        if let Some(entry) = &mut entry {
            entry.content = content;
        }
        self.content(entry, stored)
    }

    /// `stored` bytes follow: a file of them, or a sparse file's regions.
    fn content(&mut self, entry: Option<Entry>, stored: u64) -> Result<Option<Step>, Fault> {
        let end = stored
            .checked_next_multiple_of(BLOCK as u64)
            .and_then(|padded| padded.checked_add(self.position));
        let Some(end) = end else {
            return Err(Span::new(self.position, 0).breaks(Rule::SizeRange));
        };
        let padded = end - self.position;
        self.state = if stored == 0 {
            State::Header
        } else if stored <= INLINE_CONTENT_MAX {
            State::Small(stored)
        } else {
            State::Cut {
                object: stored,
                inline: padded - stored,
            }
        };
        Ok(entry.map(Step::Entry))
    }

    fn small(&mut self, stored: u64) -> Result<Option<Step>, Fault> {
        // A header follows in any case, or nothing at all.
        match self.supply(BLOCK, BLOCK) {
            Supply::Enough => {
                self.digest(BLOCK);
                Ok(None)
            }
            Supply::Ask(bytes) => Ok(self.ask(State::Small(stored), bytes)),
            Supply::Short(there) if there as u64 >= stored => {
                self.digest(there);
                self.state = State::Ended(End::Unpadded);
                Ok(None)
            }
            Supply::Short(there) => {
                let at = Span::new(self.position, there as u64);
                Err(at.breaks(Rule::TruncatedContent))
            }
        }
    }
}

/// A GNU long name or link: text with a NUL behind it, or several.
fn long_name(data: &[u8], base: u64) -> Result<Sourced<Vec<u8>>, Fault> {
    let at = Span::new(base, data.len() as u64);
    let end = data
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let name = &data[..end];
    if name.is_empty() || name.contains(&0) {
        return Err(at.breaks(Rule::LongName));
    }
    Ok(Sourced {
        value: name.to_vec(),
        at,
    })
}

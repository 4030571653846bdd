//! Running the parser over something that can read and cut.
//!
//! The same loop drives the host from inside the sandbox and a byte slice natively, so both make the
//! same calls: for an ordinary file one cut (content and padding) and one read (the next header), for
//! anything that stays inline one read.

use crate::entry::{Entry, Names, Segment, Storage};
use crate::error::Fault;
use crate::limits::{READ_MAX, TRAILER_MAX};
use crate::parser::{End, Parser, Step};

/// What the parser steers. Everything moves forward only.
pub trait Steer {
    /// Why a call failed, other than for the input's end.
    type Error;

    /// Up to `max` bytes (at least one, at most 64 KiB), which are kept inline; none only at the
    /// end of the input.
    ///
    /// # Errors
    /// Of whatever is steered.
    fn read(&mut self, max: u32) -> Result<impl AsRef<[u8]>, Self::Error>;

    /// Passes these stretches, none of them empty, unseen.
    ///
    /// # Errors
    /// Of whatever is steered.
    fn cut(&mut self, plan: &[Segment]) -> Result<Passed, Self::Error>;

    /// Takes an entry, in the archive's order, before its content's bytes are cut.
    ///
    /// # Errors
    /// Of whatever is steered.
    fn emit(&mut self, entry: Entry) -> Result<(), Self::Error>;
}

/// How far a cut came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// To its end.
    All,
    /// The input ended at this offset.
    Until(u64),
}

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<E> {
    /// The archive is refused.
    Fault(Fault),
    /// A call failed.
    Steer(E),
}

/// How a sound archive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// With or without a marker.
    pub end: End,
    /// Offset of the first byte behind the archive.
    pub offset: u64,
    /// Bytes behind it that were read and kept inline. Less than [`TRAILER_MAX`]: there are no more.
    pub trailing: u64,
    /// Offset of the first of them that is not zero. All readers ignore what stands there.
    pub garbage: Option<u64>,
}

/// Reads an archive from its first byte to the end of the input, or to [`TRAILER_MAX`] bytes behind
/// its own end.
///
/// # Errors
/// The archive breaks a rule, or a call failed.
pub fn import<S: Steer>(steer: &mut S, names: Names) -> Result<Ending, Stop<S::Error>> {
    let mut parser = Parser::new(names);
    loop {
        match parser.step().map_err(Stop::Fault)? {
            Step::Read(bytes) => {
                let bytes = steer.read(clamp(bytes)).map_err(Stop::Steer)?;
                if bytes.as_ref().is_empty() {
                    parser.end_input();
                } else {
                    parser.feed(bytes.as_ref());
                }
            }
            Step::Entry(entry) => steer.emit(entry).map_err(Stop::Steer)?,
            Step::Cut { object, inline } => {
                let plan = [
                    Segment {
                        length: object,
                        storage: Storage::Object,
                    },
                    Segment {
                        length: inline,
                        storage: Storage::Inline,
                    },
                ];
                let used = if inline == 0 { 1 } else { 2 };
                match steer.cut(&plan[..used]).map_err(Stop::Steer)? {
                    Passed::All => {}
                    Passed::Until(end) => parser.cut_short(end).map_err(Stop::Fault)?,
                }
            }
            Step::End(end) => {
                return trailer(steer, end, parser.position()).map_err(Stop::Steer);
            }
        }
    }
}

/// Keeps what follows the archive inline, as composefs does, and looks for anything but padding.
fn trailer<S: Steer>(steer: &mut S, end: End, offset: u64) -> Result<Ending, S::Error> {
    let mut trailing = 0;
    let mut garbage = None;
    // Without a whole marker the input is known to be over.
    while end == End::Marker && trailing < TRAILER_MAX {
        let left = usize::try_from(TRAILER_MAX - trailing).unwrap_or(READ_MAX);
        let bytes = steer.read(clamp(left))?;
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            break;
        }
        if garbage.is_none() {
            let place = bytes.iter().position(|&byte| byte != 0);
            garbage = place.map(|place| offset + trailing + place as u64);
        }
        trailing += bytes.len() as u64;
    }
    Ok(Ending {
        end,
        offset,
        trailing,
        garbage,
    })
}

fn clamp(bytes: usize) -> u32 {
    u32::try_from(bytes.min(READ_MAX)).unwrap_or(u32::MAX)
}

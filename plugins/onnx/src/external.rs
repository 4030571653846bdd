//! Tensors whose values are in another file: what is said of it, and that no two share bytes.

use std::collections::BTreeMap;

use crate::error::{Fault, Rule, Span};
use crate::input::Input;
use crate::limits::{
    EXTERNAL_TEXT_MAX, LOCATION_MAX, LOCATIONS_BYTES_MAX, LOCATIONS_MAX, SIZE_MAX,
};
use crate::location::clean;
use crate::reader::Reads;
use crate::wire::{Walk, Wire};

/// `StringStringEntryProto`
const KEY: u32 = 1;
const VALUE: u32 = 2;

/// Where a tensor's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// A relative path downwards from the model's folder.
    pub location: String,
    /// Of the first byte in that file.
    pub offset: u64,
    /// Bytes, as many as the tensor's type and shape say.
    pub length: u64,
    /// SHA-1 of the whole file, as whoever wrote the model says; nobody checks it.
    pub checksum: Option<String>,
    /// Where the folder was when the model was written; nobody reads it any more.
    pub basepath: Option<String>,
}

/// The entries of one tensor, as they come.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    location: Option<String>,
    offset: Option<(u64, Span)>,
    length: Option<(u64, Span)>,
    checksum: Option<String>,
    basepath: Option<String>,
    /// The first.
    pub(crate) place: Option<Span>,
}

impl Entries {
    /// Takes the entry that `walk` goes through.
    pub(crate) fn read<I: Input>(
        &mut self,
        wire: &mut Wire<'_, I>,
        mut walk: Walk,
    ) -> Reads<(), I> {
        let place = walk.span;
        self.place.get_or_insert(place);
        let missing = Span::new(place.end(), 0);
        let (mut key, mut value) = (missing, missing);
        while let Some(field) = wire.next(&mut walk)? {
            match field.number {
                KEY => key = field.bytes(),
                VALUE => value = field.bytes(),
                _ => wire.pass(&walk, &field)?,
            }
        }
        let known = match wire.reader.text(key, EXTERNAL_TEXT_MAX)?.as_str() {
            "location" => {
                let location = path(wire, value)?;
                self.location.replace(location).is_some()
            }
            "basepath" if value.length == 0 => self.basepath.replace(String::new()).is_some(),
            "basepath" => {
                let basepath = path(wire, value)?;
                self.basepath.replace(basepath).is_some()
            }
            "offset" => {
                let number = number(wire, value)?;
                self.offset.replace((number, value)).is_some()
            }
            "length" => {
                let number = number(wire, value)?;
                self.length.replace((number, value)).is_some()
            }
            "checksum" => {
                let text = wire.reader.text(value, EXTERNAL_TEXT_MAX)?;
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(value.breaks(Rule::ExternalChecksum).into());
                }
                self.checksum.replace(text).is_some()
            }
            _ => return Err(key.breaks(Rule::ExternalKeyUnknown).into()),
        };
        if known {
            return Err(key.breaks(Rule::ExternalKeyTwice).into());
        }
        Ok(())
    }

    /// What they say together of the tensor of `bytes` bytes at `tensor`.
    pub(crate) fn finish(self, bytes: u64, tensor: Span) -> Result<External, Fault> {
        let location = self
            .location
            .ok_or_else(|| tensor.breaks(Rule::LocationMissing))?;
        if let Some((length, place)) = self.length
            && length != bytes
        {
            return Err(place.breaks(Rule::ExternalSize));
        }
        let (offset, place) = self.offset.unwrap_or((0, tensor));
        if bytes > SIZE_MAX - offset {
            return Err(place.breaks(Rule::ExternalRange));
        }
        Ok(External {
            location,
            offset,
            length: bytes,
            checksum: self.checksum,
            basepath: self.basepath.filter(|path| !path.is_empty()),
        })
    }
}

fn path<I: Input>(wire: &mut Wire<'_, I>, value: Span) -> Reads<String, I> {
    // Dots that are left out may make it longer than what remains.
    if value.length > 2 * LOCATION_MAX as u64 {
        return Err(value.breaks(Rule::LocationTooLong).into());
    }
    let text = wire.reader.text(value, value.length)?;
    Ok(clean(&text).map_err(|rule| value.breaks(rule))?)
}

fn number<I: Input>(wire: &mut Wire<'_, I>, value: Span) -> Reads<u64, I> {
    let text = wire.reader.text(value, EXTERNAL_TEXT_MAX)?;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || text.len() > 1 && text.starts_with('0') {
        return Err(value.breaks(Rule::ExternalNumber).into());
    }
    let number = text.parse().ok().filter(|&number| number <= SIZE_MAX);
    Ok(number.ok_or_else(|| value.breaks(Rule::ExternalRange))?)
}

/// The files of all external tensors, and the ranges in them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    numbers: BTreeMap<String, u32>,
    tensors: Vec<u64>,
    name_bytes: usize,
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    file: u32,
    offset: u64,
    length: u64,
    /// The tensor in the model.
    at: u64,
    size: u64,
}

impl Files {
    /// Notes that `tensor` has its values there.
    pub(crate) fn note(&mut self, external: &External, tensor: Span) -> Result<(), Fault> {
        let file = match self.numbers.get(&external.location) {
            Some(&file) => file,
            None => {
                self.name_bytes += external.location.len();
                let number = self.tensors.len();
                if number >= LOCATIONS_MAX || self.name_bytes > LOCATIONS_BYTES_MAX {
                    return Err(tensor.breaks(Rule::TooManyLocations));
                }
                let file = u32::try_from(number).expect("locations are bounded");
                self.numbers.insert(external.location.clone(), file);
                self.tensors.push(0);
                file
            }
        };
        self.tensors[file as usize] += 1;
        if external.length > 0 {
            self.ranges.push(Range {
                file,
                offset: external.offset,
                length: external.length,
                at: tensor.offset,
                size: tensor.length,
            });
        }
        Ok(())
    }

    /// The files by name, with how many tensors each holds, once no two tensors share bytes. The same
    /// range may have several names, as tied weights do.
    pub(crate) fn finish(mut self) -> Result<Vec<(String, u64)>, Fault> {
        self.ranges.sort_unstable();
        for pair in self.ranges.windows(2) {
            let [first, second] = pair else { continue };
            let is_same = (first.offset, first.length) == (second.offset, second.length);
            // Nothing before the first goes further than it does, or it would have been found.
            if first.file == second.file && !is_same && second.offset < first.offset + first.length
            {
                let place = Span::new(second.at, second.size);
                return Err(place.breaks(Rule::ExternalOverlap));
            }
        }
        let tensors = self.tensors;
        let files = self.numbers.into_iter();
        Ok(files
            .map(|(location, file)| (location, tensors[file as usize]))
            .collect())
    }
}

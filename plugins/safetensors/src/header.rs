//! A file's header: its length, a JSON object of tensors, and spaces; then the data.
//!
//! Rules are those of the `safetensors` crate's `read_metadata` and of the project's README
//! ("Format"), and stricter where readers differ. A fault of the text is found in the text's order,
//! then names that come twice, then tensors that do not fit together, in the order of their bytes.

use sha2::{Digest as _, Sha256};

use crate::dtype::Dtype;
use crate::error::{Fault, Rule, Span, Stop};
use crate::input::{Input, Pieces};
use crate::json::{Json, Text, unique};
use crate::limits::{
    DIMENSIONS_MAX, HEADER_MAX, LENGTH_BYTES, METADATA_FACTS_MAX, METADATA_KEYS_MAX,
    METADATA_VALUE_MAX, RANK_MAX,
};
use crate::model::{Metadata, Model, Record, digest_name};
use crate::names::Names;

/// The one name that is no tensor's.
const METADATA: &[u8] = b"__metadata__";

/// Reads the header of a whole file.
///
/// # Errors
/// The file breaks a rule, or could not be read.
pub fn read<I: Input>(input: &mut I) -> Result<Model, Stop<I::Error>> {
    let size = input.size();
    let mut pieces = Pieces::new(input, size);
    let data = LENGTH_BYTES + length(&mut pieces, size)?;
    pieces.limit(data);
    if pieces.peek()? != Some(b'{') {
        let length = u64::from(data > LENGTH_BYTES);
        return Err(Span::new(LENGTH_BYTES, length)
            .breaks(Rule::HeaderStart)
            .into());
    }
    let mut header = Header {
        json: Json::new(pieces),
        names: Names::default(),
        records: Vec::new(),
        dimensions: Vec::new(),
        metadata: Vec::new(),
        key_bytes: 0,
        metadata_omitted: 0,
    };
    header.object()?;
    header.json.padding(Rule::HeaderPadding)?;
    Ok(header.finish(size, data)?)
}

/// The header's length, which fits the file.
fn length<I: Input>(pieces: &mut Pieces<'_, I>, size: u64) -> Result<u64, Stop<I::Error>> {
    if size < LENGTH_BYTES {
        return Err(Span::new(0, size).breaks(Rule::TruncatedLength).into());
    }
    let mut length = 0;
    for place in 0..LENGTH_BYTES {
        let byte = pieces.peek()?.unwrap_or_default();
        length |= u64::from(byte) << (8 * place);
        pieces.advance(1);
    }
    let place = Span::new(0, LENGTH_BYTES);
    if length > HEADER_MAX {
        return Err(place.breaks(Rule::HeaderTooLarge).into());
    }
    if length > size - LENGTH_BYTES {
        return Err(place.breaks(Rule::TruncatedHeader).into());
    }
    Ok(length)
}

struct Header<'a, I> {
    json: Json<'a, I>,
    names: Names,
    records: Vec<Record>,
    dimensions: Vec<u64>,
    metadata: Vec<Metadata>,
    /// Bytes of its keys.
    key_bytes: usize,
    metadata_omitted: u64,
}

impl<I: Input> Header<'_, I> {
    fn object(&mut self) -> Result<(), Stop<I::Error>> {
        self.json.expect(b'{', Rule::HeaderStart)?;
        let mut first = true;
        let mut metadata = false;
        while let Some(name) = self.json.member(&mut first)? {
            if self.json.text() == METADATA {
                if metadata {
                    return Err(name.place.breaks(Rule::DuplicateField).into());
                }
                metadata = true;
                self.metadata()?;
            } else {
                self.names.push(self.json.text(), name.length, name.place)?;
                self.tensor(name)?;
            }
        }
        Ok(())
    }

    fn metadata(&mut self) -> Result<(), Stop<I::Error>> {
        self.json.expect(b'{', Rule::MetadataNotObject)?;
        let mut first = true;
        let mut keys = Names::beside(&self.names);
        while let Some(key) = self.json.member(&mut first)? {
            keys.push(self.json.text(), key.length, key.place)?;
            let bytes = self.key_bytes + self.json.text().len();
            if self.metadata.len() < METADATA_FACTS_MAX && bytes <= METADATA_KEYS_MAX {
                self.key_bytes = bytes;
                let key = self.json.owned_text();
                let value = self
                    .json
                    .string(METADATA_VALUE_MAX, Rule::MetadataNotString)?;
                self.metadata.push(Metadata {
                    key,
                    value: self.json.owned_text(),
                    length: value.length,
                });
            } else {
                self.json.string(0, Rule::MetadataNotString)?;
                self.metadata_omitted += 1;
            }
        }
        unique(&keys, Rule::DuplicateMetadata)?;
        Ok(())
    }

    fn tensor(&mut self, name: Text) -> Result<(), Stop<I::Error>> {
        self.json.expect(b'{', Rule::TensorNotObject)?;
        let dimensions = self.dimensions.len();
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        let mut first = true;
        while let Some(field) = self.json.member(&mut first)? {
            let twice = match self.json.text() {
                b"dtype" => dtype.replace(self.dtype()?).is_some(),
                b"shape" if shape.is_none() => shape.replace(self.shape()?).is_some(),
                b"shape" => true,
                b"data_offsets" => offsets.replace(self.offsets()?).is_some(),
                _ => return Err(field.place.breaks(Rule::FieldUnknown).into()),
            };
            if twice {
                return Err(field.place.breaks(Rule::DuplicateField).into());
            }
        }
        let start = name.place.offset;
        let place = Span::new(start, self.json.offset() - start);
        let (Some(dtype), Some(rank), Some((begin, end))) = (dtype, shape, offsets) else {
            return Err(place.breaks(Rule::FieldMissing).into());
        };
        let record = Record {
            begin,
            end,
            dimensions: narrow(dimensions as u64),
            described: narrow(place.length),
            rank,
            dtype,
        };
        check_size(&record, &self.dimensions[dimensions..]).map_err(|rule| place.breaks(rule))?;
        self.records.push(record);
        Ok(())
    }

    fn dtype(&mut self) -> Result<Dtype, Stop<I::Error>> {
        // Longer than any known type, so that what is cut is not taken for one.
        let text = self.json.string(64, Rule::DtypeNotString)?;
        Dtype::from_name(self.json.text())
            .ok_or_else(|| text.place.breaks(Rule::DtypeUnknown).into())
    }

    /// Appends the dimensions and says how many there are.
    fn shape(&mut self) -> Result<u8, Stop<I::Error>> {
        self.json.expect(b'[', Rule::ShapeNotArray)?;
        let mut first = true;
        let mut rank = 0;
        while self.json.item(&mut first)? {
            let size = self.json.number()?;
            let at = Span::new(self.json.offset(), 0);
            if usize::from(rank) >= RANK_MAX {
                return Err(at.breaks(Rule::RankTooLarge).into());
            }
            if self.dimensions.len() >= DIMENSIONS_MAX {
                return Err(at.breaks(Rule::TooManyDimensions).into());
            }
            self.dimensions.push(size);
            rank += 1;
        }
        Ok(rank)
    }

    fn offsets(&mut self) -> Result<(u64, u64), Stop<I::Error>> {
        const RULE: Rule = Rule::OffsetsNotPair;
        self.json.expect(b'[', RULE)?;
        let found = self.json.next()?;
        if found == Some(b']') {
            return Err(self.json.wrong(found, RULE));
        }
        let begin = self.json.number()?;
        self.json.expect(b',', RULE)?;
        let end = self.json.number()?;
        self.json.expect(b']', RULE)?;
        Ok((begin, end))
    }

    /// What only the whole table shows.
    fn finish(self, size: u64, data: u64) -> Result<Model, Fault> {
        let sorted = unique(&self.names, Rule::DuplicateName)?;
        let mut digest = Sha256::new();
        for &number in &sorted {
            digest_name(&mut digest, self.names.get(number as usize));
        }
        let mut order = sorted;
        order.sort_unstable_by_key(|&number| {
            let record = &self.records[number as usize];
            (record.begin, record.end, number)
        });
        let room = size - data;
        let mut filled = 0;
        for &number in &order {
            let record = &self.records[number as usize];
            let rule = if record.begin < filled {
                Rule::Overlap
            } else if record.begin > filled {
                Rule::Hole
            } else if record.end > room {
                Rule::TensorBeyondEnd
            } else {
                filled = record.end;
                continue;
            };
            let start = self.names.place(number as usize);
            return Err(Span::new(start, u64::from(record.described)).breaks(rule));
        }
        if filled < room {
            return Err(Span::new(data + filled, room - filled).breaks(Rule::TrailingData));
        }
        Ok(Model {
            size,
            data,
            names: self.names,
            records: self.records,
            dimensions: self.dimensions,
            order,
            names_digest: digest.finalize().into(),
            metadata: self.metadata,
            metadata_omitted: self.metadata_omitted,
        })
    }
}

/// Whether a tensor has as many bytes as its shape says.
fn check_size(record: &Record, shape: &[u64]) -> Result<(), Rule> {
    let mut product: u128 = 1;
    for &size in shape.iter().filter(|&&size| size != 0) {
        product *= u128::from(size);
        if product > u128::from(u64::MAX) {
            return Err(Rule::ShapeOverflow);
        }
    }
    let elements = if shape.contains(&0) { 0 } else { product };
    let bits = elements * u128::from(record.dtype.bits());
    if bits % 8 != 0 {
        return Err(Rule::PartialByte);
    }
    let length = record.end.checked_sub(record.begin);
    let length = length.ok_or(Rule::OffsetsReversed)?;
    if u128::from(length) != bits / 8 {
        return Err(Rule::SizeMismatch);
    }
    Ok(())
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("limits.rs keeps the header and the dimensions below 2^32")
}

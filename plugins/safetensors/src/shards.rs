//! The index of a model in several files: which tensor is in which of them.
//!
//! `{"metadata": {"total_size": n}, "weight_map": {tensor: file}}`, as `huggingface_hub` and
//! `transformers` write it. Loaders open the files that it names, so a name must be a plain file
//! name of a safetensors file: `transformers` unpickles whatever has another suffix. Members it does
//! not know are passed over, as loaders do; whether the files exist is for others to check.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::error::{Rule, Span, Stop};
use crate::input::{Input, Pieces};
use crate::json::{Json, unique};
use crate::limits::{HEADER_MAX, SHARD_NAME_MAX, SHARDS_MAX};
use crate::model::digest_name;
use crate::names::Names;
use crate::probe::SUFFIX;

/// A sound index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIndex {
    /// Bytes of all tensors, as the index says: nobody checks it.
    pub total_size: Option<u64>,
    /// By file name, in the order of its bytes.
    pub shards: BTreeMap<String, Shard>,
}

/// What is expected of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Tensors in it.
    pub tensors: u64,
    /// Of their names, as [`Model::names_digest`](crate::Model::names_digest) has it.
    pub names_digest: [u8; 32],
}

/// Reads a whole index.
///
/// # Errors
/// The index breaks a rule, or could not be read.
pub fn read<I: Input>(input: &mut I) -> Result<ShardIndex, Stop<I::Error>> {
    let size = input.size();
    if size > HEADER_MAX {
        return Err(Span::new(0, size).breaks(Rule::IndexTooLarge).into());
    }
    let mut index = Index {
        json: Json::new(Pieces::new(input, size)),
        total_size: None,
        shards: None,
    };
    index.object()?;
    if let Some(found) = index.json.next()? {
        return Err(index.json.wrong(Some(found), Rule::IndexTrailing));
    }
    let missing = Span::new(0, size).breaks(Rule::WeightMapMissing);
    Ok(ShardIndex {
        total_size: index.total_size,
        shards: index.shards.ok_or(missing)?,
    })
}

struct Index<'a, I> {
    json: Json<'a, I>,
    total_size: Option<u64>,
    shards: Option<BTreeMap<String, Shard>>,
}

impl<I: Input> Index<'_, I> {
    fn object(&mut self) -> Result<(), Stop<I::Error>> {
        self.json.expect(b'{', Rule::IndexNotObject)?;
        let mut first = true;
        let mut names = Names::default();
        while let Some(name) = self.json.member(&mut first)? {
            names.push(self.json.text(), name.length, name.place)?;
            match self.json.text() {
                b"metadata" => self.metadata(&names)?,
                b"weight_map" => {
                    let shards = self.weight_map(&names)?;
                    self.shards = Some(shards);
                }
                _ => self.json.skip(1, &names)?,
            }
        }
        unique(&names, Rule::DuplicateField)?;
        Ok(())
    }

    fn metadata(&mut self, outer: &Names) -> Result<(), Stop<I::Error>> {
        self.json.expect(b'{', Rule::MetadataNotObject)?;
        let mut first = true;
        let mut names = Names::beside(outer);
        while let Some(name) = self.json.member(&mut first)? {
            names.push(self.json.text(), name.length, name.place)?;
            if self.json.text() == b"total_size" {
                // Written as `123.0` where a type has less than a byte an element.
                let total = self.json.decimal(Rule::TotalSize)?;
                let fault = total.place.breaks(Rule::TotalSize);
                self.total_size = Some(total.whole.ok_or(fault)?);
            } else {
                self.json.skip(2, &names)?;
            }
        }
        unique(&names, Rule::DuplicateField)?;
        Ok(())
    }

    fn weight_map(&mut self, outer: &Names) -> Result<BTreeMap<String, Shard>, Stop<I::Error>> {
        self.json.expect(b'{', Rule::WeightMapNotObject)?;
        let mut first = true;
        let mut names = Names::beside(outer);
        let mut files: Vec<u32> = Vec::new();
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        while let Some(name) = self.json.member(&mut first)? {
            names.push(self.json.text(), name.length, name.place)?;
            let file = self.json.string(SHARD_NAME_MAX, Rule::ShardNotString)?;
            let text = std::str::from_utf8(self.json.text()).unwrap_or_default();
            if file.length > SHARD_NAME_MAX as u64 || !is_plain(text) {
                return Err(file.place.breaks(Rule::ShardName).into());
            }
            if !text.ends_with(SUFFIX) {
                return Err(file.place.breaks(Rule::ShardSuffix).into());
            }
            let number = if let Some(number) = numbers.get(text) {
                *number
            } else {
                if numbers.len() >= SHARDS_MAX {
                    return Err(file.place.breaks(Rule::TooManyShards).into());
                }
                let number = u32::try_from(numbers.len()).expect("shards are bounded");
                numbers.insert(text.to_owned(), number);
                number
            };
            files.push(number);
        }
        let sorted = unique(&names, Rule::DuplicateName)?;
        let mut counts = vec![(0, Sha256::new()); numbers.len()];
        for &number in &sorted {
            let (count, digest) = &mut counts[files[number as usize] as usize];
            *count += 1;
            digest_name(digest, names.get(number as usize));
        }
        let shard = |number: u32| {
            let (tensors, digest) = counts[number as usize].clone();
            Shard {
                tensors,
                names_digest: digest.finalize().into(),
            }
        };
        Ok(numbers
            .into_iter()
            .map(|(file, number)| (file, shard(number)))
            .collect())
    }
}

/// A name of a file in the same directory, on any system.
fn is_plain(name: &str) -> bool {
    let outside = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    !name.is_empty() && name != "." && name != ".." && !name.contains(outside)
}

//! Extra fields: a list of typed stretches behind a name (APPNOTE, section 4.5).

use crate::error::Rule;
use crate::zip::{u16_at, u64_at};

/// 64-bit sizes.
const ZIP64: u16 = 0x0001;
/// Info-ZIP's second name.
const UNICODE_PATH: u16 = 0x7075;
/// Strong encryption, and AES.
const ENCRYPTION: [u16; 3] = [0x0017, 0x0018, 0x9901];

/// The 64-bit sizes, if there are any, as they stand.
pub(super) fn read(extra: &[u8]) -> Result<Option<Vec<u64>>, Rule> {
    let mut sizes = None;
    let mut rest = extra;
    while !rest.is_empty() {
        if rest.len() < 4 {
            return Err(Rule::ExtraField);
        }
        let kind = u16_at(rest, 0);
        let length = usize::from(u16_at(rest, 2));
        let (data, after) = rest[4..].split_at_checked(length).ok_or(Rule::ExtraField)?;
        rest = after;
        if kind == UNICODE_PATH {
            return Err(Rule::UnicodePath);
        }
        if ENCRYPTION.contains(&kind) {
            return Err(Rule::Encrypted);
        }
        if kind == ZIP64 {
            if sizes.is_some() || length % 8 != 0 || length > 24 {
                return Err(Rule::Zip64Field);
            }
            sizes = Some(
                (0..length / 8)
                    .map(|index| u64_at(data, index * 8))
                    .collect(),
            );
        }
    }
    Ok(sizes)
}

//! Fields of a header: numbers in octal or base-256, text up to a NUL.
//!
//! `tar-core` decodes numbers too, but drops the high bytes of a base-256 number that is too long,
//! knows no negative ones, takes a `+` for a digit and ignores what stands behind a NUL: each a way
//! to say two things to two readers.

use crate::error::Rule;

/// The number in a field, `None` if it is blank (only spaces and NULs).
///
/// Octal: spaces, digits, then spaces and NULs to the field's end (POSIX pax, "ustar Interchange
/// Format"). Base-256: the first byte's top bit set, the rest two's complement, big-endian (GNU tar,
/// "Extensions to the archive format").
pub(crate) fn number(field: &[u8]) -> Result<Option<i64>, Rule> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field).map(Some),
        _ => octal(field)?
            .map(|value| i64::try_from(value).map_err(|_| Rule::NumberRange))
            .transpose(),
    }
}

/// Like [`number`], without base-256; never more than 36 bits from a header's fields.
pub(crate) fn octal(field: &[u8]) -> Result<Option<u64>, Rule> {
    let spaces = field.iter().take_while(|&&byte| byte == b' ').count();
    let mut value: u64 = 0;
    let mut digits = 0;
    for &byte in &field[spaces..] {
        match byte {
            b'0'..=b'7' => {
                if value >> 60 != 0 {
                    return Err(Rule::NumberRange);
                }
                value = value << 3 | u64::from(byte - b'0');
                digits += 1;
            }
            _ => break,
        }
    }
    let rest = &field[spaces + digits..];
    if rest.iter().any(|&byte| byte != b' ' && byte != 0) {
        return Err(Rule::NumberSyntax);
    }
    Ok((digits > 0).then_some(value))
}

fn base256(field: &[u8]) -> Result<i64, Rule> {
    let (&first, rest) = field.split_first().ok_or(Rule::NumberSyntax)?;
    // Seven bits with sign: the top bit is only the mark.
    let mut value = i64::from((first << 1).cast_signed() >> 1);
    for &byte in rest {
        value = value
            .checked_mul(256)
            .and_then(|value| value.checked_add(i64::from(byte)))
            .ok_or(Rule::NumberRange)?;
    }
    Ok(value)
}

/// The text in a field: up to the first NUL, or all of it.
pub(crate) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0);
    &field[..end.unwrap_or(field.len())]
}

/// A plain decimal number, as in PAX records and sparse maps: digits and nothing else.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > crate::limits::DECIMAL_DIGITS_MAX {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_nothing_else() {
        type Case<'a> = (&'a [u8], Result<Option<i64>, Rule>);
        let table: &[Case<'_>] = &[
            (b"0000644\0", Ok(Some(0o644))),
            (b"   644 \0", Ok(Some(0o644))),
            (b"00000644", Ok(Some(0o644))),
            (b"77777777777\0", Ok(Some(0o77777777777))),
            (b"777777777777", Ok(Some(0o777777777777))),
            (b"0\0\0\0\0\0\0\0", Ok(Some(0))),
            (b"\0\0\0\0\0\0\0\0", Ok(None)),
            (b"        ", Ok(None)),
            (b"    \0\0\0\0", Ok(None)),
            (b"0000648\0", Err(Rule::NumberSyntax)),
            (b"+000644\0", Err(Rule::NumberSyntax)),
            (b"-000644\0", Err(Rule::NumberSyntax)),
            (b"0o00644\0", Err(Rule::NumberSyntax)),
            (b"64 4    ", Err(Rule::NumberSyntax)),
            (b"644\x004\0\0\0", Err(Rule::NumberSyntax)),
            (b"\x00000644\0", Err(Rule::NumberSyntax)),
            (b"\t000644\0", Err(Rule::NumberSyntax)),
            (b"777777777777777777777", Ok(Some(i64::MAX))),
            (b"1000000000000000000000", Err(Rule::NumberRange)),
            (b"2000000000000000000000", Err(Rule::NumberRange)),
            (b"\x80\0\0\0\0\0\0\x07", Ok(Some(7))),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Ok(Some(256))),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                Ok(Some(-1)),
            ),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0",
                Ok(Some(-256)),
            ),
            (
                b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
                Ok(Some(i64::MAX)),
            ),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", Err(Rule::NumberRange)),
            (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", Ok(Some(i64::MIN))),
            (b"\x80\0\x01\0\0\0\0\0\0\0\0\0", Err(Rule::NumberRange)),
            (b"\xc0\0\0\0\0\0\0\0\0\0\0\0", Err(Rule::NumberRange)),
        ];
        for (field, want) in table {
            assert_eq!(number(field), *want, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn decimals_are_digits() {
        let table: &[(&[u8], Option<u64>)] = &[
            (b"0", Some(0)),
            (b"007", Some(7)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"000000000000000000001", None),
            (b"", None),
            (b"+1", None),
            (b"-1", None),
            (b" 1", None),
            (b"1a", None),
        ];
        for (text, want) in table {
            assert_eq!(decimal(text), *want, "{}", text.escape_ascii());
        }
    }
}

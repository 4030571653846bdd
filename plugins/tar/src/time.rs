//! Times in PAX records: `[-]seconds[.fraction]` (POSIX pax, "pax Extended Header File Times").

use crate::entry::Timestamp;
use crate::field::decimal;

const NANOSECONDS: u32 = 1_000_000_000;

/// The time a record holds, cut to nanoseconds towards the past, as GNU tar does it. Anything but
/// digits around at most one point, none of the parts empty, is `None`.
pub(crate) fn parse(text: &[u8]) -> Option<Timestamp> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b"0"[..]),
    };
    let whole = decimal(whole)?;
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (kept, cut) = fraction.split_at(fraction.len().min(9));
    let mut nanoseconds = 0;
    for place in 0..9 {
        let digit = kept.get(place).map_or(0, |byte| u32::from(byte - b'0'));
        nanoseconds = nanoseconds * 10 + digit;
    }
    if !negative {
        let seconds = i64::try_from(whole).ok()?;
        return Some(Timestamp {
            seconds,
            nanoseconds,
        });
    }
    // Below zero the magnitude is rounded up.
    let magnitude = nanoseconds + u32::from(cut.iter().any(|&byte| byte != b'0'));
    let seconds = 0_i64.checked_sub_unsigned(whole)?;
    if magnitude == 0 {
        Some(Timestamp {
            seconds,
            nanoseconds: 0,
        })
    } else {
        Some(Timestamp {
            seconds: seconds.checked_sub(1)?,
            nanoseconds: NANOSECONDS - magnitude,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_towards_the_past() {
        type Case<'a> = (&'a [u8], Option<(i64, u32)>);
        let table: &[Case<'_>] = &[
            (b"0", Some((0, 0))),
            (b"1700000000", Some((1_700_000_000, 0))),
            (b"1700000000.5", Some((1_700_000_000, 500_000_000))),
            (b"1.000000001", Some((1, 1))),
            (b"1.0000000019", Some((1, 1))),
            (b"1.9999999999", Some((1, 999_999_999))),
            (b"-1", Some((-1, 0))),
            (b"-1.5", Some((-2, 500_000_000))),
            (b"-0.5", Some((-1, 500_000_000))),
            (b"-0", Some((0, 0))),
            (b"-1.0000000001", Some((-2, 999_999_999))),
            (b"-1.0000000000", Some((-1, 0))),
            (b"-1.9999999999", Some((-2, 0))),
            (
                b"9223372036854775807.999999999",
                Some((i64::MAX, 999_999_999)),
            ),
            (b"9223372036854775808", None),
            (b"-9223372036854775808", Some((i64::MIN, 0))),
            (b"-9223372036854775808.1", None),
            (b"-9223372036854775809", None),
            (b"", None),
            (b"-", None),
            (b".5", None),
            (b"1.", None),
            (b"1.5.5", None),
            (b"1e3", None),
            (b"+1", None),
            (b" 1", None),
            (b"1.-5", None),
        ];
        for (text, want) in table {
            let got = parse(text).map(|time| (time.seconds, time.nanoseconds));
            assert_eq!(got, *want, "{}", text.escape_ascii());
        }
    }
}

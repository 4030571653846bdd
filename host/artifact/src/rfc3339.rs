//! Times as JSON documents write them (RFC 3339 section 5.6), in digits only: no calendar is kept,
//! no time zone database is asked.

use crate::entry::Timestamp;

/// Digits after the point that count: what comes after nanoseconds is dropped.
const FRACTION_DIGITS: usize = 9;

/// Digits after the point that are read: more are no clock's.
const MAX_FRACTION_DIGITS: usize = 32;

const SECONDS_OF_DAY: i64 = 86_400;

impl Timestamp {
    /// Reads a `date-time` of RFC 3339. `None` for any other text; a second 60 counts as the next
    /// minute's first.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let year = number(&mut rest, 4, 0..=9999)?;
        byte(&mut rest, b"-")?;
        let month = number(&mut rest, 2, 1..=12)?;
        byte(&mut rest, b"-")?;
        let day = number(&mut rest, 2, 1..=days_of(year, month))?;
        byte(&mut rest, b"Tt")?;
        let hour = number(&mut rest, 2, 0..=23)?;
        byte(&mut rest, b":")?;
        let minute = number(&mut rest, 2, 0..=59)?;
        byte(&mut rest, b":")?;
        let second = number(&mut rest, 2, 0..=60)?;
        let nanoseconds = match byte(&mut rest, b".") {
            Some(_) => fraction(&mut rest)?,
            None => 0,
        };
        let offset = match byte(&mut rest, b"Zz+-")? {
            b'Z' | b'z' => 0,
            sign => {
                let hours = number(&mut rest, 2, 0..=23)?;
                byte(&mut rest, b":")?;
                let minutes = number(&mut rest, 2, 0..=59)?;
                let seconds = (hours * 60 + minutes) * 60;
                if sign == b'-' { -seconds } else { seconds }
            }
        };
        let of_day = (hour * 60 + minute) * 60 + second;
        rest.is_empty().then_some(Self {
            seconds: days_since_epoch(year, month, day) * SECONDS_OF_DAY + of_day - offset,
            nanoseconds,
        })
    }
}

fn byte(rest: &mut &[u8], any_of: &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    any_of.contains(first).then(|| *rest = after)?;
    Some(*first)
}

fn digit(rest: &mut &[u8]) -> Option<u8> {
    byte(rest, b"0123456789").map(|byte| byte - b'0')
}

fn number(rest: &mut &[u8], digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let mut value = 0;
    for _ in 0..digits {
        value = value * 10 + i64::from(digit(rest)?);
    }
    range.contains(&value).then_some(value)
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let mut nanoseconds = u32::from(digit(rest)?);
    let mut digits = 1;
    while let Some(digit) = digit(rest) {
        if digits < FRACTION_DIGITS {
            nanoseconds = nanoseconds * 10 + u32::from(digit);
        }
        digits += 1;
        if digits > MAX_FRACTION_DIGITS {
            return None;
        }
    }
    let missing = FRACTION_DIGITS.saturating_sub(digits);
    Some((0..missing).fold(nanoseconds, |value, _| value * 10))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = |year: i64| {
        let last = year - 1;
        365 * year + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400)
    };
    let of_year: i64 = (1..month).map(|month| days_of(year, month)).sum();
    before(year) - before(1970) + of_year + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_gnu_date() {
        // `date -u -d TIME +%s`
        for (text, seconds, nanoseconds) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("1969-12-31t23:59:59.5z", -1, 500_000_000),
            ("2000-02-29T12:34:56Z", 951_827_696, 0),
            (
                "2025-03-04T05:06:07.250000000999+02:00",
                1_741_057_567,
                250_000_000,
            ),
            ("2100-03-01T00:00:00-23:59", 4_107_628_740, 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
            ("0000-01-01T00:00:00Z", -62_167_219_200, 0),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800, 0),
        ] {
            let expected = Timestamp {
                seconds,
                nanoseconds,
            };
            assert_eq!(Timestamp::parse_rfc3339(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        let long = format!("2000-01-01T00:00:00.{}Z", "1".repeat(33));
        for bad in [
            "",
            "2000-01-01",
            "2000-01-01 00:00:00Z",
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00.Z",
            "2000-01-01T00:00:00Z ",
            "2000-01-01T00:00:00+1:00",
            "2000-01-01T00:00:00+24:00",
            "2001-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2000-13-01T00:00:00Z",
            "2000-00-01T00:00:00Z",
            "2000-01-00T00:00:00Z",
            "2000-04-31T00:00:00Z",
            "2000-01-01T24:00:00Z",
            "2000-01-01T00:60:00Z",
            "2000-01-01T00:00:61Z",
            "20000-01-01T00:00:00Z",
            "-200-01-01T00:00:00Z",
            &long,
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
    }
}

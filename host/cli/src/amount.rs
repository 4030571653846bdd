//! Sizes, counts and times as people write and read them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lazaret_engine::FuelScale;

/// A size for people: at most four digits, binary units.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut scale = 1024_u64;
    // 1023.95 of one unit would be shown as 1024.0.
    while unit + 1 < UNITS.len() && bytes >= scale * 1024 - scale / 20 {
        unit += 1;
        scale *= 1024;
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(scale) / 2) / u128::from(scale);
    format!("{}.{} {}iB", tenths / 10, tenths % 10, UNITS[unit])
}

/// A number for people, in words from a million on: nobody counts the digits of a model's parameters.
pub fn large(number: u64) -> String {
    let mut words = LARGE
        .iter()
        .filter(|(scale, _)| number >= scale - scale / 20_000);
    match words.next() {
        Some((scale, word)) => {
            let tenths = (u128::from(number) * 10 + u128::from(scale / 2)) / u128::from(*scale);
            format!("{}.{} {word}", tenths / 10, tenths % 10)
        }
        None => number.to_string(),
    }
}

const LARGE: [(u64, &str); 3] = [
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
];

/// `one` thing or several, `many`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// A time span for people.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];

/// A size on the command line, in bytes: `64MiB`, `64M` and `64m` are binary, `64MB` decimal, as
/// with coreutils.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || "not a size, such as 1048576, 64MiB or 2G".to_owned();
        let (number, unit) = split(text);
        let unit = unit.to_ascii_uppercase();
        let (letter, base) = match unit.strip_suffix('B') {
            Some(rest) => match rest.strip_suffix('I') {
                Some("") => return Err(fail()),
                Some(letter) => (letter, 1024),
                None => (rest, 1000),
            },
            None => (&*unit, 1024),
        };
        scaled(number, letter, base).map(Self).ok_or_else(fail)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match whole(self.0, 1024) {
            (number, Some(unit)) => write!(f, "{number}{unit}iB"),
            (number, None) => write!(f, "{number}"),
        }
    }
}

/// A number on the command line: `10M` is ten million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        scaled(number, &unit.to_ascii_uppercase(), 1000)
            .map(Self)
            .ok_or_else(|| "not a number, such as 50000 or 10M".to_owned())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match whole(self.0, 1000) {
            (number, Some(unit)) => write!(f, "{number}{unit}"),
            (number, None) => write!(f, "{number}"),
        }
    }
}

/// Fuel on the command line: `BASE`, or `BASE+PER_BYTE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuel(pub FuelScale);

impl FromStr for Fuel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (base, per_byte) = text.split_once('+').unwrap_or((text, "0"));
        match (base.parse::<Count>(), per_byte.parse::<Count>()) {
            (Ok(base), Ok(per_byte)) => Ok(Self(FuelScale {
                base: base.0,
                per_byte: per_byte.0,
            })),
            _ => Err("not fuel, such as 500M or 2G+1000".to_owned()),
        }
    }
}

impl fmt::Display for Fuel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", Count(self.0.base), Count(self.0.per_byte))
    }
}

/// A time span on the command line: `30`, `30s`, `500ms`, `5min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let milliseconds = match unit {
            "ms" => 1,
            "" | "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        match number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(milliseconds))
        {
            Some(time @ 1..) => Ok(Self(Duration::from_millis(time))),
            _ => Err("not a time, such as 30s, 500ms or 5min".to_owned()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            milliseconds if milliseconds % 1000 == 0 => write!(f, "{}s", milliseconds / 1000),
            milliseconds => write!(f, "{milliseconds}ms"),
        }
    }
}

/// The digits, perhaps with a decimal point, and what follows.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.strip_prefix(' ').unwrap_or(unit))
}

/// `number` times `base` to the power that `letter` stands for.
fn scaled(number: &str, letter: &str, base: u64) -> Option<u64> {
    let power = match letter {
        "" => 0,
        _ => UNITS.iter().position(|unit| letter.chars().eq([*unit]))? + 1,
    };
    let scale = base.pow(u32::try_from(power).ok()?);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut sum = u128::from(whole) * u128::from(scale);
    if !fraction.is_empty() {
        // Twelve decimals are finer than a byte of a tebibyte.
        let digits = fraction.get(..fraction.len().min(12))?;
        let parts: u128 = digits.parse().ok()?;
        sum += parts * u128::from(scale) / 10_u128.pow(u32::try_from(digits.len()).ok()?);
    } else if number.ends_with('.') {
        return None;
    }
    u64::try_from(sum).ok()
}

/// The shortest exact form: a number and the unit it counts.
fn whole(mut number: u64, base: u64) -> (u64, Option<char>) {
    let mut unit = None;
    for next in UNITS {
        if number == 0 || !number.is_multiple_of(base) {
            break;
        }
        number /= base;
        unit = Some(next);
    }
    (number, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_words() {
        for (number, text) in [
            (0, "0"),
            (999_949, "999949"),
            (999_950, "1.0 million"),
            (22_713_216, "22.7 million"),
            (999_949_999, "999.9 million"),
            (999_950_000, "1.0 billion"),
            (7_241_732_096, "7.2 billion"),
            (1_000_000_000_000, "1.0 trillion"),
            (u64::MAX, "18446744.1 trillion"),
        ] {
            assert_eq!(large(number), text, "{number}");
        }
    }

    #[test]
    fn sizes_have_one_decimal_and_never_1024_of_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (12_897_484, "12.3 MiB"),
            (1_048_575, "1.0 MiB"),
            (1_073_741_823, "1.0 GiB"),
            (256 << 30, "256.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn sizes_are_read_as_coreutils_reads_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("64MiB", 64 << 20),
            ("64M", 64 << 20),
            ("64m", 64 << 20),
            ("64MB", 64_000_000),
            ("2G", 2 << 30),
            ("1.5 KiB", 1536),
            ("7B", 7),
            ("1T", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for bad in [
            "",
            "M",
            "-1",
            "1X",
            "1MM",
            "1iB",
            "1.2.3",
            "1.",
            ".5",
            "99999999P",
            "1 M B",
            "\u{b2}",
        ] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_help_shows_can_be_given_back() {
        for bytes in [0, 1, 1000, 1024, 64 << 20, 256 << 30, u64::MAX] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
            assert_eq!(Count(bytes).to_string().parse(), Ok(Count(bytes)));
        }
        assert_eq!(Bytes(64 << 20).to_string(), "64MiB");
        assert_eq!(Count(10_000_000).to_string(), "10M");
        let fuel = Fuel(FuelScale {
            base: 2_000_000_000,
            per_byte: 1000,
        });
        assert_eq!(fuel.to_string(), "2G+1K");
        assert_eq!("2G+1K".parse(), Ok(fuel));
        for (text, milliseconds) in [("30s", 30_000), ("500ms", 500), ("120s", 120_000)] {
            let span = Span(Duration::from_millis(milliseconds));
            assert_eq!(span.to_string(), text);
            assert_eq!(text.parse(), Ok(span));
        }
    }

    #[test]
    fn fuel_without_a_second_part_is_all_there_is() {
        let fuel: Fuel = "1000".parse().unwrap();
        assert_eq!(fuel.0.for_size(u64::MAX), 1000);
        for bad in ["", "+1", "1+", "1+2+3", "x"] {
            assert!(bad.parse::<Fuel>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_need_a_known_unit() {
        assert_eq!("5min".parse(), Ok(Span(Duration::from_secs(300))));
        assert_eq!("5".parse(), Ok(Span(Duration::from_secs(5))));
        for bad in ["", "0", "5d", "-1s", "1.5s"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
        assert_eq!(span(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(span(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(span(Duration::from_secs(7260)), "2 h 1 min");
    }
}

//! How to compress layers anew: `gzip`, `zstd`, either with `:LEVEL`.

use std::str::FromStr;

use lazaret_push::Recompress;

/// What zlib knows, without "no compression".
const GZIP_LEVELS: std::ops::RangeInclusive<u32> = 1..=9;
/// What zlib takes when nobody says.
const GZIP_DEFAULT: u32 = 6;
/// What zstd knows, without those that want to be asked for twice ("ultra": their readers need
/// much memory).
const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=19;
/// What zstd takes when nobody says.
const ZSTD_DEFAULT: i32 = 3;

/// [`Recompress`] on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Recompression(pub Recompress);

impl FromStr for Recompression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, level) = match text.split_once(':') {
            Some((format, level)) => (format, Some(level)),
            None => (text, None),
        };
        match format {
            "gzip" => level_in(level, GZIP_DEFAULT, &GZIP_LEVELS).map(Recompress::Gzip),
            "zstd" => level_in(level, ZSTD_DEFAULT, &ZSTD_LEVELS).map(Recompress::Zstd),
            _ => Err("neither gzip nor zstd".to_owned()),
        }
        .map(Self)
    }
}

fn level_in<T: FromStr + PartialOrd + std::fmt::Display>(
    text: Option<&str>,
    default: T,
    levels: &std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Ok(level) if levels.contains(&level) => Ok(level),
        _ => Err(format!(
            "its levels are {} to {}",
            levels.start(),
            levels.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_may_have_a_level() {
        let parse = |text: &str| text.parse::<Recompression>().map(|way| way.0);
        assert!(matches!(parse("gzip"), Ok(Recompress::Gzip(6))));
        assert!(matches!(parse("gzip:9"), Ok(Recompress::Gzip(9))));
        assert!(matches!(parse("zstd"), Ok(Recompress::Zstd(3))));
        assert!(matches!(parse("zstd:19"), Ok(Recompress::Zstd(19))));
        for bad in [
            "", "xz", "gzip:", "gzip:0", "gzip:10", "zstd:20", "zstd:-1", "gzip:1:2",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}

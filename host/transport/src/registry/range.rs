//! Where a part of a body begins, as servers say it (RFC 9110 section 14.4; distribution-spec,
//! "Pushing a blob in chunks").

/// `Content-Range` of a partial answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The first byte's place.
    pub first: u64,
    /// The last byte's place.
    pub last: u64,
    /// Bytes of the whole; `None` where the server does not know.
    pub total: Option<u64>,
}

impl ContentRange {
    /// `bytes 5-9/10` or `bytes 5-9/*`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let found = Self {
            first: number(first)?,
            last: number(last)?,
            total: match total {
                "*" => None,
                total => Some(number(total)?),
            },
        };
        let holds = found.first <= found.last && found.total.is_none_or(|total| found.last < total);
        (unit.eq_ignore_ascii_case("bytes") && holds).then_some(found)
    }

    /// Whether this is what was asked for: from `first` on, of a whole of `size` bytes.
    pub(super) fn continues(&self, first: u64, size: u64) -> bool {
        self.first == first && self.last < size && self.total.is_none_or(|total| total == size)
    }
}

/// How many bytes of an upload a registry has: `0-N` stands for N + 1 bytes. Registries say `0-0`
/// for none as well as for one; what is sent again does no harm.
pub(super) fn received(text: &str) -> Option<u64> {
    let text = text.trim();
    let range = text.strip_prefix("bytes=").unwrap_or(text);
    let (first, last) = range.split_once('-')?;
    match (number(first)?, number(last)?) {
        (0, 0) => Some(0),
        (0, last) => last.checked_add(1),
        _ => None,
    }
}

/// Digits and nothing else: Rust's own parser takes a sign.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_and_checked() {
        for (text, expected) in [
            ("bytes 5-9/10", Some((5, 9, Some(10)))),
            ("bytes 0-0/1", Some((0, 0, Some(1)))),
            ("Bytes 5-9/*", Some((5, 9, None))),
            (" bytes 5-9/10 ", Some((5, 9, Some(10)))),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes */10", None),
            ("bytes 5-/10", None),
            ("bytes -5/10", None),
            ("bytes +5-9/10", None),
            ("bytes 5-9", None),
            ("items 5-9/10", None),
            ("bytes 5-99999999999999999999/*", None),
            ("", None),
        ] {
            let found = ContentRange::parse(text);
            let found = found.map(|range| (range.first, range.last, range.total));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn a_part_continues_where_reading_stopped() {
        let range = |text| ContentRange::parse(text).unwrap();
        assert!(range("bytes 5-9/10").continues(5, 10));
        assert!(range("bytes 5-9/*").continues(5, 10));
        // A server may send less than is left; the rest is asked for again.
        assert!(range("bytes 5-7/10").continues(5, 10));
        assert!(!range("bytes 4-9/10").continues(5, 10));
        assert!(!range("bytes 5-9/11").continues(5, 10));
        assert!(!range("bytes 5-10/*").continues(5, 10));
    }

    #[test]
    fn what_was_received_is_one_more_than_the_last() {
        for (text, expected) in [
            ("0-0", Some(0)),
            ("0-1", Some(2)),
            ("0-1023", Some(1024)),
            ("bytes=0-9", Some(10)),
            ("1-9", None),
            ("0-18446744073709551615", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(received(text), expected, "{text:?}");
        }
    }
}

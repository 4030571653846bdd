//! When to try again: which answers may pass, how long to wait, what `Retry-After` says.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

/// The first wait. Doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait of this client's own making.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// The longest wait a server can ask for: a hostile one could otherwise ask for years.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Answers that say nothing of the request, only of the moment.
pub(super) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait before try number `made + 1`: between half and all of a time that doubles.
pub(super) fn backoff(made: u32) -> Duration {
    let full = FIRST_WAIT
        .saturating_mul(1 << made.saturating_sub(1).min(16))
        .min(MAX_WAIT);
    // A fresh hasher's keys are random; clients that failed together must not return together.
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 32) as f64 / f64::from(u32::MAX);
    full.mul_f64(0.5 + share / 2.0)
}

/// The wait that `Retry-After` asks for (RFC 9110 section 10.2.3), cut to [`MAX_RETRY_AFTER`].
/// `None` when it cannot be read.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let wait = http_date(value)?.duration_since(now).unwrap_or_default();
    Some(wait.min(MAX_RETRY_AFTER))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7, IMF-fixdate). The two obsolete forms
/// are not read: no server sends them, and not to be read costs a wait of another length.
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let number = |word: &str, digits: usize| -> Option<u64> {
        let good = word.len() == digits && word.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| word.parse().ok())?
    };
    let day = number(words.next()?, 2)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64;
    let year = number(words.next()?, 4)?;
    let mut clock = words.next()?.split(':');
    let mut unit = |limit: u64| number(clock.next()?, 2).filter(|value| *value < limit);
    let (hour, minute, second) = (unit(24)?, unit(60)?, unit(61)?);
    if words.next() != Some("GMT") || words.next().is_some() || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_since_epoch(year, month + 1, day)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` before.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    /// Days before 1970-01-01, counted from 0000-03-01.
    const EPOCH: u64 = 719_468;
    // Years that begin in March end with the day that may be missing.
    let (year, month) = match month {
        1 | 2 => (year.checked_sub(1)?, month + 9),
        _ => (year, month - 3),
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        for (made, full) in [
            (1, 250),
            (2, 500),
            (3, 1_000),
            (7, 15_000),
            (4_000_000, 15_000),
        ] {
            for _ in 0..50 {
                let wait = backoff(made).as_millis();
                assert!((full / 2..=full).contains(&wait), "{made}: {wait}");
            }
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("60", Some(60)),
            ("61", Some(60)),
            ("99999999999999999999999999", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("Thu, 29 Feb 2096 00:00:00 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:47", None),
            ("Sun, 06 Nov 1994 08:49:47 CET", None),
            ("Sun, 6 Nov 1994 08:49:47 GMT", None),
            ("Sun, 06 Nob 1994 08:49:47 GMT", None),
            ("Sun, 00 Nov 1994 08:49:47 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 06 Nov 1960 08:49:37 GMT", None),
            ("Sun, 06 Jan 0000 08:49:37 GMT", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        }
    }

    #[test]
    fn dates_are_counted_right() {
        // As `date -u -d … +%s` has them.
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ] {
            let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(http_date(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_a_client_did_wrong_is_not_repeated() {
        for (status, expected) in [
            (200, false),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (416, false),
            (429, true),
            (500, true),
            (501, false),
            (502, true),
            (503, true),
            (504, true),
            (507, false),
        ] {
            assert_eq!(
                may_pass(StatusCode::from_u16(status).unwrap()),
                expected,
                "{status}"
            );
        }
    }
}

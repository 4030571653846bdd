//! Times for people and for JSON, always in UTC: output must not depend on who looks.

use lazaret_artifact::Timestamp;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Years are written with four digits up to here; beyond, and before the year 0, a time is shown as
/// seconds. An archive may claim any number.
const LAST_SECOND: i64 = 253_402_300_799;
const FIRST_SECOND: i64 = -62_167_219_200;

/// RFC 3339, with nanoseconds where there are any; `@SECONDS` for what it cannot express.
pub fn rfc3339(time: Timestamp) -> String {
    let Some(date) = Date::of(time.seconds) else {
        return format!("@{}", time.seconds);
    };
    let fraction = match time.nanoseconds {
        0 => String::new(),
        nanoseconds => format!(".{nanoseconds:09}")
            .trim_end_matches('0')
            .to_owned(),
    };
    format!(
        "{}T{}:{:02}{fraction}Z",
        date.day(),
        date.minute(),
        date.second
    )
}

/// Date, hour and minute.
pub fn short(time: Timestamp) -> String {
    match Date::of(time.seconds) {
        Some(date) => format!("{} {}", date.day(), date.minute()),
        None => format!("@{}", time.seconds),
    }
}

/// The date in an RFC 3339 time that somebody else wrote; the whole text when it is none.
pub fn day_of(text: &str) -> &str {
    let is_day = |day: &str| {
        day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    match text.split_at_checked(10) {
        Some((day, rest)) if is_day(day) && rest.starts_with(['T', 't', ' ']) => day,
        _ => text,
    }
}

struct Date {
    year: i64,
    month: i64,
    day_of_month: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Date {
    fn of(seconds: i64) -> Option<Self> {
        if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
            return None;
        }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let days = seconds.div_euclid(DAY) + 719_468;
        let rest = seconds.rem_euclid(DAY);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Some(Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day_of_month: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        })
    }

    fn day(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day_of_month
        )
    }

    fn minute(&self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_date_u() {
        for (seconds, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-1, 500_000_000, "1969-12-31T23:59:59.5Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_714_567_890, 5, "2024-05-01T12:51:30.000000005Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (LAST_SECOND, 0, "9999-12-31T23:59:59Z"),
            (FIRST_SECOND, 0, "0000-01-01T00:00:00Z"),
            (LAST_SECOND + 1, 0, "@253402300800"),
            (i64::MIN, 0, "@-9223372036854775808"),
        ] {
            assert_eq!(
                rfc3339(Timestamp {
                    seconds,
                    nanoseconds
                }),
                text
            );
        }
        assert_eq!(
            short(Timestamp {
                seconds: 1_714_567_890,
                nanoseconds: 0
            }),
            "2024-05-01 12:51"
        );
    }

    #[test]
    fn only_a_date_is_taken_for_one() {
        assert_eq!(day_of("2024-05-01T12:51:30Z"), "2024-05-01");
        for text in [
            "yesterday",
            "2024-05-0112:00",
            "2024-05-01",
            "20\u{e9}4-05-01T",
            "\u{1f600}\u{1f600}\u{1f600}",
        ] {
            assert_eq!(day_of(text), text);
        }
    }
}

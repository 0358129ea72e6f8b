//! A point in time as pages show it: exact for machines, exact for people, and how long ago.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// One time, in the three forms a `<time>` element carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339 in UTC with milliseconds, `2026-11-20T13:43:22.123Z`: the `datetime` attribute.
    pub iso: String,
    /// `2026-11-20 13:43:22 UTC`: the title, and the text where exactness counts.
    pub exact: String,
    /// `3m ago`: the text in lists. The script keeps it fresh.
    pub ago: String,
}

impl Moment {
    /// Both in Unix milliseconds. Times beyond the calendar's years (±9999) are moved to its edge.
    pub fn new(unix_ms: i64, now_ms: i64) -> Moment {
        Moment {
            iso: rfc3339(unix_ms),
            exact: exact(unix_ms),
            ago: ago(unix_ms, now_ms),
        }
    }
}

/// Unix milliseconds as `2026-11-20T13:43:22.123Z`.
pub fn rfc3339(unix_ms: i64) -> String {
    let mut text = date_and_time(unix_ms);
    let ms = unix_ms.clamp(FIRST_MS, LAST_MS).rem_euclid(1000);
    text.push('.');
    text.push(char::from(b'0' + (ms / 100) as u8));
    push_two(&mut text, (ms % 100) as u8);
    text.push('Z');
    text
}

/// Unix milliseconds as `2026-11-20T13:43:22Z`, the second they fall in.
pub fn rfc3339_seconds(unix_ms: i64) -> String {
    let mut text = date_and_time(unix_ms);
    text.push('Z');
    text
}

/// `2026-11-20T13:43:22`. Answers have thousands of them, for which a description of the format takes too long.
fn date_and_time(unix_ms: i64) -> String {
    let at = date_time(unix_ms);
    let mut text = String::with_capacity("2026-11-20T13:43:22.123Z".len());
    let year = at.year().unsigned_abs();
    push_two(&mut text, (year / 100 % 100) as u8);
    push_two(&mut text, (year % 100) as u8);
    for (before, number) in [
        ('-', u8::from(at.month())),
        ('-', at.day()),
        ('T', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(before);
        push_two(&mut text, number);
    }
    text
}

/// A number below 100.
fn push_two(text: &mut String, number: u8) {
    text.push(char::from(b'0' + number / 10));
    text.push(char::from(b'0' + number % 10));
}

/// Unix milliseconds as `2026-11-20 13:43:22 UTC`.
pub fn exact(unix_ms: i64) -> String {
    written(
        unix_ms,
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC"),
    )
}

fn written(unix_ms: i64, format: &[BorrowedFormatItem<'_>]) -> String {
    date_time(unix_ms).format(format).unwrap_or_default()
}

fn date_time(unix_ms: i64) -> OffsetDateTime {
    let seconds = unix_ms.clamp(FIRST_MS, LAST_MS).div_euclid(1000);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// 0000-01-01 and the last millisecond of 9999: RFC 3339 has four digits for the year.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

/// The largest unit that fits, cut, not rounded: 119 s is `1m ago`. Past 90 days the date says more.
fn ago(unix_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(unix_ms) / 1000;
    let (amount, unit) = match seconds.unsigned_abs() {
        0..5 => return "now".to_owned(),
        s @ 5..60 => (s, 's'),
        s @ 60..3600 => (s / 60, 'm'),
        s @ 3600..86_400 => (s / 3600, 'h'),
        s @ 86_400..7_776_000 => (s / 86_400, 'd'),
        _ => return written(unix_ms, format_description!("[year]-[month]-[day]")),
    };
    if seconds < 0 {
        format!("in {amount}{unit}")
    } else {
        format!("{amount}{unit} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T13:43:22.123Z.
    const NOW: i64 = 1_795_182_202_123;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(NOW), "2026-11-20T13:43:22.123Z");
        assert_eq!(exact(NOW), "2026-11-20 13:43:22 UTC");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(-62_167_219_199_990), "0000-01-01T00:00:00.010Z");
        assert_eq!(rfc3339_seconds(NOW), "2026-11-20T13:43:22Z");
        assert_eq!(rfc3339_seconds(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(i64::MIN), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_age_is_in_the_largest_unit_that_fits() {
        let check = |seconds: i64, text: &str| assert_eq!(ago(NOW - seconds * 1000, NOW), text, "{seconds}");
        check(0, "now");
        check(4, "now");
        check(5, "5s ago");
        check(119, "1m ago");
        check(3599, "59m ago");
        check(3600, "1h ago");
        check(86_399, "23h ago");
        check(89 * 86_400, "89d ago");
        check(90 * 86_400, "2026-08-22");
        check(-120, "in 2m");
        assert_eq!(ago(i64::MIN, i64::MAX), "0000-01-01");
    }
}

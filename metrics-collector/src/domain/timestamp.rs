//! Times of samples: RFC 3339 of any offset, or a number since 1970 in seconds, milli-, micro- or nanoseconds.
//! On the hot path, hence by hand; pages and queries use the same.

/// Milliseconds of a minute and longer.
pub const MINUTE_MS: i64 = 60_000;
/// See [`MINUTE_MS`].
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// See [`MINUTE_MS`].
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Unix milliseconds of `2026-11-20T13:43:18.148Z` and its like: `T`, `t` or a blank between date and time, a fraction
/// of any length, `Z` or an offset, nothing for UTC; a plain date; or a number as [`of_number`] takes it.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') {
        return of_number(text.parse().ok()?);
    }
    let day = date(bytes)?;
    let [separator, time @ ..] = bytes.get(10..)? else {
        return Some(day * DAY_MS);
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (ms, offset) = time_of_day(time)?;
    Some(day * DAY_MS + ms - offset_ms(offset)?)
}

/// Unix milliseconds of a number whose size says its unit: below 10¹¹ seconds (the year 5138), below 10¹⁴
/// milliseconds, below 10¹⁷ microseconds, else nanoseconds.
pub fn of_number(number: f64) -> Option<i64> {
    let size = number.abs();
    let ms = match size {
        _ if size < 1e11 => number * 1e3,
        _ if size < 1e14 => number,
        _ if size < 1e17 => number / 1e3,
        _ if size < 1e20 => number / 1e6,
        _ => return None,
    };
    Some(ms.floor() as i64)
}

/// Days since 1970 of `2026-11-20`.
fn date(bytes: &[u8]) -> Option<i64> {
    let year = digits(bytes.get(..4)?)?;
    let month = digits(bytes.get(5..7)?)?;
    let day = digits(bytes.get(8..10)?)?;
    let is_date = bytes[7] == b'-' && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    is_date.then(|| days_from_civil(year, month, day))
}

/// Milliseconds since midnight, and what stands behind the time.
fn time_of_day(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let hour = digits(bytes.get(..2)?)?;
    let minute = digits(bytes.get(3..5)?)?;
    let (second, mut rest) = match bytes.get(5) {
        Some(b':') => (digits(bytes.get(6..8)?)?, &bytes[8..]),
        _ => (0, &bytes[5..]),
    };
    // A leap second counts as the first of the next minute.
    if bytes[2] != b':' || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut ms = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        let n = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if n == 0 {
            return None;
        }
        let digits = fraction[..n].iter().map(|digit| i64::from(digit - b'0'));
        ms = digits.chain([0; 3]).take(3).fold(0, |ms, digit| ms * 10 + digit);
        rest = &fraction[n..];
    }
    Some((hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + ms, rest))
}

/// Of `Z`, nothing, `+02:00`, `+0200`, `+02`.
fn offset_ms(bytes: &[u8]) -> Option<i64> {
    let (sign, bytes) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let hour = digits(bytes.get(..2)?)?;
    let minute = match &bytes[2..] {
        [] => 0,
        [b':', minute @ ..] | minute if minute.len() == 2 => digits(minute)?,
        _ => return None,
    };
    (hour < 24 && minute < 60).then_some(sign * (hour * HOUR_MS + minute * MINUTE_MS))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01: years that begin in March put the leap day last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn times_of_every_kind_are_read() {
        let at = 1_795_168_800_123;
        check("2026-11-20T10:00:00.123Z", Some(at));
        check("2026-11-20t10:00:00.123456789z", Some(at));
        check("2026-11-20T12:00:00.123+02:00", Some(at));
        check("2026-11-20 05:30:00.123-0430", Some(at));
        check("2026-11-20T10:00:00Z", Some(at - 123));
        check("2026-11-20T10:00Z", Some(at - 123));
        check("2026-11-20 10:00:00", Some(at - 123));
        check("2026-11-20", Some(at - 123 - 10 * HOUR_MS));
        check("1795168800", Some(at - 123));
        check("1795168800123", Some(at));
        check("1795168800123456", Some(at));
        check("1795168800123456789", Some(at));
        check("1795168800.123", Some(at));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-13-01T00:00:00Z",
            "2026-02-30",
            "2026-11-20T25:00:00Z",
            "2026-11-20T10:00:00.Z",
            "2026-11-20T10:00:00+2",
            "2026-11-20T10:00:00Zz",
            "2026-11-20x",
            "2026-1",
            "é026-11-20",
            "NaN",
            "inf",
        ] {
            let expected = if text == "2026" { Some(2_026_000) } else { None };
            check(text, expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", digits in "[0-9:T.+Z -]{0,40}") {
            let _ = (parse(&text), parse(&digits));
        }

        #[test]
        fn it_agrees_with_the_calendar_of_ui(ms in -2_000_000_000_000_i64..4_000_000_000_000) {
            let second = ms.div_euclid(1000) * 1000;
            prop_assert_eq!(parse(&ui::moment::rfc3339(second)), Some(second));
        }
    }
}

//! How programs write a moment: ISO 8601 and its relatives, the web server's, syslog's, klog's, Redis', PHP's,
//! and seconds since 1970. Each reader takes bytes that start with the notation; none fails, all return `Option`.

use time::{Date, Month};

/// A moment as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Unix nanoseconds; a local time read as UTC where `has_zone` is false.
    pub ns: i64,
    /// What the notation leaves open, in nanoseconds: 10^9 where it ends with seconds.
    pub unit_ns: i64,
    /// Whether it names its zone.
    pub has_zone: bool,
}

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;
/// Seconds of the years 2001 and 2096: an epoch outside is another number.
const EPOCH_S: std::ops::Range<i64> = 978_307_200..4_000_000_000;

/// Whatever notation the bytes start with. `arrived_ns` gives the year where there is none.
pub fn any(bytes: &[u8], arrived_ns: i64) -> Option<Moment> {
    match bytes.first()? {
        b'0'..=b'9' => {
            let date = date_time(bytes).map(|(moment, _)| moment);
            date.or_else(|| day_first(bytes))
        }
        b'I' | b'W' | b'E' | b'F' | b'D' if bytes.get(1).is_some_and(u8::is_ascii_digit) => {
            klog(bytes, arrived_ns)
        }
        b'A'..=b'Z' => month_first(bytes, arrived_ns),
        _ => None,
    }
}

/// `2026-11-28T07:22:35.123Z`, with a blank, `/` or `.` in their places, a comma before the fraction, any zone or none;
/// also `20261128T072235Z`. Returns the bytes it took, too.
pub fn date_time(bytes: &[u8]) -> Option<(Moment, usize)> {
    let year = digits(bytes, 0, 4)?;
    let (date, mut at) = match bytes.get(4)? {
        b'-' | b'/' | b'.' => (date(year, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?)?, 10),
        b'0'..=b'9' => (date(year, digits(bytes, 4, 2)?, digits(bytes, 6, 2)?)?, 8),
        _ => return None,
    };
    at += match bytes.get(at)? {
        b'T' | b't' | b'_' | b':' => 1,
        b' ' => bytes[at..]
            .iter()
            .take(3)
            .take_while(|byte| **byte == b' ')
            .count(),
        _ => return None,
    };
    let (second_of_day, length) = clock_time(&bytes[at..])?;
    at += length;
    let (fraction_ns, unit_ns, length) = fraction(&bytes[at..]);
    at += length;
    let (zone_s, length) = zone(&bytes[at..]);
    let ns = nanoseconds(date, second_of_day - zone_s.unwrap_or(0), fraction_ns);
    let moment = Moment {
        ns,
        unit_ns,
        has_zone: zone_s.is_some(),
    };
    Some((moment, at + length))
}

/// `28/Nov/2026:07:22:35 +0000` (web servers), `28-Nov-2026 07:22:35 UTC` (PHP), `28 Nov 2026 07:22:35.123` (Redis).
fn day_first(bytes: &[u8]) -> Option<Moment> {
    let day_length = if bytes.get(1)?.is_ascii_digit() { 2 } else { 1 };
    let day = digits(bytes, 0, day_length)?;
    let rest = &bytes[day_length..];
    if !matches!(rest.first()?, b'/' | b'-' | b' ') {
        return None;
    }
    let month = month(rest.get(1..4)?)?;
    let year = digits(rest, 5, 4)?;
    let date = date(year, month, day)?;
    let rest = rest.get(10..)?;
    let (second_of_day, length) = clock_time(rest)?;
    let rest = &rest[length..];
    let (fraction_ns, unit_ns, length) = fraction(rest);
    let (zone_s, _) = zone(&rest[length..]);
    Some(Moment {
        ns: nanoseconds(date, second_of_day - zone_s.unwrap_or(0), fraction_ns),
        unit_ns,
        has_zone: zone_s.is_some(),
    })
}

/// `Nov 28 07:22:35` (syslog), `Sat Nov 28 07:22:35.123 2026` (Apache's error log).
fn month_first(bytes: &[u8], arrived_ns: i64) -> Option<Moment> {
    let after_weekday = bytes
        .get(4..)
        .filter(|_| bytes[3] == b' ' && is_weekday(&bytes[..3]));
    let bytes = after_weekday.unwrap_or(bytes);
    let month = month(bytes.get(..3)?)?;
    let rest = bytes.get(3..)?.strip_prefix(b" ")?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let day_length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let day = digits(rest, 0, day_length)?;
    let rest = rest.get(day_length..)?.strip_prefix(b" ")?;
    let (second_of_day, length) = clock_time(rest)?;
    let rest = &rest[length..];
    let (fraction_ns, unit_ns, length) = fraction(rest);
    let year = digits(&rest[length..], 1, 4).filter(|_| rest.get(length) == Some(&b' '));
    let date = match year.and_then(|year| date(year, month, day)) {
        Some(date) => date,
        None => nearest(month, day, arrived_ns)?,
    };
    Some(Moment {
        ns: nanoseconds(date, second_of_day, fraction_ns),
        unit_ns,
        has_zone: false,
    })
}

/// `I1128 07:22:35.123456`: a letter for the level, month and day, no year.
fn klog(bytes: &[u8], arrived_ns: i64) -> Option<Moment> {
    let (month, day) = (digits(bytes, 1, 2)?, digits(bytes, 3, 2)?);
    let rest = bytes.get(5..)?.strip_prefix(b" ")?;
    let (second_of_day, length) = clock_time(rest)?;
    let (fraction_ns, unit_ns, _) = fraction(&rest[length..]);
    Some(Moment {
        ns: nanoseconds(nearest(month, day, arrived_ns)?, second_of_day, fraction_ns),
        unit_ns,
        has_zone: false,
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size; a fraction is allowed.
pub fn epoch(number: &[u8]) -> Option<Moment> {
    let whole_length = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unit_ns = match whole_length {
        9 | 10 => SECOND_NS,
        12 | 13 => 1_000_000,
        15 | 16 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    let whole = number[..whole_length].iter().try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })?;
    let per_second = SECOND_NS / unit_ns;
    if !EPOCH_S.contains(&(whole / per_second)) {
        return None;
    }
    let (fraction, fraction_unit, length) = fraction(&number[whole_length..]);
    if whole_length + length != number.len() {
        return None;
    }
    Some(Moment {
        ns: whole * unit_ns + fraction / per_second,
        unit_ns: (fraction_unit / per_second).max(1),
        has_zone: true,
    })
}

/// An epoch with a fraction as a line's first token, `1795850555.123 …`; without one it may be any number.
pub fn epoch_stamp(bytes: &[u8]) -> Option<Moment> {
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    if !matches!(bytes.get(length)?, b' ' | b'\t' | b']') || bytes.get(10) != Some(&b'.') {
        return None;
    }
    epoch(&bytes[..length])
}

/// `07:22:35`: the second of the day, and the bytes it took.
fn clock_time(bytes: &[u8]) -> Option<(i64, usize)> {
    if bytes.get(1) == Some(&b':') {
        // MariaDB writes a blank in the place of a leading zero.
        let (second_of_day, length) = clock_time(&[b"0", bytes.get(..7)?].concat())?;
        return Some((second_of_day, length - 1));
    }
    let hour = digits(bytes, 0, 2)?;
    let (minute, second, length) = if bytes.get(2)? == &b':' {
        if bytes.get(5)? != &b':' {
            return None;
        }
        (digits(bytes, 3, 2)?, digits(bytes, 6, 2)?, 8)
    } else {
        (digits(bytes, 2, 2)?, digits(bytes, 4, 2)?, 6)
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some((
        i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second),
        length,
    ))
}

/// `.123456` or `,123`: nanoseconds, what it leaves open, and the bytes it took. Digits past the ninth are dropped.
fn fraction(bytes: &[u8]) -> (i64, i64, usize) {
    if !matches!(bytes.first(), Some(b'.' | b',')) {
        return (0, SECOND_NS, 0);
    }
    let (mut ns, mut unit, mut length) = (0, SECOND_NS, 1);
    for digit in bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()) {
        length += 1;
        if unit > 1 {
            unit /= 10;
            ns += i64::from(digit - b'0') * unit;
        }
    }
    if length == 1 {
        (0, SECOND_NS, 0)
    } else {
        (ns, unit, length)
    }
}

/// `Z`, `+02:00`, `+0200`, ` UTC`, ` GMT`: seconds east of UTC, and the bytes it took.
fn zone(bytes: &[u8]) -> (Option<i64>, usize) {
    let n_blanks = usize::from(bytes.first() == Some(&b' '));
    let rest = &bytes[n_blanks..];
    match rest.first() {
        Some(b'Z' | b'z') if n_blanks == 0 => (Some(0), 1),
        Some(b'U' | b'G') if rest.starts_with(b"UTC") || rest.starts_with(b"GMT") => (Some(0), n_blanks + 3),
        Some(sign @ (b'+' | b'-')) => {
            let gap = usize::from(rest.get(3) == Some(&b':'));
            let (Some(hours), minutes) = (digits(rest, 1, 2), digits(rest, 3 + gap, 2)) else {
                return (None, 0);
            };
            if hours > 15 || (n_blanks == 1 && minutes.is_none()) {
                return (None, 0);
            }
            let seconds = i64::from(hours) * 3600 + i64::from(minutes.unwrap_or(0)) * 60;
            let length = if minutes.is_some() { 5 + gap } else { 3 };
            (
                Some(if *sign == b'+' { seconds } else { -seconds }),
                n_blanks + length,
            )
        }
        _ => (None, 0),
    }
}

fn digits(bytes: &[u8], at: usize, n: usize) -> Option<u16> {
    if n == 0 || n > 4 {
        return None;
    }
    bytes.get(at..at + n)?.iter().try_fold(0_u16, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0'))
    })
}

fn date(year: u16, month: u16, day: u16) -> Option<Date> {
    if !(1990..2200).contains(&year) {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

/// The date nearest to the arrival that has this month and day.
fn nearest(month: u16, day: u16, arrived_ns: i64) -> Option<Date> {
    let arrived = time::OffsetDateTime::from_unix_timestamp(arrived_ns.div_euclid(SECOND_NS)).ok()?;
    let year = u16::try_from(arrived.year()).ok()?;
    let apart = |date: &Date| (date.to_julian_day() - arrived.to_julian_day()).abs();
    (year.checked_sub(1)?..=year + 1)
        .filter_map(|year| date(year, month, day))
        .min_by_key(apart)
}

fn nanoseconds(date: Date, second_of_day: i64, fraction_ns: i64) -> i64 {
    /// Julian day of 1970-01-01.
    const EPOCH_DAY: i64 = 2_440_588;
    let days = i64::from(date.to_julian_day()) - EPOCH_DAY;
    (days * DAY_S + second_of_day) * SECOND_NS + fraction_ns
}

fn month(name: &[u8]) -> Option<u16> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
    ];
    let found = MONTHS.iter().position(|month| *month == name)?;
    u16::try_from(found + 1).ok()
}

fn is_weekday(name: &[u8]) -> bool {
    matches!(name, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVED: &str = "2026-11-28T07:22:35Z";

    fn utc(text: &str) -> i64 {
        date_time(text.as_bytes())
            .expect("the test's own times are right")
            .0
            .ns
    }

    #[track_caller]
    fn check(text: &str, expected: &str, unit_ns: i64, has_zone: bool) {
        let found = any(text.as_bytes(), utc(ARRIVED));
        let expected = Moment {
            ns: utc(expected),
            unit_ns,
            has_zone,
        };
        assert_eq!(found, Some(expected), "{text}");
    }

    #[test]
    fn iso_and_its_relatives() {
        assert_eq!(
            utc("1970-01-01T00:00:00Z".replace("1970", "2000").as_str()),
            946_684_800 * SECOND_NS
        );
        check("2026-11-28T07:22:35Z x", "2026-11-28T07:22:35Z", SECOND_NS, true);
        check(
            "2026-11-28 07:22:35,5 x",
            "2026-11-28T07:22:35.5Z",
            SECOND_NS / 10,
            false,
        );
        check(
            "2026/11/28 07:22:35.000001 x",
            "2026-11-28T07:22:35.000001Z",
            1000,
            false,
        );
        check(
            "2026-11-28T09:22:35+0200",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            true,
        );
        check(
            "2026-11-28 02:52:35 -04:30 x",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            true,
        );
        check(
            "2026-11-28 07:22:35.123 UTC [1] LOG:",
            "2026-11-28T07:22:35.123Z",
            1_000_000,
            true,
        );
        check("20261128T072235Z", "2026-11-28T07:22:35Z", SECOND_NS, true);
        check(
            "2026-11-28T07:22:35.1234567891Z",
            "2026-11-28T07:22:35.123456789Z",
            1,
            true,
        );
        check(
            "2026-11-28 07:22:35 - app - INFO",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            false,
        );
    }

    #[test]
    fn day_or_month_first() {
        check(
            "28/Nov/2026:07:22:35 +0000] \"GET",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            true,
        );
        check(
            "28/Nov/2026:09:22:35 +0200]",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            true,
        );
        check(
            "28-Nov-2026 07:22:35 UTC] PHP",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            true,
        );
        check(
            "28-Nov-2026 07:22:35 Europe/Berlin] PHP",
            "2026-11-28T07:22:35Z",
            SECOND_NS,
            false,
        );
        check(
            "28 Nov 2026 07:22:35.123 * Ready",
            "2026-11-28T07:22:35.123Z",
            1_000_000,
            false,
        );
        check("Nov 28 07:22:35 host", "2026-11-28T07:22:35Z", SECOND_NS, false);
        check("Nov  8 07:22:35 host", "2026-11-08T07:22:35Z", SECOND_NS, false);
        check("Jan  2 07:22:35 host", "2027-01-02T07:22:35Z", SECOND_NS, false);
        check(
            "Sat Nov 28 07:22:35.123456 2026] [core",
            "2026-11-28T07:22:35.123456Z",
            1000,
            false,
        );
        check(
            "I1128 07:22:35.000123       1 main.go:12]",
            "2026-11-28T07:22:35.000123Z",
            1000,
            false,
        );
    }

    #[test]
    fn seconds_since_1970_in_any_unit() {
        let second = 1_795_850_555;
        let at = |number: &str| epoch(number.as_bytes()).map(|moment| (moment.ns, moment.unit_ns));
        assert_eq!(at("1795850555"), Some((second * SECOND_NS, SECOND_NS)));
        assert_eq!(
            at("1795850555.25"),
            Some((second * SECOND_NS + 250_000_000, 10_000_000))
        );
        assert_eq!(
            at("1795850555123"),
            Some((second * SECOND_NS + 123_000_000, 1_000_000))
        );
        assert_eq!(
            at("1795850555123456789"),
            Some((second * SECOND_NS + 123_456_789, 1))
        );
        assert_eq!(at("12345"), None);
        assert_eq!(at("9999999999"), None);
        assert_eq!(at("1795850555x"), None);
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2",
            "2026",
            "2026-13-01 00:00:00",
            "2026-02-30T00:00:00Z",
            "2026-01-01",
            "2026-01-01 25:00:00",
            "Nov",
            "Nov 28",
            "Info x",
            "I1399 00:00:00",
            "10.0.0.1 x",
            "28/Nov/2026",
        ] {
            assert_eq!(any(text.as_bytes(), utc(ARRIVED)), None, "{text}");
        }
    }
}

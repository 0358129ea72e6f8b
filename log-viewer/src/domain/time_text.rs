//! Times in URLs and answers: text in, Unix nanoseconds out, and back.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const SECOND_NS: i64 = 1_000_000_000;

/// `2026-11-20T10:04:09.123456789Z`: nothing is lost.
pub fn exact(time_ns: i64) -> String {
    let mut text = seconds(time_ns);
    text.truncate(text.len() - 1);
    format!("{text}.{:09}Z", time_ns.rem_euclid(SECOND_NS))
}

/// `2026-11-20T10:04:09Z`, the second it falls in, as the contract has it.
pub fn seconds(time_ns: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(time_ns.div_euclid(SECOND_NS));
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let text = at.ok().and_then(|at| at.format(format).ok());
    text.unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// The first and the last nanosecond that a text means: a second, a minute or a day in full where it names no
/// fraction. Takes RFC 3339 of any offset, `2026-11-20 10:04[:09]` and `2026-11-20` (UTC), and Unix seconds or
/// milliseconds.
pub fn parse(text: &str) -> Option<(i64, i64)> {
    let text = text.trim();
    unix(text).or_else(|| calendar(text))
}

fn span(first: i64, length_ns: i64) -> (i64, i64) {
    (first, first.saturating_add(length_ns - 1))
}

/// Seconds; milliseconds where seconds would be beyond the year 5000.
fn unix(text: &str) -> Option<(i64, i64)> {
    let is_number = (1..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| text.parse().ok())??;
    let unit_ns = if number < 100_000_000_000 {
        SECOND_NS
    } else {
        1_000_000
    };
    Some(span(number.checked_mul(unit_ns)?, unit_ns))
}

fn calendar(text: &str) -> Option<(i64, i64)> {
    // A `+` in a query is a blank unless it was encoded; only an offset can follow one here.
    let text = match text.as_bytes().get(10) {
        Some(b' ') => text.replacen(' ', "T", 1),
        _ => text.to_owned(),
    };
    let text = text.replace(' ', "+");
    if let Ok(at) = OffsetDateTime::parse(&text, &Rfc3339) {
        let length_ns = if text.contains('.') { 1 } else { SECOND_NS };
        return Some(span(nanoseconds(at)?, length_ns));
    }
    let (whole, length_ns) = match text.len() {
        10 => (format!("{text}T00:00:00"), 86_400 * SECOND_NS),
        16 => (format!("{text}:00"), 60 * SECOND_NS),
        _ => (text, SECOND_NS),
    };
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let at = PrimitiveDateTime::parse(&whole, format).ok()?;
    Some(span(nanoseconds(at.assume_utc())?, length_ns))
}

/// None outside of 1677 to 2262, which no log is.
fn nanoseconds(at: OffsetDateTime) -> Option<i64> {
    i64::try_from(at.unix_timestamp_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T10:04:09Z.
    const AT: i64 = 1_795_169_049 * SECOND_NS;

    #[test]
    fn a_time_is_written_in_full_and_as_the_contract_has_it() {
        assert_eq!(exact(AT + 1), "2026-11-20T10:04:09.000000001Z");
        assert_eq!(seconds(AT + 999_999_999), "2026-11-20T10:04:09Z");
        assert_eq!(exact(-1), "1969-12-31T23:59:59.999999999Z");
        for time_ns in [i64::MIN, i64::MAX] {
            assert_eq!(exact(time_ns).len(), 30);
        }
    }

    #[test]
    fn what_names_no_fraction_means_all_of_its_unit() {
        let check = |text: &str, first: i64, length_ns: i64| {
            assert_eq!(parse(text), Some(span(first, length_ns)), "{text}");
        };
        check("2026-11-20T10:04:09Z", AT, SECOND_NS);
        check("2026-11-20T11:04:09+01:00", AT, SECOND_NS);
        check("2026-11-20T11:04:09 01:00", AT, SECOND_NS);
        check("2026-11-20T10:04:09.000000001Z", AT + 1, 1);
        check("2026-11-20T10:04:09.000Z", AT, 1);
        check(" 2026-11-20 10:04:09 ", AT, SECOND_NS);
        check("2026-11-20 10:04", AT - 9 * SECOND_NS, 60 * SECOND_NS);
        check("2026-11-20", AT - 36_249 * SECOND_NS, 86_400 * SECOND_NS);
        check("1795169049", AT, SECOND_NS);
        check("1795169049123", AT + 123_000_000, 1_000_000);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "0001-01-01T00:00:00Z",
            "99999999999999",
            "é",
            "2026-11-2é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for time_ns in [0, AT + 123_456_789, -5, 1] {
            assert_eq!(parse(&exact(time_ns)), Some((time_ns, time_ns)));
        }
    }
}

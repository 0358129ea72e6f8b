//! Times in queries: RFC 3339 in, Unix milliseconds out. The way back is `ui::moment::rfc3339`.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Unix milliseconds of an RFC 3339 time of any offset, or of a plain date (its first moment in UTC).
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let date = || {
        Some(
            Date::parse(text, format_description!("[year]-[month]-[day]"))
                .ok()?
                .midnight()
                .assume_utc(),
        )
    };
    time.or_else(date)
        .map(|time| (time.unix_timestamp_nanos() / 1_000_000) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_fractions_count() {
        assert_eq!(parse("2026-11-20T10:00:00.123Z"), Some(1_795_168_800_123));
        assert_eq!(parse("2026-11-20T12:00:00.123+02:00"), Some(1_795_168_800_123));
        assert_eq!(parse(" 2026-11-20 "), Some(1_795_132_800_000));
        assert_eq!(parse("yesterday"), None);
    }
}

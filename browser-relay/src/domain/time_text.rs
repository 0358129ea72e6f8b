//! Times in requests: RFC 3339 in, Unix milliseconds out. The way back is `ui::moment::rfc3339`.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Unix milliseconds of an RFC 3339 time of any offset.
pub fn parse(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

//! When a line was written: the time that it carries at its head, in JSON or in logfmt, weighed against the
//! time at which it arrived (Docker's stamp). A pure rule; how each notation is read is in `notation.rs`.

use crate::domain::json_head::{self, JsonHead};
use crate::domain::level::without_colours;
use crate::domain::notation::{self, Moment};

/// How far into a line its own time is looked for, in bytes.
const HEAD_BYTES: usize = 96;
/// Tokens that may stand before the time.
const MAX_TOKENS_BEFORE: usize = 4;
/// A line whose own time is later than its arrival by more than this is speaking of the future, not of itself.
/// A day for wrong clocks, and fourteen hours because local times are read as UTC at first.
const MAX_AHEAD_NS: i64 = 38 * 3600 * SECOND_NS;
/// A line is written, then stamped by Docker, within this; beyond it, it tells of an earlier time.
const MAX_DELAY_NS: i64 = 5 * SECOND_NS;
/// Zones differ from UTC by multiples of this.
const ZONE_STEP_NS: i64 = 1800 * SECOND_NS;
/// The widest zone.
const MAX_ZONE_NS: i64 = 14 * 3600 * SECOND_NS;
const SECOND_NS: i64 = 1_000_000_000;

/// What is known of one source's clock: the zone in which it writes times without one.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// What is added to such a time, in nanoseconds.
    pub zone_ns: Option<i64>,
}

impl Clock {
    /// The moment of a line that arrived at `arrived_ns` (Unix nanoseconds): its own time where it carries one.
    /// Within what its own time leaves open (a second, a millisecond) the arrival decides, so that the order
    /// of lines and their nanoseconds are kept. Only a timely line, written just before it arrived, tells of the zone.
    pub fn moment_of(
        &mut self,
        line: &str,
        json: Option<&JsonHead<'_>>,
        arrived_ns: i64,
        is_timely: bool,
    ) -> i64 {
        let Some(found) = find(line, json, arrived_ns) else {
            return arrived_ns;
        };
        let own_ns = if found.has_zone {
            found.ns
        } else {
            self.without_zone(found.ns, arrived_ns, is_timely)
        };
        if own_ns - arrived_ns > MAX_AHEAD_NS {
            return arrived_ns;
        }
        let delay_ns = arrived_ns - own_ns;
        if (0..found.unit_ns).contains(&delay_ns) {
            return arrived_ns;
        }
        // A line that arrived in the next second was written late in its own: before it come those that arrived earlier.
        let is_late = found.unit_ns == SECOND_NS && (0..SECOND_NS + MAX_DELAY_NS).contains(&delay_ns);
        own_ns + if is_late { SECOND_NS - 1 } else { 0 }
    }

    /// A local time read as UTC is off by its zone. Where the arrival is a whole number of half hours away,
    /// that is the zone, and it is remembered for the lines that tell of earlier times.
    /// Of a line of a backlog any time is some number of half hours away; and with a zone that it does not fit it would
    /// be later than it was read.
    fn without_zone(&mut self, local_ns: i64, arrived_ns: i64, is_timely: bool) -> i64 {
        let apart = arrived_ns - local_ns;
        let zone = (apart + ZONE_STEP_NS / 2).div_euclid(ZONE_STEP_NS) * ZONE_STEP_NS;
        if is_timely && zone.abs() <= MAX_ZONE_NS && (apart - zone).abs() <= MAX_DELAY_NS {
            self.zone_ns = Some(zone);
        }
        let fits = |zone_ns: &i64| is_timely || *zone_ns <= apart + MAX_DELAY_NS;
        local_ns + self.zone_ns.filter(fits).unwrap_or(0)
    }
}

/// The time that a line carries. `arrived_ns` gives the year to notations without one.
fn find(line: &str, json: Option<&JsonHead<'_>>, arrived_ns: i64) -> Option<Moment> {
    if let Some(head) = json {
        return in_json(head);
    }
    let mut bytes = &line.as_bytes()[..line.len().min(HEAD_BYTES)];
    let plain;
    if memchr::memchr(0x1b, bytes).is_some() {
        plain = without_colours(bytes);
        bytes = &plain;
    }
    at_head(bytes, arrived_ns)
        .or_else(|| in_access_log(bytes))
        .or_else(|| in_logfmt(line.as_bytes()))
}

/// `10.0.0.1 - bob [28/Nov/2026:07:22:34 +0000]`: a user's name may be any word.
fn in_access_log(bytes: &[u8]) -> Option<Moment> {
    let open = memchr::memchr(b'[', bytes)?;
    let inside = &bytes[open + 1..];
    (inside.get(2) == Some(&b'/')).then(|| notation::any(inside, 0))?
}

/// Whether a time stands at the head of a line.
pub(crate) fn starts(line: &str, arrived_ns: i64) -> bool {
    let bytes = &line.as_bytes()[..line.len().min(HEAD_BYTES)];
    at_head(bytes, arrived_ns).is_some()
}

fn in_json(head: &JsonHead<'_>) -> Option<Moment> {
    match head.time? {
        json_head::Value::Text(text) => notation::date_time(text.as_bytes())
            .map(|(moment, _)| moment)
            .or_else(|| notation::epoch(text.as_bytes())),
        json_head::Value::Number(digits) => notation::epoch(digits.as_bytes()),
    }
}

/// Walks over what may stand before a time: a priority, a level, something in brackets, an address, numbers.
fn at_head(bytes: &[u8], arrived_ns: i64) -> Option<Moment> {
    let mut at = priority_length(bytes);
    for n_before in 0..=MAX_TOKENS_BEFORE {
        at += bytes[at..].iter().take_while(|byte| is_opening(**byte)).count();
        let rest = &bytes[at..];
        if let Some(found) = notation::any(rest, arrived_ns) {
            return Some(found);
        }
        if n_before == 0
            && let Some(found) = notation::epoch_stamp(rest)
        {
            return Some(found);
        }
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t'))
            .unwrap_or(rest.len());
        if length == rest.len() || !may_precede(&rest[..length]) {
            return None;
        }
        at += length;
    }
    None
}

/// Length of syslog's `<34>`.
fn priority_length(bytes: &[u8]) -> usize {
    match bytes.iter().take(5).position(|byte| *byte == b'>') {
        Some(end) if bytes[0] == b'<' => end + 1,
        _ => 0,
    }
}

fn is_opening(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'[' | b'(' | b'|' | b'"' | b'-')
}

/// Whether a token belongs to the head of a line rather than to its message.
fn may_precede(token: &[u8]) -> bool {
    let last = token.last().copied().unwrap_or(b' ');
    let is_word = token.iter().all(u8::is_ascii_lowercase);
    if matches!(last, b']' | b')' | b'|' | b':' | b',' | b'>') || token[0] == b'<' {
        return true;
    }
    !is_word
        && (token.iter().all(u8::is_ascii_uppercase)
            || token.iter().any(u8::is_ascii_digit)
            || token.len() == 1)
}

/// `ts=…`, `time=…`, `t=…` among the first fields.
fn in_logfmt(bytes: &[u8]) -> Option<Moment> {
    let head = &bytes[..bytes.len().min(256)];
    let mut from = 0;
    while let Some(equals) = memchr::memchr(b'=', &head[from..]).map(|found| from + found) {
        let start = head[..equals]
            .iter()
            .rposition(|byte| matches!(byte, b' ' | b'\t'))
            .map_or(0, |space| space + 1);
        if matches!(
            &head[start..equals],
            b"ts" | b"time" | b"t" | b"timestamp" | b"date" | b"@timestamp"
        ) {
            let value = &bytes[equals + 1..bytes.len().min(equals + 64)];
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let found = notation::date_time(value).map(|(moment, _)| moment);
            return found.or_else(|| notation::epoch(leading_number(value)));
        }
        from = equals + 1;
    }
    None
}

fn leading_number(bytes: &[u8]) -> &[u8] {
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    &bytes[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> i64 {
        notation::date_time(text.as_bytes())
            .expect("the test's own times are right")
            .0
            .ns
    }

    #[track_caller]
    fn check(line: &str, arrived: &str, expected: &str) {
        let json = json_head::read(line);
        let found = Clock::default().moment_of(line, json.as_ref(), ns(arrived), true);
        assert_eq!(found, ns(expected), "{line}");
    }

    const NOW: &str = "2026-11-28T07:22:35.123456789Z";

    #[test]
    fn within_what_its_own_time_leaves_open_the_arrival_decides() {
        check("2026-11-28 07:22:35 INFO x", NOW, NOW);
        check("2026-11-28T07:22:35.123Z x", NOW, NOW);
        check("2026-11-28T07:22:35.120Z x", NOW, "2026-11-28T07:22:35.120Z");
        check("2026-11-28 07:22:34 x", NOW, "2026-11-28T07:22:34.999999999Z");
        check(
            "2026-11-28T07:22:35.123456780Z x",
            NOW,
            "2026-11-28T07:22:35.123456780Z",
        );
    }

    #[test]
    fn an_earlier_time_is_taken_as_it_is_written() {
        check("2026-01-01T10:00:00Z x", NOW, "2026-01-01T10:00:00Z");
        check("2026-01-01 10:00:00,250 x", NOW, "2026-01-01T10:00:00.25Z");
        check("2026-01-01T10:00:00+02:00 x", NOW, "2026-01-01T08:00:00Z");
    }

    #[test]
    fn a_time_far_ahead_is_not_the_lines_own() {
        check("2035-01-01 00:00:00 the licence ends", NOW, NOW);
        check("the licence of 2020-01-01 00:00:00 ended", NOW, NOW);
    }

    #[test]
    fn a_zone_is_found_from_the_arrival_and_remembered() {
        let mut clock = Clock::default();
        let now = ns(NOW);
        assert_eq!(clock.moment_of("2026-11-28 08:22:35 x", None, now, true), now);
        assert_eq!(
            clock.moment_of("2026-11-28 06:00:00 x", None, now, false),
            ns("2026-11-28T05:00:00Z")
        );
    }

    #[test]
    fn a_line_of_a_backlog_tells_of_no_zone_and_is_not_later_than_it_was_read() {
        let mut clock = Clock::default();
        let now = ns(NOW);
        let halfway = "2026-11-28 05:52:35 x";
        assert_eq!(
            clock.moment_of(halfway, None, now, false),
            ns("2026-11-28T05:52:35Z")
        );
        // Two hours behind UTC.
        clock.moment_of("2026-11-28 05:22:35 x", None, now, true);
        assert_eq!(
            clock.moment_of("2026-11-28 04:00:00 x", None, now, false),
            ns("2026-11-28T06:00:00Z")
        );
        assert_eq!(
            clock.moment_of("2026-11-28 06:00:00 x", None, now, false),
            ns("2026-11-28T06:00:00Z")
        );
    }

    #[test]
    fn without_a_time_it_is_the_arrival() {
        check("", NOW, NOW);
        check("GET /2026/11/28/07 200", NOW, NOW);
        check("é", NOW, NOW);
    }
}

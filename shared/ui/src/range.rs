//! The range of time that a page shows: `range=6h`, or `from` and `to`, as the URL says it. The same words on every
//! page of every service, so that the range goes along with the reader.

use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339};

use crate::moment::rfc3339_seconds;

/// From when to when, and how it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its begin, Unix milliseconds, within it.
    pub from_ms: i64,
    /// Its end, Unix milliseconds, no longer within it; later than the begin.
    pub to_ms: i64,
    /// `6h`, for the last six hours; None where begin and end were given.
    pub quick: Option<String>,
}

/// Longest range, ten years: what is kept is shorter.
const MAX_MS: i64 = 3_653 * 86_400_000;
/// Begin and end in the future are no mistake, but not beyond a year.
const MAX_AHEAD_MS: i64 = 366 * 86_400_000;

impl Range {
    /// Reads `range`, `from` and `to` by `get`. `range` wins, then `from` and `to`; without any of them it is the
    /// last `default`, such as `6h`. One of `from` and `to` alone is completed: until now, or `default` before.
    /// The error names the parameter and says what it takes.
    pub fn read<'q>(
        get: impl Fn(&str) -> Option<&'q str>,
        default: &str,
        now_ms: i64,
    ) -> Result<Range, String> {
        let given = |name: &str| get(name).map(str::trim).filter(|text| !text.is_empty());
        if let Some(quick) = given("range") {
            return Range::last(quick, now_ms).ok_or_else(|| {
                format!(
                    "range: '{}' is no length of time such as 30m, 6h or 7d",
                    cut(quick)
                )
            });
        }
        let (from, to) = match (given("from"), given("to")) {
            (None, None) => return Ok(Range::last(default, now_ms).unwrap_or_else(|| hour(now_ms))),
            (Some(both), None) => {
                both_of(both).map_or((Some(both), None), |(from, to)| (Some(from), Some(to)))
            }
            given => given,
        };
        if to.is_none_or(|to| to == "now")
            && let Some(quick) = from.and_then(|from| from.strip_prefix("now-"))
            && let Some(range) = Range::last(quick, now_ms)
        {
            return Ok(range);
        }
        let to_ms = to.map_or(Ok(now_ms), |text| point("to", text, now_ms))?;
        let length_ms = duration_ms(default).unwrap_or(HOUR_MS);
        let from_ms = from.map_or(Ok(to_ms - length_ms), |text| point("from", text, now_ms))?;
        Range::between(from_ms, to_ms, now_ms)
    }

    /// The last `quick` until now; None if that is no length of time.
    pub fn last(quick: &str, now_ms: i64) -> Option<Range> {
        let length_ms = duration_ms(quick)?;
        Some(Range {
            from_ms: now_ms - length_ms,
            to_ms: now_ms,
            quick: Some(quick.to_owned()),
        })
    }

    fn between(from_ms: i64, to_ms: i64, now_ms: i64) -> Result<Range, String> {
        if to_ms > now_ms + MAX_AHEAD_MS {
            return Err("to: is more than a year ahead".to_owned());
        }
        if from_ms >= to_ms {
            return Err("from: must be earlier than to".to_owned());
        }
        if to_ms - from_ms > MAX_MS {
            return Err("from: is more than ten years before to".to_owned());
        }
        Ok(Range {
            from_ms,
            to_ms,
            quick: None,
        })
    }

    /// How long it is, in milliseconds; more than 0.
    pub fn length_ms(&self) -> i64 {
        self.to_ms - self.from_ms
    }

    /// Whether it ends now, and so moves along.
    pub fn is_live(&self) -> bool {
        self.quick.is_some()
    }

    /// The parameters that say it, for a link or a form.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        match &self.quick {
            Some(quick) => vec![("range", quick.clone())],
            None => vec![
                ("from", rfc3339_seconds(self.from_ms)),
                ("to", rfc3339_seconds(self.to_ms)),
            ],
        }
    }

    /// In words: `Last 6 hours`; None where begin and end say it.
    pub fn words(&self) -> Option<String> {
        let quick = self.quick.as_deref()?;
        let (amount, unit) = quick.split_at(quick.len() - 1);
        let unit = match unit {
            "s" => "second",
            "m" => "minute",
            "h" => "hour",
            "d" => "day",
            _ => "week",
        };
        Some(match amount {
            "1" => format!("Last {unit}"),
            _ => format!("Last {amount} {unit}s"),
        })
    }

    /// The range of the same length `steps` of half its length later, or earlier if negative.
    pub fn moved(&self, steps: i64) -> Range {
        let by_ms = self.length_ms() / 2 * steps;
        Range {
            from_ms: self.from_ms + by_ms,
            to_ms: self.to_ms + by_ms,
            quick: None,
        }
    }

    /// Twice as long, around the same middle, but not beyond now.
    pub fn wider(&self, now_ms: i64) -> Range {
        let length_ms = (self.length_ms() * 2).min(MAX_MS);
        let middle_ms = self.from_ms + self.length_ms() / 2;
        let to_ms = (middle_ms + length_ms / 2).min(now_ms.max(self.to_ms));
        Range {
            from_ms: to_ms - length_ms,
            to_ms,
            quick: None,
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

fn hour(now_ms: i64) -> Range {
    Range {
        from_ms: now_ms - HOUR_MS,
        to_ms: now_ms,
        quick: Some("1h".to_owned()),
    }
}

/// `90s`, `15m`, `6h`, `7d`, `2w` in milliseconds; None if it is nothing such, 0, or over ten years.
pub fn duration_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.as_bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => HOUR_MS,
        b'd' => 24 * HOUR_MS,
        b'w' => 7 * 24 * HOUR_MS,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
    let amount: i64 = is_number.then(|| digits.parse().ok())??;
    let ms = amount.checked_mul(unit_ms)?;
    (1..=MAX_MS).contains(&ms).then_some(ms)
}

/// What was pasted as one: `2026-11-28 07:00 to 2026-11-28 08:00`, `…/…`, `… - …`, `… – …`.
fn both_of(text: &str) -> Option<(&str, &str)> {
    [" to ", " – ", " - ", "/"]
        .iter()
        .find_map(|between| text.split_once(between))
        .map(|(from, to)| (from.trim(), to.trim()))
}

/// One point in time: `2026-11-28T07:00:00Z`, `2026-11-28 07:00` (UTC), `2026-11-28`, Unix seconds or milliseconds,
/// `now`, `now-6h`, `now+30m`.
fn point(name: &str, text: &str, now_ms: i64) -> Result<i64, String> {
    relative(text, now_ms)
        .or_else(|| unix(text))
        .or_else(|| calendar(text))
        .ok_or_else(|| {
            format!(
                "{name}: '{}' is no time such as 2026-11-28 07:00, 2026-11-28T07:00:00+01:00 or now-6h",
                cut(text)
            )
        })
}

fn relative(text: &str, now_ms: i64) -> Option<i64> {
    let distance = text.strip_prefix("now")?;
    // A `+` in a query is a blank unless it was encoded.
    match (distance.strip_prefix('-'), distance.strip_prefix(['+', ' '])) {
        (Some(before), _) => Some(now_ms - duration_ms(before)?),
        (_, Some(after)) => Some(now_ms + duration_ms(after)?),
        _ => distance.is_empty().then_some(now_ms),
    }
}

/// Seconds, or milliseconds from the year 5138 on, were they seconds.
fn unix(text: &str) -> Option<i64> {
    let is_number = (1..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| text.parse().ok())??;
    Some(if number < 100_000_000_000 {
        number * 1000
    } else {
        number
    })
}

fn calendar(text: &str) -> Option<i64> {
    let ms = |at: OffsetDateTime| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok();
    // A `+` in a query is a blank unless it was encoded; only an offset can follow one here.
    let dated = text.replacen(' ', "T", usize::from(text.as_bytes().get(10) == Some(&b' ')));
    if let Ok(at) = OffsetDateTime::parse(&dated.replace(' ', "+"), &Rfc3339) {
        return ms(at);
    }
    let utc = |at: PrimitiveDateTime| ms(at.assume_utc());
    let minute = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let second = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let plain = dated.trim_end_matches(['Z', 'z']).trim_end_matches(" UTC");
    let whole = match plain.len() {
        10 => format!("{plain}T00:00"),
        _ => plain.to_owned(),
    };
    let at = PrimitiveDateTime::parse(&whole, &minute).or_else(|_| PrimitiveDateTime::parse(&whole, &second));
    utc(at.ok()?)
}

/// The begin of a text that was not understood, for an error message.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T08:00:00Z.
    const NOW: i64 = 1_795_852_800_000;

    fn read(query: &[(&str, &'static str)]) -> Result<Range, String> {
        let get = |name: &str| query.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
        Range::read(get, "6h", NOW)
    }

    #[test]
    fn a_quick_range_ends_now() {
        let range = read(&[("range", "90m"), ("from", "nonsense")]).unwrap();
        assert_eq!((range.from_ms, range.to_ms), (NOW - 90 * 60_000, NOW));
        assert_eq!(range.words().as_deref(), Some("Last 90 minutes"));
        assert_eq!(read(&[]).unwrap().pairs(), [("range", "6h".to_owned())]);
        assert_eq!(
            read(&[("from", "now-1d")]).unwrap().words().as_deref(),
            Some("Last day")
        );
    }

    #[test]
    fn times_are_taken_as_people_write_them() {
        let check = |from: &'static str, ms: i64| {
            assert_eq!(
                read(&[("from", from), ("to", "now")]).map(|range| range.from_ms),
                Ok(ms),
                "{from}"
            );
        };
        check("2026-11-28T07:00:00Z", NOW - HOUR_MS);
        check("2026-11-28T08:00:00+01:00", NOW - HOUR_MS);
        check("2026-11-28T08:00:00 01:00", NOW - HOUR_MS);
        check("2026-11-28 07:00", NOW - HOUR_MS);
        check("2026-11-28 07:00 UTC", NOW - HOUR_MS);
        check("2026-11-28 07:00:30", NOW - HOUR_MS + 30_000);
        check("2026-11-28T07:00:00.250Z", NOW - HOUR_MS + 250);
        check("2026-11-28", NOW - 8 * HOUR_MS);
        check("1795849200", NOW - HOUR_MS);
        check("1795849200000", NOW - HOUR_MS);
        check(" now-15m ", NOW - 15 * 60_000);
    }

    #[test]
    fn a_range_may_end_in_the_future() {
        for to in ["now+30m", "now 30m"] {
            let range = read(&[("from", "now-30m"), ("to", to)]).unwrap();
            assert_eq!(
                (range.from_ms, range.to_ms),
                (NOW - HOUR_MS / 2, NOW + HOUR_MS / 2)
            );
        }
        assert!(read(&[("to", "now+2000d")]).is_err());
    }

    #[test]
    fn a_pasted_range_is_both_of_its_ends() {
        for both in [
            "2026-11-28 06:00 to 2026-11-28 07:00",
            "2026-11-28T06:00:00Z/2026-11-28T07:00:00Z",
            "2026-11-28 06:00 - 2026-11-28 07:00",
        ] {
            let range = read(&[("from", both)]).unwrap();
            assert_eq!(
                (range.from_ms, range.to_ms),
                (NOW - 2 * HOUR_MS, NOW - HOUR_MS),
                "{both}"
            );
            assert_eq!(range.quick, None);
        }
    }

    #[test]
    fn what_is_no_range_is_refused_by_its_name() {
        let check = |query: &[(&str, &'static str)], begin: &str| {
            let refused = read(query).unwrap_err();
            assert!(refused.starts_with(begin), "{refused}");
        };
        check(&[("range", "6")], "range: '6'");
        check(&[("range", "0h")], "range: '0h'");
        check(&[("range", "é")], "range: 'é'");
        check(&[("range", "99999999999999999h")], "range: ");
        check(&[("from", "yesterday")], "from: 'yesterday'");
        check(&[("from", "2026-13-28")], "from: ");
        check(&[("from", "now"), ("to", "now-1h")], "from: must be earlier");
        check(&[("to", "9999999999")], "to: is more than a year ahead");
        check(&[("from", "0"), ("to", "now")], "from: is more than ten years");
    }

    #[test]
    fn what_a_range_says_of_itself_is_read_again_as_the_same() {
        for query in [
            &[("range", "7d")][..],
            &[("from", "2026-11-28 06:00"), ("to", "2026-11-28 07:00")],
        ] {
            let range = read(query).unwrap();
            let pairs = range.pairs();
            let again = Range::read(
                |name| {
                    pairs
                        .iter()
                        .find(|(n, _)| *n == name)
                        .map(|(_, value)| value.as_str())
                },
                "6h",
                NOW,
            );
            assert_eq!(again, Ok(range));
        }
    }

    #[test]
    fn a_range_moves_and_widens_around_what_it_shows() {
        let range = read(&[("from", "2026-11-28 05:00"), ("to", "2026-11-28 06:00")]).unwrap();
        assert_eq!(range.moved(-1).from_ms, range.from_ms - HOUR_MS / 2);
        let wider = range.wider(NOW);
        assert_eq!(
            (wider.from_ms, wider.to_ms),
            (range.from_ms - HOUR_MS / 2, range.to_ms + HOUR_MS / 2)
        );
        assert_eq!(read(&[("range", "1h")]).unwrap().wider(NOW).to_ms, NOW);
    }
}

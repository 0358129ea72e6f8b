//! Hours of the day in which a channel holds its alerts back, such as `22:00-07:00 +02:00`.

use std::fmt;

use thiserror::Error;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1440;
const DAY_MS: i64 = DAY_MINUTES * MINUTE_MS;
/// Furthest offset from UTC: there are places at +14:00.
const MAX_OFFSET_MINUTES: i64 = 14 * 60;

/// From one time of the day to another, over midnight if need be; the end is no longer quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Minutes after midnight, and so is `end`.
    start: i64,
    end: i64,
    /// Local time minus UTC.
    offset_minutes: i64,
}

/// Why a text is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No two times with a dash between them.
    #[error("quiet hours must look like 22:00-07:00 or 22:00-07:00 +02:00")]
    Form,
    /// A time that no clock shows.
    #[error("no time of the day: {0} (00:00 to 23:59)")]
    Time(String),
    /// Quiet for no time, or for ever.
    #[error("quiet hours must not begin and end at the same time")]
    Equal,
    /// An offset that no place has.
    #[error("no offset from UTC: {0} (such as +02:00; at most 14 hours)")]
    Offset(String),
}

impl QuietHours {
    /// Reads `22:00-07:00` (UTC) or `22:00-07:00 +02:00`.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let mut words = text.split_whitespace();
        let times = words.next().ok_or(Refusal::Form)?;
        let offset = words.next();
        if words.next().is_some() {
            return Err(Refusal::Form);
        }
        let (start, end) = times.split_once('-').ok_or(Refusal::Form)?;
        let (start, end) = (time(start)?, time(end)?);
        if start == end {
            return Err(Refusal::Equal);
        }
        let offset_minutes = match offset {
            None | Some("Z" | "z") => 0,
            Some(offset) => offset_minutes(offset).ok_or_else(|| Refusal::Offset(offset.to_owned()))?,
        };
        Ok(Self {
            start,
            end,
            offset_minutes,
        })
    }

    /// Whether it is quiet now. `now` in Unix milliseconds.
    pub fn is_quiet(&self, now: i64) -> bool {
        self.since_start(now) < self.length()
    }

    /// When the present quiet time ends; `now` if it is not quiet. Both in Unix milliseconds.
    pub fn ends_at(&self, now: i64) -> i64 {
        match self.is_quiet(now) {
            true => now.saturating_add(self.length() - self.since_start(now)),
            false => now,
        }
    }

    /// Milliseconds since quiet time last began, less than a day.
    fn since_start(&self, now: i64) -> i64 {
        let start = (self.start - self.offset_minutes) * MINUTE_MS;
        (now.rem_euclid(DAY_MS) - start).rem_euclid(DAY_MS)
    }

    fn length(&self) -> i64 {
        (self.end - self.start).rem_euclid(DAY_MINUTES) * MINUTE_MS
    }
}

/// The text that [`QuietHours::read`] takes, without an offset where it is UTC.
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{}", clock(self.start), clock(self.end))?;
        match self.offset_minutes {
            0 => Ok(()),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, " {sign}{}", clock(offset.abs()))
            }
        }
    }
}

fn time(text: &str) -> Result<i64, Refusal> {
    let (hours, minutes) = text.split_once(':').ok_or(Refusal::Form)?;
    match (two_digits(hours), two_digits(minutes)) {
        (Some(hours @ 0..24), Some(minutes @ 0..60)) => Ok(hours * 60 + minutes),
        _ => Err(Refusal::Time(text.to_owned())),
    }
}

fn offset_minutes(text: &str) -> Option<i64> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let minutes = two_digits(hours)? * 60 + two_digits(minutes).filter(|minutes| *minutes < 60)?;
    (minutes <= MAX_OFFSET_MINUTES).then_some(sign * minutes)
}

/// One or two digits, and no sign.
fn two_digits(text: &str) -> Option<i64> {
    let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-20T00:00:00Z.
    const MIDNIGHT: i64 = 1_795_132_800_000;

    fn at(clock: &str) -> i64 {
        MIDNIGHT + time(clock).unwrap() * MINUTE_MS
    }

    fn check(text: &str, quiet: &[&str], loud: &[&str]) {
        let hours = QuietHours::read(text).unwrap();
        for clock in quiet {
            assert!(hours.is_quiet(at(clock)), "{text} at {clock}");
        }
        for clock in loud {
            assert!(!hours.is_quiet(at(clock)), "{text} at {clock}");
        }
    }

    #[test]
    fn the_start_is_quiet_and_the_end_is_not() {
        check("09:00-17:30", &["09:00", "17:29"], &["08:59", "17:30", "23:00"]);
        check(
            "22:00-07:00",
            &["22:00", "23:59", "00:00", "06:59"],
            &["07:00", "21:59"],
        );
        check("22:00-00:00", &["23:59"], &["00:00"]);
    }

    #[test]
    fn an_offset_is_that_of_the_place() {
        check("22:00-07:00 +02:00", &["20:00", "04:59"], &["05:00", "19:59"]);
        check("22:00-07:00 -03:30", &["01:30", "10:29"], &["10:30", "01:29"]);
        check("23:00-23:30 +14:00", &["09:00"], &["23:00"]);
    }

    #[test]
    fn quiet_time_ends_on_the_next_day_if_it_must() {
        let hours = QuietHours::read("22:00-07:00").unwrap();
        assert_eq!(hours.ends_at(at("23:00")), at("07:00") + DAY_MS);
        assert_eq!(hours.ends_at(at("06:00")), at("07:00"));
        assert_eq!(hours.ends_at(at("12:00")), at("12:00"));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                QuietHours::read(text).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        };
        let form = "quiet hours must look like 22:00-07:00 or 22:00-07:00 +02:00";
        for text in [
            "",
            "22:00",
            "22-07",
            "at night",
            "22:00 - 07:00",
            "22:00-07:00 +02:00 x",
        ] {
            check(text, form);
        }
        check("24:00-07:00", "no time of the day: 24:00 (00:00 to 23:59)");
        check("22:00-07:60", "no time of the day: 07:60 (00:00 to 23:59)");
        check("22:00-+7:00", "no time of the day: +7:00 (00:00 to 23:59)");
        check(
            "07:00-7:00",
            "quiet hours must not begin and end at the same time",
        );
        for offset in ["02:00", "+15:00", "+2", "+02:60", "é", "CET"] {
            check(
                &format!("22:00-07:00 {offset}"),
                &format!("no offset from UTC: {offset} (such as +02:00; at most 14 hours)"),
            );
        }
    }

    #[test]
    fn the_text_comes_back_in_one_form() {
        let check = |text: &str, expected: &str| {
            assert_eq!(QuietHours::read(text).unwrap().to_string(), expected, "{text}");
        };
        check("22:00-07:00", "22:00-07:00");
        check(" 9:05-7:00  -3:30 ", "09:05-07:00 -03:30");
        check("22:00-07:00 +00:00", "22:00-07:00");
        check("22:00-07:00 Z", "22:00-07:00");
    }

    fn hours() -> impl Strategy<Value = QuietHours> {
        let times = (
            0..DAY_MINUTES,
            0..DAY_MINUTES,
            -MAX_OFFSET_MINUTES..=MAX_OFFSET_MINUTES,
        );
        times
            .prop_filter("refused", |(start, end, _)| start != end)
            .prop_map(|(start, end, offset_minutes)| QuietHours {
                start,
                end,
                offset_minutes,
            })
    }

    proptest! {
        #[test]
        fn quiet_time_ends_within_a_day_and_not_in_quiet(hours in hours(), now in -DAY_MS..MIDNIGHT * 2) {
            let end = hours.ends_at(now);
            prop_assert!(!hours.is_quiet(end));
            prop_assert!((now..now + DAY_MS).contains(&end));
            prop_assert!(end == now || hours.is_quiet(end - 1));
        }

        #[test]
        fn what_is_shown_is_read_back(hours in hours()) {
            prop_assert_eq!(QuietHours::read(&hours.to_string()), Ok(hours));
        }

        #[test]
        fn any_text_and_any_time_are_taken(text in ".*", hours in hours(), now: i64) {
            let _ = QuietHours::read(&text);
            let _ = QuietHours::read(&format!("22:00-07:00 {text}"));
            prop_assert!(hours.ends_at(now) >= now);
        }
    }
}

//! Values with their unit, as cards, tables and axes show them. `chart/measure.js` does the same in the browser;
//! a test of the journeys compares the two.

use serde::Serialize;

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things, or nothing known.
    #[default]
    Plain,
    /// Things per second; few are shown by the minute, hour or day.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// A part of one: 0.25 is shown as 25 %.
    Ratio,
}

impl Unit {
    /// The value for people: three digits that count, and the unit in the size that suits it.
    pub fn show(self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => "–".to_owned(),
            Unit::Plain => scaled(value, &THOUSANDS, ""),
            Unit::PerSecond => rate(value),
            Unit::Seconds => duration(value),
            Unit::Milliseconds => duration(value / 1000.0),
            Unit::Bytes => scaled(value, &BYTES, ""),
            Unit::BytesPerSecond => scaled(value, &BYTES, "/s"),
            Unit::Ratio => format!("{} %", digits(value * 100.0)),
        }
    }

    /// The unit that a metric's name ends with, as Prometheus has names: `_seconds`, `_ms`, `_bytes`, `_ratio`.
    pub fn of_name(name: &str) -> Unit {
        let base = name.trim_end_matches("_total");
        let ends = |ending: &[&str]| ending.iter().any(|it| base.ends_with(it));
        match () {
            () if ends(&["_seconds", "_duration_s"]) => Unit::Seconds,
            () if ends(&["_ms", "_milliseconds", "_millis", "page_load_time"]) => Unit::Milliseconds,
            () if ends(&["_bytes"]) => Unit::Bytes,
            () if ends(&["_ratio"]) => Unit::Ratio,
            () if base.starts_with("web_vitals_") && base != "web_vitals_cls" => Unit::Milliseconds,
            () => Unit::Plain,
        }
    }

    /// The unit of how fast something with this one grows.
    pub fn rate(self) -> Unit {
        match self {
            Unit::Bytes => Unit::BytesPerSecond,
            // Seconds per second are a part of the time.
            Unit::Seconds => Unit::Ratio,
            Unit::Plain | Unit::Milliseconds => Unit::PerSecond,
            other => other,
        }
    }
}

const THOUSANDS: [(f64, &str); 7] = [
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
];
const BYTES: [(f64, &str); 7] = [
    (1e18, " EB"),
    (1e15, " PB"),
    (1e12, " TB"),
    (1e9, " GB"),
    (1e6, " MB"),
    (1e3, " kB"),
    (1.0, " B"),
];
/// Seconds in each, shortest first, and how many at least are told by it: most rates of a chart are by one time then.
const RATES: [(f64, f64, &str); 4] = [
    (1.0, 0.01, "/s"),
    (60.0, 0.1, "/min"),
    (3600.0, 0.1, "/h"),
    (86_400.0, 0.0, "/d"),
];
/// Seconds in each, largest first.
const DURATIONS: [(f64, &str); 6] = [
    (86_400.0, " d"),
    (3600.0, " h"),
    (60.0, " min"),
    (1.0, " s"),
    (1e-3, " ms"),
    (1e-6, " µs"),
];

fn scaled(value: f64, units: &[(f64, &str)], ending: &str) -> String {
    let smallest = units.last().map_or((1.0, ""), |unit| *unit);
    // What rounds to a thousand of one is one of the next.
    let (size, name) = *units
        .iter()
        .find(|(size, _)| value.abs() >= size * 0.9995)
        .unwrap_or(&smallest);
    format!("{}{name}{ending}", digits(value / size))
}

/// What happens seldom is told by a time in which it happens.
fn rate(per_second: f64) -> String {
    if per_second == 0.0 {
        return "0/s".to_owned();
    }
    let is_readable = |(times, least, _): &&(f64, f64, &str)| per_second.abs() * times >= *least;
    let (times, _, ending) = RATES.iter().find(is_readable).unwrap_or(&RATES[RATES.len() - 1]);
    scaled(per_second * times, &THOUSANDS, ending)
}

fn duration(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0 s".to_owned();
    }
    scaled(seconds, &DURATIONS, "")
}

/// Three digits that count, fewer where the rest are noughts; whole from 100 on; `1.2e-7` below a millionth.
fn digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if size >= 1e6 {
        return format!("{value:.2e}");
    }
    if size < 1e-6 {
        return format!("{value:.1e}");
    }
    // Where rounding adds a digit, as of 9.996, one place fewer is right.
    let n_places = (2 - (size * (1.0 + 5e-4)).log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{value:.n_places$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_have_their_unit() {
        let check = |unit: Unit, value: f64, text: &str| assert_eq!(unit.show(value), text, "{value}");
        check(Unit::Plain, 0.0, "0");
        check(Unit::Plain, 1234.0, "1.23k");
        check(Unit::Plain, 999.9, "1k");
        check(Unit::Plain, -0.0512, "-0.0512");
        check(Unit::Plain, 9.996, "10");
        check(Unit::Plain, 1e-9, "1.0e-9");
        check(Unit::Plain, 1e15, "1P");
        check(Unit::Plain, 1e25, "1.00e7E");
        check(Unit::PerSecond, 12.345, "12.3/s");
        check(Unit::PerSecond, 0.0556, "0.0556/s");
        check(Unit::PerSecond, 0.002, "0.12/min");
        check(Unit::PerSecond, 0.000_463, "1.67/h");
        check(Unit::PerSecond, 2e-6, "0.173/d");
        check(Unit::PerSecond, 0.0, "0/s");
        check(Unit::Seconds, 0.0, "0 s");
        check(Unit::Seconds, 0.0123, "12.3 ms");
        check(Unit::Seconds, 0.99999, "1 s");
        check(Unit::Seconds, 90.0, "1.5 min");
        check(Unit::Milliseconds, 2500.0, "2.5 s");
        check(Unit::Milliseconds, 0.25, "250 µs");
        check(Unit::Bytes, 1_560_000.0, "1.56 MB");
        check(Unit::Bytes, 2.5e15, "2.5 PB");
        check(Unit::Ratio, 0.012_34, "1.23 %");
        check(Unit::Ratio, 1.0, "100 %");
        check(Unit::Plain, f64::NAN, "–");
    }

    #[test]
    fn the_name_of_a_metric_says_its_unit() {
        let check = |name: &str, unit: Unit| assert_eq!(Unit::of_name(name), unit, "{name}");
        check("http_request_duration_seconds", Unit::Seconds);
        check("process_cpu_seconds_total", Unit::Seconds);
        check("browser_http_request_duration_ms", Unit::Milliseconds);
        check("web_vitals_lcp", Unit::Milliseconds);
        check("web_vitals_cls", Unit::Plain);
        check("go_memstats_alloc_bytes", Unit::Bytes);
        check("http_requests_total", Unit::Plain);
    }
}

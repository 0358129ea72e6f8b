//! The text that exporters answer a scrape with: Prometheus' format 0.0.4 and OpenMetrics 1.0. What is no sample is
//! left out and counted; nothing here fails. What becomes of the samples is `scraped.rs`'s matter.

use std::borrow::Cow;
use std::collections::HashMap;

/// Samples read of one answer; more are counted, not read.
pub const MAX_SAMPLES: usize = 50_000;
/// Longest name, in bytes; the same as of metrics that are sent in.
const MAX_NAME_BYTES: usize = 200;
/// Labels read of one sample; what comes after is left out.
const MAX_LABELS: usize = 32;

/// What a sample is within its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// A running total.
    Total,
    /// A state at a time; also what has no type.
    State,
    /// Of a histogram: how many observations so far were at most this.
    Bucket(f64),
}

/// One sample, borrowed from the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed<'a> {
    /// Its name, of a bucket the family's.
    pub name: Cow<'a, str>,
    /// What it is.
    pub part: Part,
    /// Its labels as they stand, of a bucket without `le`.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Its value; finite.
    pub value: f64,
    /// When, Unix milliseconds, if the exporter says it.
    pub at_ms: Option<i64>,
}

/// What an answer holds.
#[derive(Debug, Default, PartialEq)]
pub struct Exposition<'a> {
    /// In the order of the text.
    pub samples: Vec<Exposed<'a>>,
    /// Lines that are no sample, or one without a finite value, or beyond [`MAX_SAMPLES`].
    pub n_left_out: usize,
}

/// The type of a family, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Counter,
    Histogram,
    Summary,
    State,
}

/// Reads an answer. `is_openmetrics` by its content type: there times are in seconds, here in milliseconds.
pub fn parse(text: &str, is_openmetrics: bool) -> Exposition<'_> {
    let mut exposition = Exposition::default();
    let mut families = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix('#') {
            if comment.trim() == "EOF" {
                break;
            }
            if let Some((name, family)) = typed(comment) {
                families.insert(name, family);
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        match sample(line, is_openmetrics) {
            Some(sample) if exposition.samples.len() < MAX_SAMPLES => {
                exposition.samples.extend(placed(sample, &families));
            }
            _ => exposition.n_left_out += 1,
        }
    }
    exposition
}

/// `# TYPE name type`.
fn typed(comment: &str) -> Option<(&str, Family)> {
    let mut words = comment.split_ascii_whitespace();
    if words.next()? != "TYPE" {
        return None;
    }
    let name = words.next()?.trim_matches('"');
    let family = match words.next()? {
        "counter" => Family::Counter,
        "histogram" => Family::Histogram,
        "summary" => Family::Summary,
        _ => Family::State,
    };
    Some((name, family))
}

/// The sample in the place that its family gives it; `None` for what says only when the family was made.
fn placed<'a>(mut sample: Exposed<'a>, families: &HashMap<&str, Family>) -> Option<Exposed<'a>> {
    let of = |name: &str| families.get(name).copied();
    let is_of = |ending: &str, family: Family| {
        let base = sample.name.strip_suffix(ending);
        base.is_some_and(|base| of(base) == Some(family))
    };
    let is_total = of(&sample.name) == Some(Family::Counter)
        || is_of("_total", Family::Counter)
        || [Family::Histogram, Family::Summary]
            .iter()
            .any(|family| is_of("_sum", *family) || is_of("_count", *family))
        || (of(&sample.name).is_none() && sample.name.ends_with("_total"));
    let is_made_at = [Family::Counter, Family::Histogram, Family::Summary]
        .iter()
        .any(|family| is_of("_created", *family));
    if is_made_at {
        return None;
    }
    if is_of("_bucket", Family::Histogram) {
        let place = sample.labels.iter().position(|(key, _)| key == "le")?;
        let bound: f64 = sample.labels.remove(place).1.trim().parse().ok()?;
        sample.part = Part::Bucket(bound);
        let base = sample.name.len() - "_bucket".len();
        sample.name = match sample.name {
            Cow::Borrowed(name) => Cow::Borrowed(&name[..base]),
            Cow::Owned(name) => Cow::Owned(name[..base].to_owned()),
        };
    } else if is_total {
        sample.part = Part::Total;
    }
    Some(sample)
}

/// `name{label="value",…} value [time] [# exemplar]`, or with the name as a quoted text among the labels.
fn sample(line: &str, is_openmetrics: bool) -> Option<Exposed<'_>> {
    let end = line.find(|c: char| c == '{' || c.is_ascii_whitespace())?;
    let (name, mut rest) = line.split_at(end);
    let mut name = Cow::Borrowed(name);
    let mut labels = Vec::new();
    rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        let (quoted, read, behind) = label_set(inside)?;
        labels = read;
        rest = behind;
        if let Some(quoted) = quoted {
            name = quoted;
        }
    }
    let is_name = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
    let mut words = rest.split('#').next()?.split_ascii_whitespace();
    let value: f64 = words.next()?.parse().ok()?;
    let at_ms = match words.next() {
        None => None,
        Some(at) if is_openmetrics => Some((at.parse::<f64>().ok()? * 1000.0).round() as i64),
        Some(at) => Some(at.parse().ok()?),
    };
    let is_whole = words.next().is_none();
    (is_name && is_whole && value.is_finite()).then_some(Exposed {
        name,
        part: Part::State,
        labels,
        value,
        at_ms,
    })
}

type LabelSet<'a> = (Option<Cow<'a, str>>, Vec<(Cow<'a, str>, Cow<'a, str>)>, &'a str);

/// What stands in braces, up to the closing one: a name of its own, if there is one, the labels, and what follows.
fn label_set(mut rest: &str) -> Option<LabelSet<'_>> {
    let (mut name, mut labels) = (None, Vec::new());
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((name, labels, behind));
        }
        let (key, behind) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            let end = rest.find(['=', '}'])?;
            (Cow::Borrowed(rest[..end].trim()), &rest[end..])
        };
        let behind = behind.trim_start();
        let Some(value) = behind.strip_prefix('=') else {
            // A quoted text without a value is the metric's name.
            name = Some(key);
            rest = behind;
            continue;
        };
        let (value, behind) = quoted(value.trim_start())?;
        if labels.len() < MAX_LABELS {
            labels.push((key, value));
        }
        rest = behind;
    }
}

/// A text in quotes, with `\\`, `\"` and `\n` read, and what follows it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inside.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    let (raw, behind) = (&inside[..end], &inside[end + 1..]);
    if !raw.contains('\\') {
        return Some((Cow::Borrowed(raw), behind));
    }
    let mut plain = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        plain.push(match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some(escaped) => escaped,
                None => '\\',
            },
            (c, false) => c,
        });
    }
    Some((Cow::Owned(plain), behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Exposed<'_> {
        let mut samples = parse(text, false).samples;
        assert_eq!(samples.len(), 1, "{text}");
        samples.remove(0)
    }

    fn labels<'a>(sample: &'a Exposed<'_>) -> Vec<(&'a str, &'a str)> {
        sample
            .labels
            .iter()
            .map(|(key, value)| (&**key, &**value))
            .collect()
    }

    #[test]
    fn a_sample_is_name_labels_value_and_time() {
        let sample =
            one(r#"http_requests_total{method="post",path="C:\\DIR\n\"x\"",} 1.027e3 1395066363000"#);
        assert_eq!(sample.name, "http_requests_total");
        assert_eq!(labels(&sample), [("method", "post"), ("path", "C:\\DIR\n\"x\"")]);
        assert_eq!((sample.value, sample.at_ms), (1027.0, Some(1_395_066_363_000)));
        assert_eq!(one("up 1").value, 1.0);
        assert_eq!(one("a { b = \"}\" } -2").labels[0].1, "}");
        assert_eq!(one(r#"{"my.metric","a b"="c"} 3"#).name, "my.metric");
    }

    #[test]
    fn the_type_says_what_a_sample_is() {
        let check = |text: &str, name: &str, part: Part| {
            let sample = one(text);
            assert_eq!((&*sample.name, sample.part), (name, part), "{text}");
        };
        check("# TYPE a counter\na 1", "a", Part::Total);
        check("# TYPE a counter\na_total 1", "a_total", Part::Total);
        check("# TYPE a gauge\na_total 1", "a_total", Part::Total);
        check("a_total 1", "a_total", Part::Total);
        check("a_sum 1", "a_sum", Part::State);
        check("# TYPE a summary\na_sum 1", "a_sum", Part::Total);
        check("# TYPE a summary\na{quantile=\"0.5\"} 1", "a", Part::State);
        check(
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1",
            "a",
            Part::Bucket(f64::INFINITY),
        );
        check("# TYPE a histogram\na_count 1", "a_count", Part::Total);
        check("# TYPE a info\na_info{v=\"1\"} 1", "a_info", Part::State);
        assert_eq!(
            parse("# TYPE a counter\na_created 1.7e9", true),
            Exposition::default()
        );
    }

    #[test]
    fn openmetrics_has_seconds_exemplars_and_an_end() {
        let text = "# TYPE a histogram\na_bucket{le=\"1.0\"} 5 1.5 # {trace_id=\"x\"} 0.7 1.4\n# EOF\nb 1";
        let exposition = parse(text, true);
        assert_eq!(exposition.samples.len(), 1);
        assert_eq!(exposition.samples[0].at_ms, Some(1500));
    }

    #[test]
    fn what_is_no_sample_is_left_out_and_counted() {
        for line in [
            "a",
            "a{",
            "a{b} 1 x",
            "a{b=\"c} 1",
            "a NaN",
            "a +Inf",
            "a 1 2 3",
            "{} 1",
            "a{b=c} 1",
            "<html>",
        ] {
            let text = format!("before 1\n{line}\nbehind 1\n");
            let exposition = parse(&text, false);
            assert_eq!(
                (exposition.samples.len(), exposition.n_left_out),
                (2, 1),
                "{line}"
            );
        }
    }

    #[test]
    fn real_exporters_are_read_whole() {
        let check = |text: &str, n_totals: usize, n_buckets: usize, n_states: usize| {
            let exposition = parse(text, text.ends_with("# EOF\n"));
            let count = |is: fn(&Part) -> bool| exposition.samples.iter().filter(|it| is(&it.part)).count();
            let found = (
                count(|part| *part == Part::Total),
                count(|part| matches!(part, Part::Bucket(_))),
                count(|part| *part == Part::State),
            );
            assert_eq!(found, (n_totals, n_buckets, n_states));
            assert_eq!(exposition.n_left_out, 0);
        };
        check(include_str!("../../tests/fixtures/node_exporter.txt"), 20, 0, 13);
        check(include_str!("../../tests/fixtures/prometheus.txt"), 7, 23, 7);
        check(include_str!("../../tests/fixtures/monlight.txt"), 17, 39, 10);
    }

    proptest! {
        #[test]
        fn noise_does_no_harm(text in "(a|b_total|\\{|\\}|\"|\\\\|=|,|#|\n| |1|\\.|é|TYPE|EOF){0,60}") {
            parse(&text, false);
            parse(&text, true);
        }

        #[test]
        fn any_label_value_comes_back(value in ".{0,40}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assume!(!value.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}']));
            let text = format!("a{{b=\"{escaped}\"}} 1");
            let exposition = parse(&text, false);
            prop_assert_eq!(&*exposition.samples[0].labels[0].1, value.as_str());
        }
    }
}

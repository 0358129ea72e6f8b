//! From the text of a request to a batch: which series each metric belongs to, when it was, and what is left out.

use std::sync::{PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::batch::{Batch, Sample, Visit};
use crate::domain::json_scanner::{self, RawText};
use crate::domain::kind::Kind;
use crate::domain::labels::{Labels, clean_text};
use crate::domain::raw_labels::ReadLabels;
use crate::domain::sample::{self, BadBatch, MAX_ITEMS, RawSample, Stamp};
use crate::domain::series::Series;
use crate::domain::timestamp::{self, HOUR_MS};
use crate::registry::{Registry, form_hash};

/// Longest project and page, in bytes; the rest is cut off.
const MAX_PROJECT_BYTES: usize = 100;
const MAX_PAGE_BYTES: usize = 256;
const MAX_NAME_BYTES: usize = 200;

/// Why a metric is left out while the rest is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Older than raw samples are kept.
    TooOld,
    /// More than an hour ahead.
    TooNew,
    /// No time.
    Timestamp,
    /// No object.
    Labels,
}

impl Refusal {
    /// All, in the order of [`Tally::refused`].
    pub const ALL: [Refusal; 4] = [Self::TooOld, Self::TooNew, Self::Timestamp, Self::Labels];

    /// What the sender is told.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooOld => "timestamp is older than raw samples are kept (RETENTION_RAW)",
            Self::TooNew => "timestamp is more than an hour ahead",
            Self::Timestamp => "timestamp is no time",
            Self::Labels => "labels are no object",
        }
    }
}

/// What became of the metrics of a request, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Kept.
    pub n_taken: u64,
    /// Left out, by [`Refusal::ALL`].
    pub refused: [u64; 4],
    /// Kept with a label that says `__other__` for what it was.
    pub n_folded: u64,
}

/// Which times are taken, in Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// For metrics that do not say.
    pub now_ms: i64,
    /// The oldest.
    pub oldest_ms: i64,
}

impl Span {
    /// The newest: an hour ahead.
    fn newest_ms(&self) -> i64 {
        self.now_ms + HOUR_MS
    }

    /// Whether a sample of this time is kept.
    pub fn check(&self, at_ms: i64) -> Result<i64, Refusal> {
        match at_ms {
            _ if at_ms < self.oldest_ms => Err(Refusal::TooOld),
            _ if at_ms > self.newest_ms() => Err(Refusal::TooNew),
            _ => Ok(at_ms),
        }
    }
}

/// Reads a request. New series are put into the registry; the rest is only looked up.
pub fn read(text: &str, span: Span, registry: &RwLock<Registry>) -> Result<(Batch, Tally), BadBatch> {
    let mut reading = Reading::new(span, text.len());
    let is_right = {
        let known = registry.read().unwrap_or_else(PoisonError::into_inner);
        sample::scan_known(text, |raw| reading.take(raw, &known)).is_ok() && reading.labels_are_whole()
    };
    // Known forms were looked at when they were unseen: only here it is not sure where labels end, or what is wrong.
    if !is_right {
        reading = Reading::new(span, text.len());
        let known = registry.read().unwrap_or_else(PoisonError::into_inner);
        sample::scan(text, |raw| reading.take(raw, &known))?;
    }
    if !reading.unseen.is_empty() {
        let mut registry = registry.write().unwrap_or_else(PoisonError::into_inner);
        reading.file_unseen(&mut registry);
    }
    reading.tally.n_taken = reading.batch.samples.len() as u64;
    Ok((reading.batch, reading.tally))
}

/// A sample from inside: of a scrape, for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Name of the metric.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whose it is.
    pub project: Option<String>,
    /// Its labels, in any order.
    pub labels: Vec<(String, String)>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// What; one that is no finite number is left out.
    pub value: f64,
    /// How often it was observed; 1 but for histograms.
    pub n: usize,
}

/// The same for samples from inside.
pub fn file(observations: Vec<Observation>, span: Span, registry: &RwLock<Registry>) -> (Batch, Tally) {
    let mut registry = registry.write().unwrap_or_else(PoisonError::into_inner);
    let (mut batch, mut tally) = (Batch::default(), Tally::default());
    for observation in observations.into_iter().filter(|it| it.value.is_finite()) {
        let at_ms = match span.check(observation.at_ms) {
            Ok(at_ms) => at_ms,
            Err(refusal) => {
                tally.refused[refusal as usize] += 1;
                continue;
            }
        };
        let (series, is_folded) = registry.id_of(Series {
            name: clean_text(&observation.name, MAX_NAME_BYTES).into(),
            kind: observation.kind,
            project: observation
                .project
                .map(|project| clean_text(&project, MAX_PROJECT_BYTES).into()),
            labels: Labels::new(observation.labels),
        });
        tally.n_folded += u64::from(is_folded);
        let sample = Sample {
            series,
            at_ms,
            value: observation.value,
        };
        batch.samples.extend(std::iter::repeat_n(sample, observation.n));
    }
    tally.n_taken = batch.samples.len() as u64;
    (batch, tally)
}

struct Reading<'a> {
    span: Span,
    batch: Batch,
    tally: Tally,
    /// Metrics in a form that was not seen before, with their time and the hash of the form.
    unseen: Vec<(RawSample<'a>, i64, u128)>,
    key: Vec<u8>,
    /// The text of the time before, and what it was: most metrics of a request are of one time.
    time_before: (&'a str, i64),
    /// The same for times that are numbers.
    number_before: (f64, i64),
    /// Among those that are refused.
    has_broken_labels: bool,
}

/// Metrics are about so long, for room to be made once.
const USUAL_BYTES: usize = 96;

impl<'a> Reading<'a> {
    fn new(span: Span, n_bytes: usize) -> Self {
        Self {
            span,
            batch: Batch {
                samples: Vec::with_capacity((n_bytes / USUAL_BYTES).min(MAX_ITEMS) + 1),
                visits: Vec::new(),
            },
            tally: Tally::default(),
            unseen: Vec::new(),
            key: Vec::with_capacity(256),
            time_before: ("", span.now_ms),
            number_before: (f64::NAN, span.now_ms),
            has_broken_labels: false,
        }
    }

    #[inline]
    fn take(&mut self, raw: RawSample<'a>, known: &Registry) {
        let at_ms = match self.time(raw.stamp) {
            Ok(at_ms) => at_ms,
            Err(refusal) => {
                // Its form is not looked up, so that nobody else sees where its labels end.
                self.has_broken_labels |= raw.labels.is_some_and(|labels| !json_scanner::is_whole(labels));
                return self.refuse(refusal);
            }
        };
        let project = raw.project.map(|project| project.raw);
        let form = form_hash(&mut self.key, raw.name.raw, raw.kind, project, raw.labels);
        match known.known(form) {
            Some(series) => self.batch.samples.push(Sample {
                series,
                at_ms,
                value: raw.value,
            }),
            None => self.unseen.push((raw, at_ms, form)),
        }
    }

    /// Whether the labels of all forms that are not known are JSON values and nothing behind them.
    fn labels_are_whole(&self) -> bool {
        let mut labels = self.unseen.iter().filter_map(|(raw, ..)| raw.labels);
        !self.has_broken_labels && labels.all(json_scanner::is_whole)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.tally.refused[refusal as usize] += 1;
    }

    #[inline]
    fn time(&mut self, stamp: Stamp<'a>) -> Result<i64, Refusal> {
        match stamp {
            Stamp::Now => Ok(self.span.now_ms),
            Stamp::Text(text) if text.raw == self.time_before.0 => Ok(self.time_before.1),
            Stamp::Text(text) => {
                let at_ms = timestamp::parse(text.raw).ok_or(Refusal::Timestamp)?;
                let at_ms = self.span.check(at_ms)?;
                self.time_before = (text.raw, at_ms);
                Ok(at_ms)
            }
            Stamp::Number(number) if number == self.number_before.0 => Ok(self.number_before.1),
            Stamp::Number(number) => {
                let at_ms = timestamp::of_number(number).ok_or(Refusal::Timestamp)?;
                let at_ms = self.span.check(at_ms)?;
                self.number_before = (number, at_ms);
                Ok(at_ms)
            }
        }
    }

    /// Samples of unseen forms come behind the others: nothing depends on the order within one request, but for equal
    /// times of one series, where the later of a request is the latest.
    fn file_unseen(&mut self, registry: &mut Registry) {
        for (raw, at_ms, form) in std::mem::take(&mut self.unseen) {
            // The same form may have come twice, or from another request meanwhile.
            if let Some(series) = registry.known(form) {
                self.batch.samples.push(Sample {
                    series,
                    at_ms,
                    value: raw.value,
                });
                continue;
            }
            let Some(labels) = ReadLabels::read(raw.labels.unwrap_or("{}")) else {
                self.refuse(Refusal::Labels);
                continue;
            };
            let project = raw
                .project
                .and_then(RawText::read)
                .or_else(|| labels.project.clone());
            let project = project.map(|project| clean_text(&project, MAX_PROJECT_BYTES));
            if let Some(session) = &labels.session {
                self.batch.visits.push(Visit {
                    hour: at_ms.div_euclid(HOUR_MS),
                    project: project.as_deref().map(Into::into),
                    page: clean_text(labels.page(), MAX_PAGE_BYTES).into(),
                    session: xxh3_64(session.as_bytes()),
                });
            }
            let series = Series {
                name: clean_text(&raw.name.read().unwrap_or(raw.name.raw.into()), MAX_NAME_BYTES).into(),
                kind: raw.kind,
                project: project.map(Into::into),
                labels: labels.labels(),
            };
            let (series, is_folded) = registry.id_of(series);
            self.tally.n_folded += u64::from(is_folded);
            // A form with a session comes from one visitor, one that is folded from who knows how many: not worth
            // the memory.
            if labels.session.is_none() && !is_folded {
                registry.remember(form, series);
            }
            self.batch.samples.push(Sample {
                series,
                at_ms,
                value: raw.value,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Limits;

    const NOW: i64 = 1_795_168_800_000;
    const SPAN: Span = Span {
        now_ms: NOW,
        oldest_ms: NOW - HOUR_MS,
    };

    fn registry() -> RwLock<Registry> {
        RwLock::new(Registry::new(Limits {
            series: 100,
            label_values: 10,
        }))
    }

    #[test]
    fn a_series_is_the_same_in_whatever_form_it_is_sent() {
        let registry = registry();
        let text = r#"[{"name":"m","type":"gauge","value":1,"labels":{"a":"1","b":"2"},"project":"p"},
            {"project":"p","labels":{"b":"2","a":1},"value":2,"type":"gauge","name":"m"},
            {"name":"m","type":"gauge","value":3,"labels":{"a":"1","project":"p","b":"2"}}]"#;
        for _ in 0..2 {
            let (batch, tally) = read(text, SPAN, &registry).unwrap();
            let found: Vec<_> = batch
                .samples
                .iter()
                .map(|sample| (sample.series, sample.value))
                .collect();
            assert_eq!(found, [(0, 1.), (0, 2.), (0, 3.)]);
            assert_eq!((tally.n_taken, tally.refused), (3, [0; 4]));
        }
    }

    #[test]
    fn braces_in_labels_and_labels_in_labels_end_where_they_end() {
        let registry = registry();
        let item = |labels: &str| format!(r#"{{"name":"m","type":"gauge","value":1,"labels":{labels}}}"#);
        let odd = [
            r#"{"a":"/users/{id}"}"#,
            r#"{"a":"x\"}","b":"y"}"#,
            r#"{"a":{"b":"c"},"d":"}"}"#,
            r#"{"a":1}"#,
            "{}",
        ];
        for _ in 0..2 {
            for labels in odd {
                let (batch, _) =
                    read(&format!("[{},{}]", item(labels), item("{}")), SPAN, &registry).unwrap();
                assert_eq!(batch.samples.len(), 2, "{labels}");
            }
        }
        let seen = registry.read().unwrap();
        let texts: Vec<String> = seen.all().map(|(_, series)| series.labels.text()).collect();
        assert_eq!(texts[0], r#"{a="/users/{id}"}"#);
        assert_eq!(texts.len(), 5, "{texts:?}");
        drop(seen);
        // Found by fuzzing: one that is refused for its time is as broken.
        let late = item(r#"{"a"A"b"}"#).replace("}}", r#"},"timestamp":5}"#);
        assert_eq!(
            read(&format!("[{late}]"), SPAN, &registry).err(),
            Some(BadBatch::Json)
        );
        for broken in [
            r#"{"a":"b"}}"#,
            r#"{"a" "b"}"#,
            r#"{"a":"b"},"#,
            r#"{"a":{"b":"c"}"#,
        ] {
            assert_eq!(
                read(&format!("[{}]", item(broken)), SPAN, &registry).err(),
                Some(BadBatch::Json),
                "{broken}"
            );
        }
    }

    #[test]
    fn absurd_times_are_left_out_with_a_reason_and_the_rest_is_kept() {
        let of = |stamp: String| format!(r#"{{"name":"m","type":"counter","value":1,"timestamp":{stamp}}}"#);
        let stamps = [NOW + HOUR_MS, NOW + HOUR_MS + 1, NOW - HOUR_MS, NOW - HOUR_MS - 1];
        let items = stamps.map(|at| of(at.to_string())).join(",");
        let text = format!("[{items},{},{}]", of("\"soon\"".into()), of("null".into()));
        let (batch, tally) = read(&text, SPAN, &registry()).unwrap();
        assert_eq!((tally.n_taken, tally.refused), (3, [1, 1, 1, 0]));
        let times: Vec<i64> = batch.samples.iter().map(|sample| sample.at_ms).collect();
        assert_eq!(times, [NOW + HOUR_MS, NOW - HOUR_MS, NOW]);
    }

    #[test]
    fn a_session_is_a_visit_and_no_series() {
        let registry = registry();
        let item = |session| {
            format!(
                r#"{{"name":"lcp","type":"histogram","value":1,"labels":{{"page":"/p","session_id":"{session}","project":"shop"}}}}"#
            )
        };
        let (batch, _) = read(
            &format!("[{},{},{}]", item("a"), item("b"), item("a")),
            SPAN,
            &registry,
        )
        .unwrap();
        assert!(batch.samples.iter().all(|sample| sample.series == 0));
        assert_eq!((batch.visits.len(), &batch.visits[0]), (3, &batch.visits[2]));
        assert_eq!(
            (&*batch.visits[0].page, batch.visits[0].project.as_deref()),
            ("/p", Some("shop"))
        );
        let registry = registry.into_inner().unwrap();
        assert_eq!(registry.get(0).unwrap().labels.text(), r#"{page="/p"}"#);
    }

    #[test]
    fn labels_that_are_no_object_are_left_out() {
        let text = r#"[{"name":"m","type":"gauge","value":1,"labels":[1]},{"name":"m","type":"gauge","value":1,"labels":null}]"#;
        let (_, tally) = read(text, SPAN, &registry()).unwrap();
        assert_eq!((tally.n_taken, tally.refused), (1, [0, 0, 0, 1]));
    }
}

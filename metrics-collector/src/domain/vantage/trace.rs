//! Traces, made of rows that say to which part of which request they belong. Vantage has spans of their own, which its
//! collector refuses; what gets there are the ids in the headers of a batch, and those of single metrics here.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::rows::Row;

/// Traces looked at for one answer.
const MAX_TRACES: usize = 10_000;
/// Spans of one trace.
const MAX_SPANS: usize = 2_000;
/// A status from here on has failed.
const FAILED: u16 = 500;
/// How Vantage's spans say that there is nothing above them.
const ROOT: &str = "root";

/// One request through all services.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Its id.
    pub trace_id: String,
    /// Where it began.
    pub service_name: String,
    /// Unix milliseconds.
    pub start_time: i64,
    /// See `start_time`.
    pub end_time: i64,
    /// From the start of its first span to the end of its last.
    pub duration_ms: f64,
    /// ok or error.
    pub status: &'static str,
    /// The first thing that went wrong.
    pub error: Option<String>,
    /// How many parts of it are known.
    pub span_count: usize,
}

/// What a trace must be to be told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Where it began.
    pub service: Option<String>,
    /// In ms.
    pub min_duration: Option<f64>,
    /// In ms.
    pub max_duration: Option<f64>,
    /// Whether it failed.
    pub has_failed: Option<bool>,
}

impl Filter {
    fn matches(&self, trace: &Trace) -> bool {
        self.service
            .as_ref()
            .is_none_or(|service| *service == trace.service_name)
            && self.min_duration.is_none_or(|ms| trace.duration_ms >= ms)
            && self.max_duration.is_none_or(|ms| trace.duration_ms <= ms)
            && self
                .has_failed
                .is_none_or(|failed| failed == (trace.status == "error"))
    }
}

/// When a row's part began and ended: it is told at its end.
fn times(row: &Row<'_>) -> (f64, f64) {
    let end = row.at_ms as f64;
    (end - row.duration_ms.unwrap_or(0.), end)
}

fn has_failed(row: &Row<'_>) -> bool {
    row.error.is_some() || row.status.is_some_and(|status| status >= FAILED)
}

fn status(has_failed: bool) -> &'static str {
    match has_failed {
        true => "error",
        false => "ok",
    }
}

struct Summary {
    service: String,
    start: f64,
    end: f64,
    has_failed: bool,
    error: Option<String>,
    /// Hashes of their ids.
    spans: HashSet<u64>,
}

/// Traces while rows are read.
#[derive(Default)]
pub struct Summaries {
    traces: HashMap<String, Summary>,
}

impl Summaries {
    /// Adds a row. False once there are enough traces, and this is of another.
    pub fn add(&mut self, row: &Row<'_>) -> bool {
        let (Some(trace_id), Some(span_id)) = (row.trace_id, row.span_id) else {
            return true;
        };
        let (start, end) = times(row);
        let is_full = self.traces.len() >= MAX_TRACES;
        let summary = match self.traces.get_mut(trace_id) {
            Some(summary) => summary,
            None if is_full => return false,
            None => self.traces.entry(trace_id.to_owned()).or_insert_with(|| Summary {
                service: row.service.to_owned(),
                start,
                end,
                has_failed: false,
                error: None,
                spans: HashSet::new(),
            }),
        };
        if start < summary.start {
            row.service.clone_into(&mut summary.service);
            summary.start = start;
        }
        summary.end = summary.end.max(end);
        summary.has_failed |= has_failed(row);
        if summary.error.is_none() {
            summary.error = row.error.map(str::to_owned);
        }
        if summary.spans.len() < MAX_SPANS {
            summary.spans.insert(xxh3_64(span_id.as_bytes()));
        }
        true
    }

    /// Those that match, the latest first.
    pub fn finish(self, filter: &Filter, offset: usize, limit: usize) -> Vec<Trace> {
        let traces = self.traces.into_iter().map(|(trace_id, summary)| Trace {
            trace_id,
            service_name: summary.service,
            start_time: summary.start as i64,
            end_time: summary.end as i64,
            duration_ms: summary.end - summary.start,
            status: status(summary.has_failed),
            error: summary.error,
            span_count: summary.spans.len(),
        });
        let mut traces: Vec<Trace> = traces.filter(|trace| filter.matches(trace)).collect();
        traces.sort_by(|a, b| (b.start_time, &b.trace_id).cmp(&(a.start_time, &a.trace_id)));
        traces.into_iter().skip(offset).take(limit).collect()
    }
}

/// A part of a trace.
#[derive(Debug, Clone, Serialize)]
pub struct Span {
    /// Its id.
    pub span_id: String,
    /// Of its trace.
    pub trace_id: String,
    /// The part that it is a part of, from the tag `parent_span_id`.
    pub parent_span_id: Option<String>,
    /// Whose.
    pub service_name: String,
    /// The tag `operation`, else method and endpoint, else the metric.
    pub operation: String,
    /// Unix milliseconds.
    pub start_time: i64,
    /// See `start_time`.
    pub end_time: i64,
    /// In ms.
    pub duration_ms: f64,
    /// ok or error.
    pub status: &'static str,
    /// What went wrong.
    pub error: Option<String>,
    /// Those of its first row.
    pub tags: Option<Box<RawValue>>,
    /// How many spans are above it.
    pub depth: usize,
    #[serde(skip)]
    start: f64,
    #[serde(skip)]
    end: f64,
}

/// The spans of one trace while rows are read.
pub struct Spans {
    trace_id: String,
    spans: BTreeMap<String, Span>,
    summaries: Summaries,
}

impl Spans {
    /// Of a trace; none yet.
    pub fn of(trace_id: &str) -> Self {
        Self {
            trace_id: trace_id.to_owned(),
            spans: BTreeMap::new(),
            summaries: Summaries::default(),
        }
    }

    /// Adds a row, if it is one of this trace.
    pub fn add(&mut self, row: &Row<'_>) {
        let (Some(trace_id), Some(span_id)) = (row.trace_id, row.span_id) else {
            return;
        };
        let is_full = self.spans.len() >= MAX_SPANS && !self.spans.contains_key(span_id);
        if trace_id != self.trace_id || is_full {
            return;
        }
        self.summaries.add(row);
        let (start, end) = times(row);
        match self.spans.get_mut(span_id) {
            Some(span) => span.add(row, start, end),
            None => {
                self.spans
                    .insert(span_id.to_owned(), Span::of(row, trace_id, span_id));
            }
        }
    }

    /// The trace and its spans, the earliest first; `None` if nothing was found.
    pub fn finish(self) -> Option<(Trace, Vec<Span>)> {
        let trace = self.summaries.finish(&Filter::default(), 0, 1).pop()?;
        let depths: Vec<usize> = self.spans.keys().map(|id| depth(&self.spans, id)).collect();
        let mut spans: Vec<Span> = self.spans.into_values().collect();
        for (span, depth) in spans.iter_mut().zip(depths) {
            span.depth = depth;
        }
        spans.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.depth.cmp(&b.depth)));
        Some((trace, spans))
    }
}

/// Spans above one that are known; those that are above themselves count up to where that is seen.
fn depth(spans: &BTreeMap<String, Span>, id: &str) -> usize {
    const MAX_DEPTH: usize = 100;
    let parent = |id: &str| spans.get(id)?.parent_span_id.as_deref();
    let above = std::iter::successors(parent(id), |id| parent(id));
    above
        .take_while(|id| spans.contains_key(*id))
        .take(MAX_DEPTH)
        .count()
}

impl Span {
    fn of(row: &Row<'_>, trace_id: &str, span_id: &str) -> Self {
        let (start, end) = times(row);
        let tags: HashMap<String, String> = row
            .tags
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let parent = tags
            .get("parent_span_id")
            .filter(|id| *id != ROOT && !id.is_empty());
        let operation = match (tags.get("operation"), row.endpoint) {
            (Some(operation), _) => operation.clone(),
            (None, Some(endpoint)) => format!("{} {endpoint}", row.method.unwrap_or(""))
                .trim()
                .to_owned(),
            (None, None) => row.name.to_owned(),
        };
        Self {
            span_id: span_id.to_owned(),
            trace_id: trace_id.to_owned(),
            parent_span_id: parent.cloned(),
            service_name: row.service.to_owned(),
            operation,
            start_time: start as i64,
            end_time: end as i64,
            duration_ms: end - start,
            status: status(has_failed(row)),
            error: row.error.map(str::to_owned),
            tags: row
                .tags
                .and_then(|text| RawValue::from_string(text.to_owned()).ok()),
            depth: 0,
            start,
            end,
        }
    }

    fn add(&mut self, row: &Row<'_>, start: f64, end: f64) {
        (self.start, self.end) = (self.start.min(start), self.end.max(end));
        (self.start_time, self.end_time) = (self.start as i64, self.end as i64);
        self.duration_ms = self.end - self.start;
        if has_failed(row) {
            self.status = status(true);
        }
        if self.error.is_none() {
            self.error = row.error.map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(trace: &'a str, span: &'a str, at_ms: i64, ms: f64) -> Row<'a> {
        Row {
            at_ms,
            service: "orders",
            name: "http.request.duration",
            value: ms,
            duration_ms: Some(ms),
            status: Some(200),
            endpoint: Some("/orders"),
            method: Some("GET"),
            error: None,
            trace_id: Some(trace),
            span_id: Some(span),
            kind: None,
            tags: None,
        }
    }

    #[test]
    fn a_trace_is_as_long_as_its_spans_and_begins_with_the_first() {
        let mut summaries = Summaries::default();
        summaries.add(&row("t", "b", 1_090, 40.));
        let first = Row {
            service: "shop",
            status: Some(502),
            ..row("t", "a", 1_100, 100.)
        };
        summaries.add(&first);
        summaries.add(&Row {
            span_id: None,
            ..row("t", "c", 9_000, 1.)
        });
        let traces = summaries.finish(&Filter::default(), 0, 10);
        let trace = &traces[0];
        assert_eq!(
            (trace.start_time, trace.end_time, trace.duration_ms),
            (1_000, 1_100, 100.)
        );
        assert_eq!(
            (trace.service_name.as_str(), trace.status, trace.span_count),
            ("shop", "error", 2)
        );
    }

    #[test]
    fn spans_are_as_deep_as_what_is_above_them_and_a_ring_ends() {
        let mut spans = Spans::of("t");
        for (id, tags) in [
            ("a", r#"{"parent_span_id": "root", "operation": "checkout"}"#),
            ("b", r#"{"parent_span_id": "a"}"#),
            ("c", r#"{"parent_span_id": "b"}"#),
            ("x", r#"{"parent_span_id": "gone"}"#),
            ("y", r#"{"parent_span_id": "y"}"#),
        ] {
            spans.add(&Row {
                tags: Some(tags),
                ..row("t", id, 1_000, 10.)
            });
        }
        spans.add(&row("other", "a", 1_000, 10.));
        let (trace, spans) = spans.finish().unwrap();
        let found: Vec<_> = spans
            .iter()
            .map(|span| (span.span_id.as_str(), span.depth))
            .collect();
        assert_eq!(found, [("a", 0), ("x", 0), ("b", 1), ("c", 2), ("y", 100)]);
        assert_eq!((trace.span_count, spans[0].operation.as_str()), (5, "checkout"));
        assert_eq!(
            (spans[1].operation.as_str(), spans[0].parent_span_id.as_deref()),
            ("GET /orders", None)
        );
        assert!(Spans::of("nobody").finish().is_none());
    }
}

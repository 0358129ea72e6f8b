//! Metrics of one batch as bytes, each as it was sent: Vantage's pages ask for rows one by one, and so does the formula
//! of its health score. Texts stand once in front; a row is about 27 bytes.

use std::collections::HashMap;

use super::metric::Metric;
use crate::domain::kind::Kind;
use crate::domain::varint::{self, Reader};

/// One row, its texts in the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Whose.
    pub service: &'a str,
    /// Which metric.
    pub name: &'a str,
    /// Its value.
    pub value: f64,
    /// In ms.
    pub duration_ms: Option<f64>,
    /// HTTP status, or 0.
    pub status: Option<u16>,
    /// Route or path.
    pub endpoint: Option<&'a str>,
    /// HTTP method.
    pub method: Option<&'a str>,
    /// What went wrong.
    pub error: Option<&'a str>,
    /// Of its request.
    pub trace_id: Option<&'a str>,
    /// Of the part of its request that it tells of.
    pub span_id: Option<&'a str>,
    /// What its value means; not known of the first form.
    pub kind: Option<Kind>,
    /// A JSON object of texts, if it has tags.
    pub tags: Option<&'a str>,
}

/// How rows are written: the first form has neither spans nor kinds nor tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was until 0.1.
    First,
    /// As [`encode`] writes.
    Second,
}

impl Form {
    /// By its number in the database.
    pub fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            2 => Some(Self::Second),
            _ => None,
        }
    }

    /// Its number in the database.
    pub fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// How many bits of a row's head come before the status.
    fn head_bits(self) -> u32 {
        match self {
            Self::First => 2,
            Self::Second => 4,
        }
    }
}

/// How the duration is told.
const NO_DURATION: u64 = 0;
const IS_VALUE: u64 = 1;
const OWN_DURATION: u64 = 2;

/// The bytes of metrics, in the second form.
pub fn encode(metrics: &[Metric]) -> Vec<u8> {
    let tags: Vec<Option<String>> = metrics.iter().map(tags_text).collect();
    let mut texts = Texts::default();
    let mut rows = Vec::with_capacity(metrics.len() * 25);
    let mut before = 0;
    for (metric, tags) in metrics.iter().zip(&tags) {
        varint::write_signed(&mut rows, metric.at_ms - before);
        before = metric.at_ms;
        for text in [Some(&metric.service), Some(&metric.name)] {
            texts.write(&mut rows, text);
        }
        rows.extend(metric.value.to_le_bytes());
        let status = metric.status.map_or(0, |status| u64::from(status) + 1);
        let head = status << 4 | u64::from(metric.kind.number()) << 2;
        match metric.duration_ms {
            None => varint::write(&mut rows, head | NO_DURATION),
            Some(ms) if ms.to_bits() == metric.value.to_bits() => {
                varint::write(&mut rows, head | IS_VALUE);
            }
            Some(ms) => {
                varint::write(&mut rows, head | OWN_DURATION);
                rows.extend(ms.to_le_bytes());
            }
        }
        let Metric {
            endpoint,
            method,
            error,
            trace_id,
            span_id,
            ..
        } = metric;
        for text in [endpoint, method, error, trace_id, span_id, tags] {
            texts.write(&mut rows, text.as_ref());
        }
    }
    let mut out = texts.encode();
    varint::write(&mut out, metrics.len() as u64);
    out.extend(rows);
    out
}

fn tags_text(metric: &Metric) -> Option<String> {
    let tags = metric.tags.iter();
    let tags: serde_json::Map<_, _> = tags
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    (!tags.is_empty()).then(|| serde_json::Value::from(tags).to_string())
}

/// Hands on the rows of a form, in order, up to the end or to what cannot be.
pub fn decode<'a>(bytes: &'a [u8], form: Form, mut each: impl FnMut(Row<'a>)) {
    let mut reader = Reader::new(bytes);
    let Some(texts) = read_texts(&mut reader) else {
        return;
    };
    let Some(n) = reader.number() else { return };
    let mut at_ms = 0;
    for _ in 0..n {
        let Some(row) = read_row(&mut reader, form, &texts, &mut at_ms) else {
            return;
        };
        each(row);
    }
}

fn read_row<'a>(reader: &mut Reader<'a>, form: Form, texts: &[&'a str], at_ms: &mut i64) -> Option<Row<'a>> {
    *at_ms = at_ms.checked_add(reader.signed()?)?;
    let text = |reader: &mut Reader<'a>| {
        let number = usize::try_from(reader.number()?).ok()?;
        match number {
            0 => Some(None),
            _ => texts.get(number - 1).map(|text| Some(*text)),
        }
    };
    let (service, name) = (text(reader)??, text(reader)??);
    let value = reader.float()?;
    let head = reader.number()?;
    let duration_ms = match head & 3 {
        IS_VALUE => Some(value),
        OWN_DURATION => Some(reader.float()?),
        _ => None,
    };
    let is_second = form == Form::Second;
    let status = (head >> form.head_bits())
        .checked_sub(1)
        .and_then(|status| u16::try_from(status).ok());
    Some(Row {
        at_ms: *at_ms,
        service,
        name,
        value,
        duration_ms,
        status,
        endpoint: text(reader)?,
        method: text(reader)?,
        error: text(reader)?,
        trace_id: text(reader)?,
        span_id: if is_second { text(reader)? } else { None },
        kind: if is_second {
            Kind::of_number((head >> 2 & 3) as u8)
        } else {
            None
        },
        tags: if is_second { text(reader)? } else { None },
    })
}

/// Texts by number; 0 is none.
#[derive(Default)]
struct Texts<'a> {
    numbers: HashMap<&'a str, u64>,
    all: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    fn write(&mut self, out: &mut Vec<u8>, text: Option<&'a String>) {
        let number = text.map_or(0, |text| {
            *self.numbers.entry(text.as_str()).or_insert_with(|| {
                self.all.push(text);
                self.all.len() as u64
            })
        });
        varint::write(out, number);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::write(&mut out, self.all.len() as u64);
        for text in &self.all {
            varint::write(&mut out, text.len() as u64);
            out.extend(text.as_bytes());
        }
        out
    }
}

fn read_texts<'a>(reader: &mut Reader<'a>) -> Option<Vec<&'a str>> {
    let n = reader.count(1)?;
    let mut texts = Vec::with_capacity(n);
    for _ in 0..n {
        let length = reader.count(1)?;
        texts.push(std::str::from_utf8(reader.take(length)?).ok()?);
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::kind::Kind;

    fn metric() -> impl Strategy<Value = Metric> {
        let text = || prop::option::of("[a-z/é]{0,5}");
        let head = (any::<i32>(), "[ab]{1,2}", "[cd]{1,2}", -1e9..1e9);
        let rest = (
            prop::option::of(0_u16..=999),
            text(),
            text(),
            text(),
            text(),
            prop::option::of(0. ..1e6),
        );
        (head, rest, any::<bool>()).prop_map(|((at, service, name, value), rest, is_value)| {
            let (status, endpoint, method, error, trace_id, duration_ms) = rest;
            Metric {
                at_ms: i64::from(at),
                service,
                name,
                kind: if is_value { Kind::Histogram } else { Kind::Counter },
                value,
                tags: trace_id
                    .iter()
                    .map(|tag| ("region".to_owned(), tag.clone()))
                    .collect(),
                endpoint,
                method,
                status,
                duration_ms: if is_value { Some(value) } else { duration_ms },
                error,
                span_id: trace_id.as_ref().map(|id| format!("{id}-1")),
                trace_id,
            }
        })
    }

    fn row<'a>(metric: &'a Metric, tags: Option<&'a str>) -> Row<'a> {
        Row {
            at_ms: metric.at_ms,
            service: &metric.service,
            name: &metric.name,
            value: metric.value,
            duration_ms: metric.duration_ms,
            status: metric.status,
            endpoint: metric.endpoint.as_deref(),
            method: metric.method.as_deref(),
            error: metric.error.as_deref(),
            trace_id: metric.trace_id.as_deref(),
            span_id: metric.span_id.as_deref(),
            kind: Some(metric.kind),
            tags,
        }
    }

    proptest! {
        #[test]
        fn rows_come_back(metrics in prop::collection::vec(metric(), 0..30)) {
            let bytes = encode(&metrics);
            let mut found = Vec::new();
            decode(&bytes, Form::Second, |row| found.push(row));
            let tags: Vec<Option<String>> = metrics.iter().map(tags_text).collect();
            let sent = metrics.iter().zip(&tags).map(|(metric, tags)| row(metric, tags.as_deref()));
            prop_assert_eq!(found, sent.collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            decode(&bytes, Form::First, |_| {});
            decode(&bytes, Form::Second, |_| {});
        }
    }

    #[test]
    fn rows_of_the_first_form_are_still_read() {
        // Two texts; one row at 5 ms: texts 1 and 2, value 1.5, which is the duration, and status 200.
        let mut bytes = vec![2, 1, b's', 1, b'm', 1, 10, 1, 2];
        bytes.extend(1.5_f64.to_le_bytes());
        varint::write(&mut bytes, 201 << 2 | IS_VALUE);
        bytes.extend([0, 0, 0, 0]);
        let mut found = Vec::new();
        decode(&bytes, Form::First, |row| found.push(row));
        assert_eq!((found[0].at_ms, found[0].service, found[0].name), (5, "s", "m"));
        assert_eq!((found[0].status, found[0].duration_ms), (Some(200), Some(1.5)));
        assert_eq!((found[0].kind, found[0].tags), (None, None));
    }
}

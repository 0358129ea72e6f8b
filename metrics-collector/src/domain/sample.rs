//! What `POST /api/metrics` takes: an array of metrics, or an object that holds one. Each is handed on as it stands in
//! the text; whether its series is known is somebody else's question.

use thiserror::Error;

use super::json_scanner::{Malformed, RawText, Scanner};
use super::kind::Kind;

/// Metrics in one request. The contract's 1,000 lose the whole buffer of a busy Python client.
pub const MAX_ITEMS: usize = 10_000;
/// Longest name, in bytes (contract §3.2).
const MAX_NAME_BYTES: usize = 200;

/// Why a request is refused as a whole. The sentences are the contract's (§3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadBatch {
    /// No JSON at all.
    #[error("Invalid JSON")]
    Json,
    /// Neither an array nor an object with one.
    #[error("Request body must be a JSON array")]
    NoArray,
    /// No metrics in it.
    #[error("Metrics array must not be empty")]
    Empty,
    /// More than [`MAX_ITEMS`].
    #[error("Metrics batch exceeds maximum of {MAX_ITEMS} items")]
    TooMany,
    /// A metric that is no object.
    #[error("Each metric must be a JSON object")]
    NoObject,
    /// `name`, `type` or `value` is not there or of the wrong type.
    #[error("Missing required field: {0}")]
    Missing(&'static str),
    /// A name of no length, or too long.
    #[error("Field 'name' must be 1-200 characters")]
    Name,
    /// A type that we don't know.
    #[error("Field 'type' must be 'counter', 'histogram', or 'gauge'")]
    Kind,
}

impl From<Malformed> for BadBatch {
    fn from(_: Malformed) -> Self {
        Self::Json
    }
}

/// When a metric says it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stamp<'a> {
    /// It does not say: now.
    Now,
    /// A text, perhaps a time.
    Text(RawText<'a>),
    /// Since 1970, in whatever unit.
    Number(f64),
}

/// One metric, borrowed from the request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawSample<'a> {
    /// Its name.
    pub name: RawText<'a>,
    /// Its kind.
    pub kind: Kind,
    /// Its value; finite.
    pub value: f64,
    /// When.
    pub stamp: Stamp<'a>,
    /// The text of its labels, any JSON; `None` for null too.
    pub labels: Option<&'a str>,
    /// Its project.
    pub project: Option<RawText<'a>>,
}

/// Hands every metric of a request to `each`, in order. Returns how many there were.
/// After an error some may have been handed over: take nothing then.
pub fn scan<'a>(text: &'a str, each: impl FnMut(RawSample<'a>)) -> Result<usize, BadBatch> {
    scan_with(text, Labels::Scanned, each)
}

/// The same, faster: labels are handed over as [`Scanner::likely_object`] finds them. It is [`scan`]'s answer if there is
/// no error and all labels are JSON; else that has to be asked.
pub fn scan_known<'a>(text: &'a str, each: impl FnMut(RawSample<'a>)) -> Result<usize, BadBatch> {
    scan_with(text, Labels::Likely, each)
}

/// How the end of labels is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Labels {
    Scanned,
    Likely,
}

fn scan_with<'a>(
    text: &'a str,
    labels: Labels,
    mut each: impl FnMut(RawSample<'a>),
) -> Result<usize, BadBatch> {
    let mut items = Items {
        scanner: Scanner::new(text),
        labels,
        stamp_before: ("", 0.),
    };
    let found = match items.scanner.peek() {
        Some(b'[') => Some(items.array(&mut each)?),
        Some(b'{') => items.object(&mut each)?,
        _ => items.scanner.skip().map(|_| None)?,
    };
    items.scanner.end()?;
    match found {
        None => Err(BadBatch::NoArray),
        Some(Found { n: 0, .. }) => Err(BadBatch::Empty),
        Some(Found { n, .. }) if n > MAX_ITEMS => Err(BadBatch::TooMany),
        Some(Found {
            problem: Some(problem),
            ..
        }) => Err(problem),
        Some(Found { n, problem: None }) => Ok(n),
    }
}

/// The end of an array: how many items, and what is wrong with the first that is not right.
struct Found {
    n: usize,
    problem: Option<BadBatch>,
}

/// A request being read.
struct Items<'a> {
    scanner: Scanner<'a>,
    labels: Labels,
    /// The number that was the time before, as it stood there: most metrics of a request are of one time.
    stamp_before: (&'a str, f64),
}

impl<'a> Items<'a> {
    /// `{"metrics": […]}`; other fields are left out.
    fn object(&mut self, each: &mut impl FnMut(RawSample<'a>)) -> Result<Option<Found>, Malformed> {
        self.scanner.accept(b'{');
        let (mut found, mut first) = (None, true);
        while let Some(key) = self.scanner.key(first)? {
            first = false;
            if key.raw == "metrics" && found.is_none() && self.scanner.peek() == Some(b'[') {
                found = Some(self.array(each)?);
            } else {
                self.scanner.skip()?;
            }
        }
        Ok(found)
    }

    /// Goes on to the end whatever is wrong, so that what is no JSON is told first; hands nothing over from there on.
    fn array(&mut self, each: &mut impl FnMut(RawSample<'a>)) -> Result<Found, Malformed> {
        self.scanner.accept(b'[');
        let (mut n, mut problem) = (0, None);
        while self.scanner.has_item(n == 0)? {
            n += 1;
            if n > MAX_ITEMS || problem.is_some() {
                self.scanner.skip()?;
                continue;
            }
            if self.scanner.peek() != Some(b'{') {
                self.scanner.skip()?;
                problem = Some(BadBatch::NoObject);
                continue;
            }
            match self.item()?.check() {
                Ok(sample) => each(sample),
                Err(bad) => problem = Some(bad),
            }
        }
        Ok(Found { n, problem })
    }

    #[inline]
    fn item(&mut self) -> Result<Fields<'a>, Malformed> {
        self.scanner.accept(b'{');
        let (mut fields, mut first) = (Fields::default(), true);
        while self.scanner.has_key(first)? {
            first = false;
            match field(&mut self.scanner)? {
                Field::Name => fields.name = text(&mut self.scanner)?,
                Field::Kind => fields.kind = text(&mut self.scanner)?,
                Field::Value => {
                    fields.value = number(&mut self.scanner)?.filter(|value| value.is_finite());
                }
                Field::Labels => fields.labels = Some(self.labels()?).filter(|text| *text != "null"),
                Field::Stamp => fields.stamp = self.stamp()?,
                Field::Project => fields.project = text(&mut self.scanner)?,
                Field::Other => drop(self.scanner.skip()?),
            }
        }
        Ok(fields)
    }

    #[inline]
    fn labels(&mut self) -> Result<&'a str, Malformed> {
        if self.labels == Labels::Likely && self.scanner.peek() == Some(b'{') {
            return self.scanner.likely_object().ok_or(Malformed);
        }
        self.scanner.skip()
    }

    #[inline]
    fn stamp(&mut self) -> Result<Option<Stamp<'a>>, Malformed> {
        if self.scanner.peek() == Some(b'"') {
            return Ok(Some(Stamp::Text(self.scanner.string()?)));
        }
        let (text, before) = self.stamp_before;
        if !text.is_empty() && self.scanner.repeats(text) {
            return Ok(Some(Stamp::Number(before)));
        }
        let place = self.scanner.place();
        let stamp = number(&mut self.scanner)?;
        if let Some(number) = stamp {
            self.stamp_before = (self.scanner.since(place), number);
        }
        Ok(stamp.map(Stamp::Number))
    }
}

/// A field of a metric.
enum Field {
    Name,
    Kind,
    Value,
    Labels,
    Stamp,
    Project,
    Other,
}

/// Which one comes next; its key is taken. Keys are written in one way nearly always, and in any other they are read.
#[inline]
fn field(scanner: &mut Scanner<'_>) -> Result<Field, Malformed> {
    let likely = match scanner.second() {
        Some(b'n') if scanner.literal("\"name\":") => Some(Field::Name),
        Some(b't') if scanner.literal("\"type\":") => Some(Field::Kind),
        Some(b't') if scanner.literal("\"timestamp\":") => Some(Field::Stamp),
        Some(b'v') if scanner.literal("\"value\":") => Some(Field::Value),
        Some(b'l') if scanner.literal("\"labels\":") => Some(Field::Labels),
        Some(b'p') if scanner.literal("\"project\":") => Some(Field::Project),
        _ => None,
    };
    if let Some(field) = likely {
        return Ok(field);
    }
    Ok(match scanner.name()?.raw {
        "name" => Field::Name,
        "type" => Field::Kind,
        "value" => Field::Value,
        "labels" => Field::Labels,
        "timestamp" => Field::Stamp,
        "project" => Field::Project,
        _ => Field::Other,
    })
}

/// The fields of a metric as far as they have the right type.
#[derive(Default)]
struct Fields<'a> {
    name: Option<RawText<'a>>,
    kind: Option<RawText<'a>>,
    value: Option<f64>,
    stamp: Option<Stamp<'a>>,
    labels: Option<&'a str>,
    project: Option<RawText<'a>>,
}

/// A string; `None` for anything else, which is left out.
#[inline]
fn text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<RawText<'a>>, Malformed> {
    if scanner.peek() == Some(b'"') {
        return scanner.string().map(Some);
    }
    scanner.skip()?;
    Ok(None)
}

#[inline]
fn number(scanner: &mut Scanner<'_>) -> Result<Option<f64>, Malformed> {
    match scanner.peek() {
        Some(b'-' | b'0'..=b'9') => scanner.number().map(Some),
        _ => scanner.skip().map(|_| None),
    }
}

impl<'a> Fields<'a> {
    /// In the contract's order: first what is missing, then what is wrong.
    fn check(self) -> Result<RawSample<'a>, BadBatch> {
        let name = self.name.ok_or(BadBatch::Missing("name"))?;
        if name.raw.is_empty() || name.raw.len() > MAX_NAME_BYTES {
            return Err(BadBatch::Name);
        }
        let kind = self.kind.ok_or(BadBatch::Missing("type"))?;
        let kind = Kind::read(kind.raw).ok_or(BadBatch::Kind)?;
        Ok(RawSample {
            name,
            kind,
            value: self.value.ok_or(BadBatch::Missing("value"))?,
            stamp: self.stamp.unwrap_or(Stamp::Now),
            labels: self.labels,
            project: self.project.filter(|project| !project.raw.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, BadBatch> {
        let mut names = Vec::new();
        scan(text, |sample| names.push(sample.name.raw.to_owned()))?;
        Ok(names)
    }

    #[test]
    fn an_array_and_an_object_with_one_are_taken() {
        let item = r#"{"name":"a","type":"gauge","value":-1.5,"labels":{"k":[1]},"timestamp":5,"project":"p","x":{}}"#;
        let mut all = Vec::new();
        let array = format!("[{item}]");
        assert_eq!(scan(&array, |sample| all.push(sample)), Ok(1));
        assert_eq!(
            (all[0].kind, all[0].value, all[0].labels),
            (Kind::Gauge, -1.5, Some(r#"{"k":[1]}"#))
        );
        assert_eq!(
            (all[0].stamp, all[0].project.unwrap().raw),
            (Stamp::Number(5.), "p")
        );
        assert_eq!(
            names(&format!(r#"{{"session_id":"s","metrics":[{item},{item}]}}"#)).unwrap(),
            ["a", "a"]
        );
    }

    #[test]
    fn refusals_are_the_contracts() {
        let check =
            |text: &str, expected: &str| assert_eq!(names(text).unwrap_err().to_string(), expected, "{text}");
        check("", "Invalid JSON");
        check("[{]", "Invalid JSON");
        check("[1] 2", "Invalid JSON");
        check("5", "Request body must be a JSON array");
        check("{\"a\":[]}", "Request body must be a JSON array");
        check("[]", "Metrics array must not be empty");
        check("[1]", "Each metric must be a JSON object");
        check("[{}]", "Missing required field: name");
        check(
            r#"[{"name":"","value":1}]"#,
            "Field 'name' must be 1-200 characters",
        );
        check(r#"[{"name":"a"}]"#, "Missing required field: type");
        check(
            r#"[{"name":"a","type":"timer"}]"#,
            "Field 'type' must be 'counter', 'histogram', or 'gauge'",
        );
        check(
            r#"[{"name":"a","type":"gauge","value":"1"}]"#,
            "Missing required field: value",
        );
        check(
            r#"[{"name":"a","type":"gauge","value":1e999}]"#,
            "Missing required field: value",
        );
        let many = format!("[{}]", vec!["{}"; MAX_ITEMS + 1].join(","));
        check(&many, "Metrics batch exceeds maximum of 10000 items");
    }
}

//! Entries as programs send them: JSON in, entries out. One that is bad says why, and harms no other.

use std::fmt;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::entry::{Entry, Level, Marks, Stream};
use super::{json_head, level, time_text};

/// Most entries in one body.
pub const MAX_ITEMS: usize = 10_000;
/// Longest name of a container, in bytes.
const MAX_CONTAINER_BYTES: usize = 200;
/// Longest message, in bytes; the rest is cut off and the entry marked.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// A clock may be this far ahead; an entry beyond would stay the newest for good.
const MAX_AHEAD_NS: i64 = 86_400 * 1_000_000_000;

/// Why an item, or a whole body, is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(why))
}

/// The items of a body: of a JSON list, or one a line. What is no JSON is found out item by item.
pub fn items(body: &[u8]) -> Result<Vec<&str>, Refusal> {
    let Ok(text) = std::str::from_utf8(body) else {
        return refuse("Invalid JSON");
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('[') {
        let list: Result<Vec<&RawValue>, _> = serde_json::from_str(text);
        return list.map_or_else(
            |_| refuse("Invalid JSON"),
            |list| Ok(list.into_iter().map(RawValue::get).collect()),
        );
    }
    // One object over several lines is one item all the same.
    let is_whole = text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok();
    let items: Vec<&str> = match is_whole {
        true => vec![text],
        false => text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect(),
    };
    if items.is_empty() {
        return refuse("Invalid JSON");
    }
    Ok(items)
}

/// One item. `container` is for those that name none.
pub fn read(item: &str, container: Option<&str>, now_ns: i64) -> Result<Entry, Refusal> {
    let mut fields = match serde_json::from_str(item) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return refuse("an entry must be a JSON object"),
        Err(_) => return refuse("Invalid JSON"),
    };
    let Some(message) = take_text(&mut fields, &["message", "msg", "log"]) else {
        return refuse("Missing required field: message");
    };
    let named = take_text(&mut fields, &["container", "service"]);
    let container = match named.as_deref().or(container) {
        Some(name) if is_name(name) => name.into(),
        Some(_) => {
            return refuse(format!(
                "Field 'container' must be 1-{MAX_CONTAINER_BYTES} bytes without control characters"
            ));
        }
        None => return refuse("Missing required field: container"),
    };
    let stream = match take_text(&mut fields, &["stream"]) {
        None => Stream::Stdout,
        Some(name) => match Stream::named(&name) {
            Some(stream) => stream,
            None => return refuse("Field 'stream' must be 'stdout' or 'stderr'"),
        },
    };
    let time_ns = time(&mut fields, now_ns)?;
    let named = take_text(&mut fields, &["level", "severity"]);
    let level = match named {
        None => level::find(&message, json_head::read(&message).as_ref())
            .unwrap_or_else(|| level::of_stream(stream)),
        Some(name) => match Level::named(name.trim()) {
            Some(level) => level,
            None => return refuse("Field 'level' must be DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        },
    };
    let mut message = with_rest(message, fields);
    let mut marks = Marks::default();
    if message.len() > MAX_MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        marks = Marks::CUT;
    }
    Ok(Entry {
        time_ns,
        container,
        stream,
        level,
        marks,
        message,
    })
}

fn take_text(fields: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    let name = names
        .iter()
        .find(|name| fields.get(**name).is_some_and(Value::is_string))?;
    match fields.remove(*name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_CONTAINER_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// RFC 3339, or a Unix time whose size says its unit. None given, or null: now.
fn time(fields: &mut Map<String, Value>, now_ns: i64) -> Result<i64, Refusal> {
    let name = ["timestamp", "time", "ts"]
        .into_iter()
        .find(|name| fields.contains_key(*name));
    let Some(name) = name else { return Ok(now_ns) };
    let time_ns = match fields.remove(name) {
        None | Some(Value::Null) => Some(now_ns),
        Some(Value::String(text)) => time_text::parse(&text).map(|(first, _)| first),
        Some(Value::Number(number)) => number.as_f64().and_then(|float| unix(number.as_i64(), float)),
        Some(_) => None,
    };
    match time_ns {
        Some(time_ns) if time_ns <= now_ns.saturating_add(MAX_AHEAD_NS) => Ok(time_ns),
        Some(_) => refuse(format!("Field '{name}' is more than a day ahead")),
        None => refuse(format!("Field '{name}' is no time such as 2026-11-28T07:00:00Z")),
    }
}

/// Seconds up to the year 5138, then milliseconds, microseconds, nanoseconds; fractions count.
fn unix(whole: Option<i64>, float: f64) -> Option<i64> {
    let unit_ns: i64 = match float.abs() {
        ..1e11 => 1_000_000_000,
        ..1e14 => 1_000_000,
        ..1e17 => 1_000,
        _ => 1,
    };
    match whole {
        Some(whole) => whole.checked_mul(unit_ns),
        None => {
            let time_ns = float * unit_ns as f64;
            (time_ns.abs() < 9e18).then_some(time_ns as i64)
        }
    }
}

/// The message, with whatever else the item says as JSON, so that it is found as `field:value`.
fn with_rest(message: String, mut fields: Map<String, Value>) -> String {
    if fields.is_empty() {
        return message;
    }
    fields.insert("message".to_owned(), Value::String(message));
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_852_800_000_000_000;

    fn entry(item: &str) -> Entry {
        read(item, None, NOW).unwrap()
    }

    fn refusal(item: &str) -> String {
        read(item, None, NOW).unwrap_err().to_string()
    }

    #[test]
    fn an_item_becomes_an_entry() {
        let all = entry(
            r#"{"message": "disk full", "container": "db", "level": "warn", "stream": "stderr", "timestamp": "2026-11-28T07:00:00.5Z"}"#,
        );
        assert_eq!((&*all.container, all.message.as_str()), ("db", "disk full"));
        assert_eq!((all.level, all.stream), (Level::Warning, Stream::Stderr));
        assert_eq!(all.time_ns, NOW - 3_600_000_000_000 + 500_000_000);
        let least = read(r#"{"msg": "hello"}"#, Some("web"), NOW).unwrap();
        assert_eq!(
            (&*least.container, least.level, least.time_ns),
            ("web", Level::Info, NOW)
        );
    }

    #[test]
    fn a_level_that_is_not_given_is_found_in_the_message_or_is_that_of_the_stream() {
        let level = |item: &str| read(item, Some("web"), NOW).unwrap().level;
        assert_eq!(level(r#"{"msg": "[ERROR] no room"}"#), Level::Error);
        assert_eq!(level(r#"{"msg": "{\"level\":\"warn\"}"}"#), Level::Warning);
        assert_eq!(level(r#"{"msg": "plain", "stream": "stderr"}"#), Level::Error);
    }

    #[test]
    fn a_time_may_be_a_number() {
        let time = |ts: &str| entry(&format!(r#"{{"message": "x", "container": "c", "ts": {ts}}}"#)).time_ns;
        assert_eq!(time("1795852800"), NOW);
        assert_eq!(time("1795852800.5"), NOW + 500_000_000);
        assert_eq!(time("1795852800123"), NOW + 123_000_000);
        assert_eq!(time("1795852800123456789"), NOW + 123_456_789);
        assert_eq!(time("null"), NOW);
    }

    #[test]
    fn what_else_it_says_is_kept_as_json() {
        let entry = entry(r#"{"message": "paid", "container": "shop", "order": 7, "user": {"id": "u1"}}"#);
        assert_eq!(
            entry.message,
            r#"{"message":"paid","order":7,"user":{"id":"u1"}}"#
        );
    }

    #[test]
    fn a_bad_item_says_what_is_wrong_with_it() {
        assert_eq!(refusal("7"), "an entry must be a JSON object");
        assert_eq!(refusal("{"), "Invalid JSON");
        assert_eq!(refusal("{}"), "Missing required field: message");
        assert_eq!(
            refusal(r#"{"message": "x"}"#),
            "Missing required field: container"
        );
        assert!(refusal(r#"{"message": "x", "container": ""}"#).starts_with("Field 'container'"));
        assert!(
            refusal(r#"{"message": "x", "container": "c", "stream": "both"}"#).starts_with("Field 'stream'")
        );
        assert!(
            refusal(r#"{"message": "x", "container": "c", "level": "loud"}"#).starts_with("Field 'level'")
        );
        assert!(refusal(r#"{"message": "x", "container": "c", "time": "soon"}"#).starts_with("Field 'time'"));
        assert!(
            refusal(r#"{"message": "x", "container": "c", "time": "2027-11-28"}"#).ends_with("a day ahead")
        );
    }

    #[test]
    fn a_body_is_a_list_or_lines() {
        let items = |body: &str| items(body.as_bytes()).map(|items| items.len()).ok();
        assert_eq!(items("[{}, 7, {\"a\": [1]}]"), Some(3));
        assert_eq!(items("[]"), Some(0));
        assert_eq!(items("{}\n\n{}\r\n"), Some(2));
        assert_eq!(items("{\n\"message\": \"x\"\n}"), Some(1));
        assert_eq!(items("{}\nno json\n{}"), Some(3));
        assert_eq!(items("[{}"), None);
        assert_eq!(items(" \n"), None);
    }

    #[test]
    fn a_huge_message_is_cut_at_a_character_and_marked() {
        let item = serde_json::json!({ "message": "é".repeat(MAX_MESSAGE_BYTES), "container": "c" });
        let entry = entry(&item.to_string());
        assert!(entry.marks.has(Marks::CUT) && entry.message.len() <= MAX_MESSAGE_BYTES);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in "[\\[\\]{}\":,a0-9.e\\n -]{0,60}") {
            for item in items(body.as_bytes()).unwrap_or_default() {
                let _ = read(item, Some("c"), NOW);
            }
        }
    }
}

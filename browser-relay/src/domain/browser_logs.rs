//! Console output of a browser: read from a request body, and as the log viewer takes it.

use api_types::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::batch::{self, Batch};
use super::event_id;
use super::page;
use super::privacy::{self, Wish};
use super::refusal::{Refusal, object};
use super::time_text;

/// Longest line, in bytes.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// Longest name that the log viewer takes, in bytes.
const MAX_CONTAINER_BYTES: usize = 200;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    logs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    event_id: Text<'a>,
    #[serde(borrow, default)]
    release: Text<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    level: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    fields: Option<&'a RawValue>,
}

/// One line as the log viewer takes it. What a line belongs to is in its text, where the viewer's search finds it as
/// `session_id:…`.
#[derive(Serialize)]
struct Line<'a> {
    container: &'a str,
    level: &'static str,
    stream: &'static str,
    timestamp: &'a str,
    message: String,
}

/// Reads a request body into one of `POST /api/logs` of the log viewer. Lines without a time have that at which they
/// came, since they may wait long before the viewer has them.
pub fn forward(body: &[u8], project: &str, wish: Wish, received_at: &str) -> Result<Batch, Refusal> {
    let body = object(body)?;
    let wire: Wire<'_> = serde_json::from_str(&body).map_err(|_| Refusal::NoJson)?;
    let items: Vec<&RawValue> = batch::items(wire.logs, "logs")?;
    let container = container(project);
    let session_id = wire.session_id.as_str().filter(|_| wish == Wish::None);
    let given = Given {
        container: &container,
        about: [
            ("page", wire.url.as_str().map(page::of)),
            ("release", wire.release.as_str()),
            ("session_id", session_id),
        ],
        wish,
        received_at,
    };
    let parsed = items
        .iter()
        .map(|item| read_item(item))
        .collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<Line<'_>> = parsed.iter().map(|item| line(item, &given)).collect();
    let body = serde_json::to_vec(&lines).map_err(|cause| Refusal::Bad(cause.to_string()))?;
    Ok(Batch {
        body,
        n: lines.len(),
        event_id: wire.event_id.as_str().and_then(event_id::read),
    })
}

/// Where lines of a project's pages are found.
fn container(project: &str) -> String {
    let plain = project.chars().filter(|c| !c.is_control());
    let mut container: String = "browser/".chars().chain(plain).collect();
    container.truncate(container.floor_char_boundary(MAX_CONTAINER_BYTES));
    container
}

fn read_item(item: &RawValue) -> Result<Item<'_>, Refusal> {
    if !item.get().starts_with('{') {
        return Err(Refusal::Bad("Each log line must be a JSON object".to_owned()));
    }
    let item: Item<'_> = serde_json::from_str(item.get()).map_err(|_| Refusal::NoJson)?;
    if item.message.is_absent() {
        return Err(Refusal::Missing("message"));
    }
    Ok(item)
}

/// What holds for all lines of a batch.
struct Given<'a> {
    container: &'a str,
    /// What they belong to.
    about: [(&'static str, Option<&'a str>); 3],
    wish: Wish,
    received_at: &'a str,
}

fn line<'a>(item: &'a Item<'_>, given: &'a Given<'_>) -> Line<'a> {
    let level = level(item.level.as_str().unwrap_or(""));
    let message = item.message.as_str().unwrap_or("");
    let mut message = message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)].to_owned();
    let mut fields = item
        .fields
        .and_then(|it| serde_json::from_str::<Value>(it.get()).ok());
    if given.wish == Wish::Anonymous {
        message = privacy::without_queries(&message);
        fields.iter_mut().for_each(privacy::anonymize);
    }
    let own = fields.iter().filter_map(Value::as_object).flatten();
    for (name, value) in own {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        append(&mut message, name, &value);
    }
    for (name, value) in &given.about {
        if let Some(value) = value {
            append(&mut message, name, value);
        }
    }
    message.truncate(message.floor_char_boundary(2 * MAX_MESSAGE_BYTES));
    Line {
        container: given.container,
        level,
        stream: if level == "ERROR" { "stderr" } else { "stdout" },
        // A line is worth more than its time.
        timestamp: item
            .timestamp
            .as_str()
            .filter(|time| time_text::parse(time).is_some())
            .unwrap_or(given.received_at),
        message,
    }
}

/// ` name=value`, quoted where it has to be.
fn append(message: &mut String, name: &str, value: &str) {
    let is_plain = !value.is_empty() && !value.contains([' ', '"', '=', '\n', '\r', '\t']);
    let value = if is_plain {
        value.to_owned()
    } else {
        Value::from(value).to_string()
    };
    message.extend([" ", name, "=", &value]);
}

/// The methods of `console`, and the usual names.
fn level(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "error" | "err" | "assert" => "ERROR",
        "fatal" | "critical" | "crit" => "CRITICAL",
        "warn" | "warning" => "WARNING",
        "debug" | "trace" | "verbose" => "DEBUG",
        _ => "INFO",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-11-20T14:00:00.000Z";

    #[test]
    fn a_line_says_where_it_belongs() {
        let body = json!({"url": "http://h/cart?x", "session_id": "s 1", "logs": [
            {"level": "warn", "message": "slow", "timestamp": "2026-11-20T13:43:22.148Z", "fields": {"ms": 5, "what": "a b"}},
            {"level": "error", "message": "broken"}, {"message": ""}]});
        let lines = |wish| {
            let Batch { body, n, .. } = forward(body.to_string().as_bytes(), "shop", wish, NOW).unwrap();
            assert_eq!(n, 3);
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        let all = lines(Wish::None);
        assert_eq!(
            all[0],
            json!({"container": "browser/shop", "level": "WARNING", "stream": "stdout",
            "timestamp": "2026-11-20T13:43:22.148Z", "message": "slow ms=5 what=\"a b\" page=/cart session_id=\"s 1\""})
        );
        assert_eq!(
            (&all[1]["level"], &all[1]["stream"]),
            (&json!("ERROR"), &json!("stderr"))
        );
        assert_eq!(all[1]["timestamp"], NOW);
        assert_eq!(lines(Wish::Anonymous)[1]["message"], "broken page=/cart");
        let own = json!({"logs": [{"level": "info", "message": "GET /p?S", "fields": {"user_id": "S", "email": "S",
            "url": "http://h/p?S", "cart": {"session_id": "S", "n": 1}}}]});
        let Batch { body, .. } = forward(own.to_string().as_bytes(), "shop", Wish::Anonymous, NOW).unwrap();
        let told: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told[0]["message"], r#"GET /p cart="{\"n\":1}" url=http://h/p"#);
    }

    #[test]
    fn what_is_no_batch_of_lines_is_refused() {
        let check = |body: Value, expected: &str| {
            assert_eq!(
                forward(body.to_string().as_bytes(), "p", Wish::None, NOW)
                    .unwrap_err()
                    .to_string(),
                expected
            );
        };
        check(json!({}), "Missing required field: logs");
        check(json!({"logs": 1}), "Field 'logs' must be an array");
        check(json!({"logs": []}), "Logs array must not be empty");
        check(json!({"logs": [1]}), "Each log line must be a JSON object");
        check(
            json!({"logs": [{"level": "info"}]}),
            "Missing required field: message",
        );
        check(
            json!({"logs": vec![json!({"message": ""}); 1001]}),
            "Logs batch exceeds maximum of 1000 items",
        );
    }
}

//! Exceptions with original frames, in the shape in which the tracker takes those of events.

use serde_json::{Map, Value, json};
use stacktrace::{Frame, Trace};

use super::symbolicate::{Place, Places, spot};

/// Bytes of context lines in one report: the tracker takes 256 KB of it.
const MAX_CONTEXT_BYTES: usize = 96 * 1024;

/// `exception` of a report. `kind` and `message` are those of the report: the last exception's.
pub fn exception(trace: &Trace, places: &Places, kind: &str, message: &str) -> Value {
    let mut budget = MAX_CONTEXT_BYTES;
    let n = trace.exceptions.len();
    let mut values: Vec<Value> = trace
        .exceptions
        .iter()
        .enumerate()
        // The innermost frames of the last exception matter most, so they are the first to spend the budget.
        .rev()
        .map(|(number, exception)| {
            let is_last = number + 1 == n;
            let frames = exception
                .frames
                .iter()
                .rev()
                .map(|frame| entry(frame, places, &mut budget));
            let mut frames: Vec<Value> = frames.collect();
            frames.reverse();
            let kind = if is_last {
                Some(kind)
            } else {
                exception.kind.as_deref()
            };
            let value = if is_last {
                Some(message)
            } else {
                exception.message.as_deref()
            };
            json!({"type": kind, "value": value, "stacktrace": {"frames": frames}})
        })
        .collect();
    values.reverse();
    json!({ "values": values })
}

fn entry(frame: &Frame, places: &Places, budget: &mut usize) -> Value {
    let known = spot(frame).and_then(|spot| places.get(&spot));
    match known {
        Some(Ok(place)) => mapped(frame, place, budget),
        Some(Err(reason)) => plain(frame, Some(reason.words())),
        None => plain(frame, None),
    }
}

fn mapped(frame: &Frame, place: &Place, budget: &mut usize) -> Value {
    let mut out = Map::new();
    let function = place.function.as_ref().or(frame.function.as_ref());
    out.insert("function".to_owned(), json!(function));
    out.insert("filename".to_owned(), json!(place.source));
    out.insert("lineno".to_owned(), json!(place.line));
    out.insert("colno".to_owned(), json!(place.column));
    let is_in_app = !place.is_ignored && stacktrace::is_in_app(&place.source);
    out.insert("in_app".to_owned(), json!(is_in_app));
    let generated = format!(
        "{}:{}:{}",
        frame.file.as_deref().unwrap_or("?"),
        frame.line.unwrap_or(0),
        frame.column.unwrap_or(0)
    );
    out.insert("generated".to_owned(), json!(generated));
    if let Some(context) = &place.context {
        let lines = context.before.iter().chain([&context.line]).chain(&context.after);
        let n_bytes: usize = lines.map(|line| line.len() + 3).sum();
        if n_bytes <= *budget {
            *budget -= n_bytes;
            out.insert("pre_context".to_owned(), json!(context.before));
            out.insert("context_line".to_owned(), json!(context.line));
            out.insert("post_context".to_owned(), json!(context.after));
        }
    }
    Value::Object(out)
}

fn plain(frame: &Frame, unmapped: Option<&str>) -> Value {
    let mut out = Map::new();
    out.insert("function".to_owned(), json!(frame.function));
    out.insert("filename".to_owned(), json!(frame.file));
    out.insert("lineno".to_owned(), json!(frame.line));
    out.insert("colno".to_owned(), json!(frame.column));
    out.insert("in_app".to_owned(), json!(frame.in_app));
    if let Some(reason) = unmapped {
        out.insert("unmapped".to_owned(), json!(reason));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source_context::Context;
    use crate::domain::symbolicate::{Spot, Unmapped};

    #[test]
    fn frames_have_their_source_or_say_why_not() {
        let stack = "TypeError: x\n    at e (http://h/a.js:1:2)\n    at t (http://h/b.js:1:2)\n    at Array.map (<anonymous>)";
        let at = |file: &str| Spot {
            file: file.to_owned(),
            line: 1,
            column: 2,
        };
        let place = Place {
            source: "src/cart.ts".to_owned(),
            line: 7,
            column: 3,
            name: None,
            function: Some("total".to_owned()),
            is_ignored: false,
            context: Some(Context {
                before: vec!["a".to_owned()],
                line: "b".to_owned(),
                after: vec![],
            }),
        };
        let places: Places = [
            (at("http://h/a.js"), Ok(place)),
            (at("http://h/b.js"), Err(Unmapped::NoMap)),
        ]
        .into();
        let exception = exception(&stacktrace::parse(stack), &places, "TypeError", "x");
        assert_eq!(
            exception,
            json!({"values": [{"type": "TypeError", "value": "x", "stacktrace": {"frames": [
                {"function": "Array.map", "filename": null, "lineno": null, "colno": null, "in_app": false},
                {"function": "t", "filename": "http://h/b.js", "lineno": 1, "colno": 2, "in_app": true,
                 "unmapped": "no source map of this file for this release"},
                {"function": "total", "filename": "src/cart.ts", "lineno": 7, "colno": 3, "in_app": true,
                 "generated": "http://h/a.js:1:2", "pre_context": ["a"], "context_line": "b", "post_context": []},
            ]}}]})
        );
    }
}

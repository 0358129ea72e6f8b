//! Exceptions with original frames, in the shape in which the tracker takes those of events.

use serde_json::{Map, Value, json};
use stacktrace::{Frame, Trace};

use super::symbolicate::{Place, Places, spot};

/// Bytes of context lines in one report: the tracker takes 256 KB of it.
const MAX_CONTEXT_BYTES: usize = 96 * 1024;
/// Bytes of names of sources and functions in one report; frames after these stay as they came. A hundred frames take
/// some 30 KB, and the tracker keeps no more.
const MAX_NAMES_BYTES: usize = 48 * 1024;

/// What may still be told.
struct Budget {
    context: usize,
    names: usize,
}

/// `exception` of a report. `kind` and `message` are those of the report: the last exception's.
pub fn exception(trace: &Trace, places: &Places, kind: &str, message: &str) -> Value {
    let mut budget = Budget {
        context: MAX_CONTEXT_BYTES,
        names: MAX_NAMES_BYTES,
    };
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

fn entry(frame: &Frame, places: &Places, budget: &mut Budget) -> Value {
    let known = spot(frame).and_then(|spot| places.get(&spot));
    match known {
        Some(Ok(place)) => mapped(frame, place, budget),
        Some(Err(reason)) => plain(frame, Some(reason.words())),
        None => plain(frame, None),
    }
}

fn mapped(frame: &Frame, place: &Place, budget: &mut Budget) -> Value {
    let function = place.function.as_ref().or(frame.function.as_ref());
    let file = frame.file.as_deref().unwrap_or("?");
    let n_bytes = place.source.len() + function.map_or(0, String::len) + file.len();
    let Some(left) = budget.names.checked_sub(n_bytes) else {
        return plain(frame, None);
    };
    budget.names = left;
    let mut out = Map::new();
    out.insert("function".to_owned(), json!(function));
    out.insert("filename".to_owned(), json!(place.source));
    out.insert("lineno".to_owned(), json!(place.line));
    out.insert("colno".to_owned(), json!(place.column));
    let is_in_app = !place.is_ignored && stacktrace::is_in_app(&place.source);
    out.insert("in_app".to_owned(), json!(is_in_app));
    let generated = format!("{file}:{}:{}", frame.line.unwrap_or(0), frame.column.unwrap_or(0));
    out.insert("generated".to_owned(), json!(generated));
    if let Some(context) = &place.context {
        let lines = context.before.iter().chain([&context.line]).chain(&context.after);
        let n_bytes: usize = lines.map(|line| line.len() + 3).sum();
        if n_bytes <= budget.context {
            budget.context -= n_bytes;
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

    #[test]
    fn many_frames_with_long_names_make_no_report_that_is_too_long() {
        let stack: String = (0..500).map(|_| "    at f (/a.js:1:1)\n").collect();
        let place = Place {
            source: "s".repeat(300),
            line: 1,
            column: 1,
            name: None,
            function: Some("f".repeat(300)),
            is_ignored: false,
            context: None,
        };
        let spot = Spot {
            file: "/a.js".to_owned(),
            line: 1,
            column: 1,
        };
        let places: Places = [(spot, Ok(place))].into();
        let exception = exception(&stacktrace::parse(&stack), &places, "E", "x");
        let frames = exception["values"][0]["stacktrace"]["frames"].as_array().unwrap();
        assert_eq!(frames.len(), 500);
        // The innermost ones are mapped.
        assert_eq!(frames[0]["filename"], "/a.js");
        assert_eq!(frames[499]["lineno"], 1);
        assert_ne!(frames[499]["filename"], "/a.js");
        assert!(exception.to_string().len() < 128 * 1024);
    }
}

//! Chrome, Edge, Node and Deno: `    at function (file:line:column)`, innermost first, below the message.
//! The form: <https://v8.dev/docs/stack-trace-api>.

use crate::frame::{Frame, Place};
use crate::trace::Exception;
use crate::{location, script};

/// What V8 writes instead of a location for its own functions.
const BUILT_IN: &[&str] = &["<anonymous>", "native", "unknown location"];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    script::parse(text, frame)
}

/// One trimmed line. Java's `at a.B.c(B.java:42)` is none: no space before the parenthesis, no column.
pub(crate) fn frame(line: &str) -> Option<Frame> {
    // Node's inspect hangs ` {` and `,` on the last frame of an error with properties.
    let call = line
        .strip_prefix("at ")?
        .trim_end_matches([' ', '{', '}', ']', ',']);
    let (is_async, call) = match call.strip_prefix("async ") {
        Some(call) => (true, call),
        None => (false, call),
    };
    if let Some((name, location)) = split_call(call) {
        let place = place(location)?;
        return Some(Frame::new(function(name), place));
    }
    if let Some((file, name)) = split_wasm(call) {
        return Some(Frame::new(
            name,
            Place {
                file,
                ..Place::default()
            },
        ));
    }
    let is_nameless = is_async || call == "<anonymous>";
    let place = if is_nameless {
        place(call)?
    } else {
        location::place(call).filter(|p| p.column.is_some())?
    };
    Some(Frame::new("", place))
}

/// `f (a.js:1:2)` to `f` and `a.js:1:2`. The last parenthesis is closed by the one opened with it, since a URL may
/// hold parentheses of its own; when they do not pair, the first one after a space.
fn split_call(call: &str) -> Option<(&str, &str)> {
    let inner = call.strip_suffix(')')?;
    let opening = matching_opening(inner).or_else(|| inner.find(" (").map(|space| space + 1))?;
    let (name, location) = (&inner[..opening], &inner[opening + 1..]);
    (name.is_empty() || name.ends_with(' ')).then_some((name.trim_end(), location))
}

fn matching_opening(inner: &str) -> Option<usize> {
    let mut n_open = 1_usize;
    for (index, character) in inner.char_indices().rev() {
        match character {
            ')' => n_open += 1,
            '(' if n_open == 1 => return Some(index),
            '(' => n_open -= 1,
            _ => {}
        }
    }
    None
}

/// `Function.executeUserEntryPoint [as runMain]` to what it was defined as; nothing for `<anonymous>`.
fn function(name: &str) -> &str {
    match name.split_once(" [as ") {
        Some((name, _)) => name,
        None if name == "<anonymous>" => "",
        None => name,
    }
}

fn place(location: &str) -> Option<Place<'_>> {
    let location = eval_origin(location);
    let is_index = location.starts_with("index ");
    if is_index || BUILT_IN.contains(&location) || location.starts_with("native ") {
        return Some(Place::default());
    }
    if let Some((file, _)) = split_wasm(location) {
        return Some(Place {
            file,
            ..Place::default()
        });
    }
    location::place(location)
}

/// `eval at f (eval at g (a.js:1:2), <anonymous>:3:4), <anonymous>:5:6` to `a.js:1:2`.
fn eval_origin(location: &str) -> &str {
    let mut origin = location;
    while let Some(rest) = origin.strip_prefix("eval at ") {
        let Some((_, inner)) = rest.split_once(" (") else {
            return location;
        };
        origin = inner;
    }
    if origin.len() == location.len() {
        return location;
    }
    let mut n_open = 0_usize;
    let end = origin.find(|character| match character {
        ')' if n_open == 0 => true,
        ')' => {
            n_open -= 1;
            false
        }
        '(' => {
            n_open += 1;
            false
        }
        _ => false,
    });
    &origin[..end.unwrap_or(origin.len())]
}

/// `wasm://wasm/a67b3f86:wasm-function[0]:0x22` to its module and `wasm-function[0]`; an offset is no line.
fn split_wasm(location: &str) -> Option<(&str, &str)> {
    let (before, _) = location.rsplit_once(":0x")?;
    let start = before.rfind(":wasm-function[")?;
    Some((&before[..start], &before[start + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = match frame(line) {
            Some(frame) => format!(
                "{}|{}|{}|{}",
                frame.function.unwrap_or_default(),
                frame.file.unwrap_or_default(),
                frame.line.unwrap_or_default(),
                frame.column.unwrap_or_default(),
            ),
            None => "none".to_owned(),
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn names_lose_what_is_not_part_of_them() {
        check("at f (http://h:80/a.js:1:2)", "f|http://h:80/a.js|1|2");
        check("at async f (file:///a.mjs:1:2)", "f|file:///a.mjs|1|2");
        check("at new Foo (a.js:1:2)", "new Foo|a.js|1|2");
        check("at async Foo.bar [as baz] (a.js:1:2)", "Foo.bar|a.js|1|2");
        check("at <anonymous> (a.js:1:2)", "|a.js|1|2");
        check("at (a.js:1:2)", "|a.js|1|2");
    }

    #[test]
    fn a_frame_may_have_no_name() {
        check(r"at C:\my shop\a.js:1:2", r"|C:\my shop\a.js|1|2");
        check("at node:internal/main:28:49 {", "|node:internal/main|28|49");
        check("at async file:///a.mjs:1:2,", "|file:///a.mjs|1|2");
        check("at <anonymous>", "||0|0");
        check("at <anonymous>:1:1", "|<anonymous>|1|1");
    }

    #[test]
    fn built_in_code_has_no_file() {
        check("at Array.forEach (<anonymous>)", "Array.forEach||0|0");
        check("at async Promise.all (index 0)", "Promise.all||0|0");
        check("at Array.map (native)", "Array.map||0|0");
    }

    #[test]
    fn evaluated_code_is_where_eval_stood() {
        check(
            "at eval (eval at f (http://h/a.js:1:2), <anonymous>:3:4)",
            "eval|http://h/a.js|1|2",
        );
        check(
            "at g (eval at f (eval at e (a(1).js:1:2), <anonymous>:3:4), <anonymous>:5:6)",
            "g|a(1).js|1|2",
        );
        check(
            "at eval (eval at <anonymous> (eval at f (a.js:5:10)), <anonymous>:1:1)",
            "eval|a.js|5|10",
        );
        check("at eval (eval at f)", "none");
    }

    #[test]
    fn wasm_has_a_module_but_no_line() {
        check(
            "at wasm://wasm/a6:wasm-function[3]:0x1f",
            "wasm-function[3]|wasm://wasm/a6|0|0",
        );
        check(
            "at weigh (http://h/a.wasm:wasm-function[3]:0x1f)",
            "weigh|http://h/a.wasm|0|0",
        );
    }

    #[test]
    fn urls_may_hold_parentheses() {
        check(
            "at f (http://h/a(1).js?q=(2):3:4)",
            "f|http://h/a(1).js?q=(2)|3|4",
        );
        check("at f (http://h/a).js:3:4)", "f|http://h/a).js|3|4");
        check("at http://h/a.js?v=3(beta):3:4", "|http://h/a.js?v=3(beta)|3|4");
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("at shop.Basket.total(Basket.java:42)", "none");
        check("at Shop.Basket.Total() in C:\\shop\\Basket.cs:line 42", "none");
        check("at 10:30", "none");
        check("at last", "none");
        check("Error: at f (a.js:1:2)", "none");
        check("at f (a.js:99999999999:2)", "f|a.js|0|2");
    }
}

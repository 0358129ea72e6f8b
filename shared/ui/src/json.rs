//! JSON text made readable without being understood: numbers, order and repeated names stay as they were sent.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::value::RawValue;

/// Deeper levels stay at this indentation, so that a bomb of brackets does not grow with its square.
const MAX_INDENT: usize = 24;

/// `json` with a line per value, two blanks per level; what is not JSON comes back as it is.
pub fn indent(json: &str) -> String {
    if serde_json::from_str::<&RawValue>(json).is_err() {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => string(&mut chars, &mut text),
            '{' | '[' => open(c, &mut chars, &mut text, &mut depth),
            '}' | ']' => {
                depth -= 1;
                new_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => text.push(c),
        }
    }
    text
}

/// The rest of a string, whose first quote is read.
fn string(chars: &mut Peekable<Chars<'_>>, text: &mut String) {
    text.push('"');
    let mut is_escaped = false;
    for c in chars {
        text.push(c);
        if c == '"' && !is_escaped {
            return;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
}

/// An opening bracket; an empty object or list stays on its line.
fn open(bracket: char, chars: &mut Peekable<Chars<'_>>, text: &mut String, depth: &mut usize) {
    text.push(bracket);
    while chars.next_if(char::is_ascii_whitespace).is_some() {}
    match chars.next_if(|&c| c == '}' || c == ']') {
        Some(closing) => text.push(closing),
        None => {
            *depth += 1;
            new_line(text, *depth);
        }
    }
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth.min(MAX_INDENT)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_gets_a_line_per_value() {
        let check = |json: &str, text: &str| assert_eq!(indent(json), text);
        check(
            r#"{"a":[1,{"b":null}],"a":1.50e400}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"a\": 1.50e400\n}",
        );
        check("[ ]", "[]");
        check(r#"{"a\"{,":"\\"}"#, "{\n  \"a\\\"{,\": \"\\\\\"\n}");
        check("12345678901234567890123", "12345678901234567890123");
    }

    #[test]
    fn what_is_not_json_is_left_alone() {
        for text in ["", "hello world", "}}}", "{\"a\":", "[1,]"] {
            assert_eq!(indent(text), text);
        }
    }

    #[test]
    fn a_bomb_of_brackets_stays_small() {
        let bomb = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(indent(&bomb).len() < 6_000_000);
    }
}

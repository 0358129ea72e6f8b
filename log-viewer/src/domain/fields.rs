//! Names and values in an entry: of a JSON object, nested names joined by dots, or of logfmt.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Fields looked at in one entry; what is beyond is data rather than fields.
const MAX_FIELDS: usize = 256;
/// Objects within objects.
const MAX_DEPTH: usize = 16;

/// All fields of the message, in its order, names and values as they are written. An array gives one for each element.
pub fn all(message: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if is_json(message) {
        collect("", message, 0, &mut fields);
    } else {
        logfmt(message, &mut fields);
    }
    fields
}

/// Numbers stay as they are written, so that they are the words of the text.
fn collect(name: &str, json: &str, depth: usize, fields: &mut Vec<(String, String)>) {
    if fields.len() >= MAX_FIELDS || depth > MAX_DEPTH {
        return;
    }
    match json.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
            for (key, value) in members {
                let is_top = name.is_empty();
                let name = if is_top { key } else { format!("{name}.{key}") };
                collect(&name, value.get(), depth + 1, fields);
            }
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            for value in elements {
                collect(name, value.get(), depth + 1, fields);
            }
        }
        Some(b'"') => {
            fields.extend(
                serde_json::from_str(json)
                    .ok()
                    .map(|text| (name.to_owned(), text)),
            );
        }
        Some(_) => fields.push((name.to_owned(), json.to_owned())),
        None => {}
    }
}

/// `name=value name="two words"`; whatever else stands between is passed over.
fn logfmt(message: &str, fields: &mut Vec<(String, String)>) {
    let mut rest = message;
    while fields.len() < MAX_FIELDS {
        let Some(equals) = rest.find('=') else { return };
        let before = &rest[..equals];
        let start = before
            .rfind(|c: char| !is_name(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        let begins_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@');
        let stands_alone = before[..start].chars().next_back().is_none_or(begins_a_word);
        rest = &rest[equals + 1..];
        if begins_well && stands_alone {
            let (value, length) = value(rest);
            fields.push((name.to_owned(), value));
            rest = &rest[length..];
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/')
}

/// What may stand before a name.
fn begins_a_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '[' | '(' | '{' | ';' | '|')
}

/// A value and how many bytes it takes.
fn value(text: &str) -> (String, usize) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return (value, at + 2),
                '\\' if matches!(quoted[at + 1..].chars().next(), Some('"' | '\\')) => {
                    value.extend(chars.next().map(|(_, c)| c));
                }
                c => value.push(c),
            }
        }
    }
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ']' | ')' | '}'))
        .unwrap_or(text.len());
    (text[..end].to_owned(), end)
}

/// JSON objects begin like this, and hardly anything else.
pub fn is_json(message: &str) -> bool {
    message.trim_ascii_start().starts_with('{')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &[(&str, &str)]) {
        let found = all(message);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, expected, "{message}");
    }

    #[test]
    fn json_has_nested_names() {
        check(
            r#"{"level":"warn","req":{"method":"GET","ok":true},"tags":["a","b"],"n":1.50,"x":null}"#,
            &[
                ("level", "warn"),
                ("n", "1.50"),
                ("req.method", "GET"),
                ("req.ok", "true"),
                ("tags", "a"),
                ("tags", "b"),
                ("x", "null"),
            ],
        );
        check(r#"{"half":"#, &[]);
        check("plain words", &[]);
    }

    #[test]
    fn logfmt_has_quoted_values() {
        check(
            r#"time=12:00 msg="two \"big\" words" status=500, done user.id=7"#,
            &[
                ("time", "12:00"),
                ("msg", r#"two "big" words"#),
                ("status", "500"),
                ("user.id", "7"),
            ],
        );
        check("a==b http://x/?q=1 1=2", &[("a", "=b")]);
        check(r#"msg="no end"#, &[("msg", r#""no"#)]);
    }

    proptest! {
        #[test]
        fn any_text_has_some_fields_or_none(text in "\\PC*", pairs in "([a-zé]=\"?[a-zé\\\\]*\"? ?)*") {
            let _ = (all(&text), all(&pairs));
        }
    }
}

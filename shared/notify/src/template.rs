//! A webhook's own JSON: a text whose string values may hold `{{placeholders}}`.
//!
//! The text is split once into what stays and what is filled in. Only the inside of string values is ever replaced,
//! by text escaped for JSON, so what comes out is JSON whatever a message says; and order, numbers and spacing stay
//! as they were written. What is filled in is not looked at again.

use std::str::FromStr;

use crate::bad_setting::BadSetting;

/// Longest template, in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// Most placeholders: with texts of at most 16 KB this bounds the body.
const MAX_PLACEHOLDERS: usize = 50;

/// A template that was checked: JSON, and with no placeholder that does not exist.
///
/// Placeholders: `{{kind}} {{title}} {{text}} {{project}} {{environment}} {{url}} {{count}} {{delivery}} {{time}}`
/// (RFC 3339) and `{{fact.NAME}}`; what a message does not have is empty. Names of members are left alone. For
/// braces as such write `\u007b{`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Verbatim(String),
    Placeholder(String),
}

const NAMES: [&str; 9] = [
    "kind",
    "title",
    "text",
    "project",
    "environment",
    "url",
    "count",
    "delivery",
    "time",
];

impl FromStr for Template {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Template, BadSetting> {
        if text.len() > MAX_BYTES {
            return Err(BadSetting::new(format!(
                "the template is longer than {MAX_BYTES} bytes"
            )));
        }
        serde_json::from_str::<serde_json::Value>(text)
            .map_err(|cause| BadSetting::new(format!("the template is not JSON: {cause}")))?;
        let parts = split(text)?;
        let n_placeholders = parts
            .iter()
            .filter(|part| matches!(part, Part::Placeholder(_)))
            .count();
        if n_placeholders > MAX_PLACEHOLDERS {
            return Err(BadSetting::new(format!(
                "the template has more than {MAX_PLACEHOLDERS} placeholders"
            )));
        }
        Ok(Template(parts))
    }
}

impl Template {
    /// The JSON, with each placeholder replaced by what `value` says of its name.
    pub(crate) fn fill<'a>(&self, value: impl Fn(&str) -> &'a str) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Verbatim(text) => filled.push_str(text),
                Part::Placeholder(name) => push_escaped(&mut filled, value(name)),
            }
        }
        filled
    }
}

/// Appends a text as it stands between the quotes of a JSON string.
fn push_escaped(out: &mut String, text: &str) {
    let quoted = serde_json::Value::from(text).to_string();
    out.push_str(&quoted[1..quoted.len() - 1]);
}

/// `text` is known to be JSON.
fn split(text: &str) -> Result<Vec<Part>, BadSetting> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut verbatim = String::new();
    while let Some(start) = rest.find('"') {
        let (before, string) = rest.split_at(start + 1);
        verbatim.push_str(before);
        let end = string_end(string);
        let (inside, after) = string.split_at(end);
        rest = after;
        let is_name = after[1..].trim_start().starts_with(':');
        if is_name {
            verbatim.push_str(inside);
        } else {
            split_string(inside, &mut verbatim, &mut parts)?;
        }
        // The closing quote; else it would count as an opening one.
        verbatim.push('"');
        rest = &rest[1..];
    }
    verbatim.push_str(rest);
    parts.push(Part::Verbatim(verbatim));
    Ok(parts)
}

/// Where the closing quote is; the text begins after the opening one.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}

fn split_string(inside: &str, verbatim: &mut String, parts: &mut Vec<Part>) -> Result<(), BadSetting> {
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return Err(BadSetting::new("the template has {{ without }}"));
        };
        let name = unescaped(name.trim());
        let is_known =
            NAMES.contains(&name.as_str()) || name.strip_prefix("fact.").is_some_and(|fact| !fact.is_empty());
        if !is_known {
            return Err(BadSetting::new(format!(
                "the template has no placeholder {{{{{name}}}}}"
            )));
        }
        verbatim.push_str(before);
        parts.push(Part::Verbatim(std::mem::take(verbatim)));
        parts.push(Part::Placeholder(name));
        rest = after;
    }
    verbatim.push_str(rest);
    Ok(())
}

/// What a piece of a JSON string says: a fact's name may be written with escapes.
fn unescaped(piece: &str) -> String {
    serde_json::from_str(&format!("\"{piece}\"")).unwrap_or_else(|_| piece.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(template: &str, expected: &str) {
        let template: Template = template.parse().unwrap();
        let filled = template.fill(|name| match name {
            "title" => "a \"b\" \\ {{text}}\n",
            "count" => "3",
            "fact.Release" => "1.2",
            "fact.a \"b\" ä" => "quoted",
            _ => "",
        });
        assert_eq!(filled, expected);
    }

    fn refusal(template: &str) -> String {
        template.parse::<Template>().unwrap_err().to_string()
    }

    #[test]
    fn string_values_are_filled_and_nothing_else() {
        check(r#"{"a": "{{title}}"}"#, r#"{"a": "a \"b\" \\ {{text}}\n"}"#);
        check(
            r#"{"{{title}}" : "x{{ count }}y{{count}}"}"#,
            r#"{"{{title}}" : "x3y3"}"#,
        );
        check(
            r#"["{{fact.Release}}","{{fact.None}}",1.50,"\"{{count}}\\"]"#,
            r#"["1.2","",1.50,"\"3\\"]"#,
        );
        check(
            r#"{"b":1,"a":12345678901234567890123,"b":"\u007b{title}}"}"#,
            r#"{"b":1,"a":12345678901234567890123,"b":"\u007b{title}}"}"#,
        );
        check(r#"["{{fact.a \"b\" \u00e4}}"]"#, r#"["quoted"]"#);
        check(r#""{{count}}""#, r#""3""#);
        check(" [1] ", " [1] ");
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_at_once() {
        assert_eq!(
            refusal(r#"{"a":"{{titel}}"}"#),
            "the template has no placeholder {{titel}}"
        );
        assert_eq!(
            refusal(r#"{"a":"{{fact.}}"}"#),
            "the template has no placeholder {{fact.}}"
        );
        assert_eq!(refusal(r#"{"a":"{{title"}"#), "the template has {{ without }}");
        assert!(refusal(r#"{"a":{{title}}}"#).starts_with("the template is not JSON: "));
        assert!(refusal(r#"{"a":"\ud800"}"#).starts_with("the template is not JSON: "));
        assert!(refusal(&"[".repeat(10_000)).starts_with("the template is not JSON: "));
        assert!(refusal(&format!("\"{}\"", "x".repeat(MAX_BYTES))).contains("32768"));
        assert!(refusal(&format!("\"{}\"", "{{url}}".repeat(51))).contains("more than 50"));
    }

    fn any_template() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("{{title}}".to_owned()),
            Just("{{text}} \\ {{fact.a\"b}}".to_owned()),
            "[^{}]{0,8}",
        ];
        let leaf = prop_oneof![
            any::<i64>().prop_map(|n| json!(n)),
            Just(Value::Null),
            word.clone().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(word.clone(), inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    /// What filling means, done on the tree.
    fn filled_tree(tree: &Value, title: &str, text: &str) -> Value {
        match tree {
            Value::String(word) => match word.as_str() {
                "{{title}}" => title.into(),
                "{{text}} \\ {{fact.a\"b}}" => format!("{text} \\ ").into(),
                other => other.into(),
            },
            Value::Array(list) => list.iter().map(|value| filled_tree(value, title, text)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(name, value)| (name.clone(), filled_tree(value, title, text)))
                .collect(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_the_tree_with_its_strings_filled(
            tree in any_template(), title in "(?s).{0,30}", text in "(?s).{0,30}", is_pretty: bool,
        ) {
            let source = if is_pretty { serde_json::to_string_pretty(&tree).unwrap() } else { tree.to_string() };
            let template: Template = source.parse().unwrap();
            let filled = template.fill(|name| match name {
                "title" => &title,
                "text" => &text,
                _ => "",
            });
            let parsed: Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(parsed, filled_tree(&tree, &title, &text));
        }

        #[test]
        fn any_text_that_is_taken_gives_json(source in r#"[\[\]{}":, \\a-c\{\}"u0]{0,24}"#, value in "(?s).{0,10}") {
            if let Ok(template) = source.parse::<Template>() {
                let filled = template.fill(|_| &value);
                prop_assert!(serde_json::from_str::<Value>(&filled).is_ok(), "{}", filled);
            }
        }
    }
}

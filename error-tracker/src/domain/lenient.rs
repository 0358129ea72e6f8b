//! Reads JSON that many hands have written: what has a sensible meaning is taken, the rest is left out.

use serde_json::Value;

/// Text of a scalar; none of `null`, lists and objects.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Text of a field that is there and not empty, at most `max_chars` long.
pub(super) fn field(object: &Value, name: &str, max_chars: usize) -> Option<String> {
    let found = text(object.get(name)?)?;
    (!found.is_empty()).then(|| cut(found, max_chars))
}

/// The first `max_chars` characters, with `…` for the rest.
pub(super) fn cut(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The items of a list, of an object's list `values`, or a single object as a list of itself.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Object(object) => match object.get("values") {
            Some(Value::Array(items)) => items,
            Some(Value::Null) => &[],
            _ => std::slice::from_ref(value),
        },
        _ => &[],
    }
}

/// Names and values of an object, or of a list of pairs; values that are no scalars are left out.
pub(super) fn pairs(value: &Value, max_chars: usize) -> Vec<(String, String)> {
    let pair = |name: &str, value: &Value| {
        let value = match value {
            // Headers as lists: ["a", "b"].
            Value::Array(values) => {
                let texts: Vec<_> = values.iter().filter_map(text).collect();
                (!texts.is_empty()).then(|| texts.join(", "))?
            }
            value => text(value)?,
        };
        Some((cut(name.to_owned(), max_chars), cut(value, max_chars)))
    };
    match value {
        Value::Object(object) => object
            .iter()
            .filter_map(|(name, value)| pair(name, value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| match item.as_array().map(Vec::as_slice) {
                Some([name, value]) => pair(&text(name)?, value),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A copy in which no text is longer than `max_chars`, no list or object larger than `max_items`,
/// and nothing is nested deeper than `max_depth`.
pub(super) fn trimmed(value: &Value, max_chars: usize, max_items: usize, max_depth: usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text.clone(), max_chars)),
        Value::Array(_) | Value::Object(_) if max_depth == 0 => Value::String("…".to_owned()),
        Value::Array(items) => items
            .iter()
            .take(max_items)
            .map(|item| trimmed(item, max_chars, max_items, max_depth - 1))
            .collect(),
        Value::Object(object) => Value::Object(
            object
                .iter()
                .take(max_items)
                .map(|(name, item)| {
                    let item = trimmed(item, max_chars, max_items, max_depth - 1);
                    (cut(name.clone(), max_chars), item)
                })
                .collect(),
        ),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_come_in_three_shapes() {
        for shape in [json!([{"a": 1}]), json!({"values": [{"a": 1}]}), json!({"a": 1})] {
            assert_eq!(items(&shape), [json!({"a": 1})], "{shape}");
        }
        for nothing in [json!(null), json!(1), json!("x"), json!({"values": null})] {
            assert_eq!(items(&nothing), [Value::Null; 0], "{nothing}");
        }
    }

    #[test]
    fn pairs_come_as_objects_and_as_lists() {
        let expected = [
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "true".to_owned()),
        ];
        assert_eq!(
            pairs(&json!({"a": 1, "b": true, "c": null, "d": {}}), 10),
            expected
        );
        assert_eq!(
            pairs(&json!([["a", "1"], ["b", true], ["c"], 5, ["d", null]]), 10),
            expected
        );
        assert_eq!(
            pairs(&json!({"Accept": ["x", "y"]}), 10),
            [("Accept".to_owned(), "x, y".to_owned())]
        );
    }

    #[test]
    fn what_is_too_large_is_cut() {
        let large = json!({"a": "xxxx", "b": [1, 2, 3], "c": {"d": {"e": 1}}});
        assert_eq!(
            trimmed(&large, 2, 2, 2),
            json!({"a": "xx…", "b": [1, 2]}),
            "two items of each"
        );
        assert_eq!(trimmed(&json!([[[1]]]), 5, 5, 2), json!([["…"]]));
    }
}

//! A batch of metrics of a browser: read from a request body, and as the collector takes it.

use std::borrow::Cow;

use api_types::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::batch::{self, Batch};
use super::event_id;
use super::page;
use super::privacy::{self, Wish};
use super::refusal::{Refusal, object};

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Labels that the relay gives; a page's own of these names must not take their place.
const PROJECT: &str = "project";
const SOURCE: &str = "source";

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    metrics: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    event_id: Text<'a>,
}

/// Reads a request body into one of `POST /api/metrics` of the collector.
pub fn forward(body: &[u8], project: &str, wish: Wish) -> Result<Batch, Refusal> {
    let body = object(body)?;
    let wire: Wire<'_> = serde_json::from_str(&body).map_err(|_| Refusal::NoJson)?;
    let items: Vec<Value> = batch::items(wire.metrics, "metrics")?;
    let given = Given {
        project,
        session_id: wire.session_id.0.filter(|_| wish == Wish::None),
        page: wire.url.as_str().map(page::of),
        wish,
    };
    let items = items
        .into_iter()
        .map(|item| given.enrich(item))
        .collect::<Result<Vec<_>, _>>()?;
    let n = items.len();
    let body = serde_json::to_vec(&items).map_err(|cause| Refusal::Bad(cause.to_string()))?;
    Ok(Batch {
        body,
        n,
        event_id: wire.event_id.as_str().and_then(event_id::read),
    })
}

/// What holds for all metrics of a batch.
struct Given<'a> {
    project: &'a str,
    session_id: Option<Cow<'a, str>>,
    page: Option<&'a str>,
    wish: Wish,
}

impl Given<'_> {
    fn enrich(&self, item: Value) -> Result<Value, Refusal> {
        let Value::Object(mut item) = item else {
            return Err(Refusal::Bad("Each metric must be a JSON object".to_owned()));
        };
        check(&item)?;
        let own = match item.remove("labels") {
            Some(Value::Object(labels)) => labels,
            _ => Map::new(),
        };
        let mut out = Map::new();
        for name in ["name", "type", "value"] {
            out.extend(item.remove_entry(name));
        }
        out.insert("labels".to_owned(), Value::Object(self.labels(own)));
        out.insert(PROJECT.to_owned(), self.project.into());
        out.extend(item.remove_entry("timestamp").filter(|(_, it)| it.is_string()));
        Ok(Value::Object(out))
    }

    /// The page's own labels below those that the relay gives: no name comes twice.
    fn labels(&self, own: Map<String, Value>) -> Map<String, Value> {
        let mut own = Value::Object(own);
        if self.wish == Wish::Anonymous {
            privacy::anonymize(&mut own);
        }
        let own = own.as_object_mut().map(std::mem::take).unwrap_or_default();
        let mut labels: Map<String, Value> = own
            .into_iter()
            .map(|(name, value)| match value {
                Value::Array(_) | Value::Object(_) => (name, Value::Null),
                plain => (name, plain),
            })
            .collect();
        labels.insert(PROJECT.to_owned(), self.project.into());
        labels.insert(SOURCE.to_owned(), "browser".into());
        if let Some(session_id) = &self.session_id {
            labels.insert("session_id".to_owned(), session_id.as_ref().into());
        }
        if let Some(page) = self.page {
            labels.insert("page".to_owned(), page.into());
        }
        labels
    }
}

fn check(item: &Map<String, Value>) -> Result<(), Refusal> {
    let text = |name: &'static str| {
        let value = item.get(name).and_then(Value::as_str);
        value.ok_or(Refusal::Missing(name))
    };
    let name = text("name")?;
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Refusal::Bad(format!(
            "Field 'name' must be 1-{MAX_NAME_CHARS} characters"
        )));
    }
    if !matches!(text("type")?, "counter" | "histogram" | "gauge") {
        return Err(Refusal::Bad(
            "Field 'type' must be 'counter', 'histogram', or 'gauge'".to_owned(),
        ));
    }
    let is_number = item.get("value").is_some_and(Value::is_number);
    is_number.then_some(()).ok_or(Refusal::Missing("value"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(body: &Value, wish: Wish) -> Value {
        let Batch { body, n, .. } = forward(body.to_string().as_bytes(), "shop", wish).unwrap();
        let items: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(items.as_array().unwrap().len(), n);
        items
    }

    #[test]
    fn own_labels_of_the_relays_names_make_no_name_twice() {
        let body = json!({"url": "http://h/p?q=1", "session_id": "s", "metrics": [{"name": "n", "type": "gauge", "value": 1.5,
            "labels": {"project": "evil", "source": "x", "page": "/own", "session_id": "own", "a": true, "b": [1], "c": 2},
            "timestamp": "2026-11-20T13:43:22.148Z", "other": 1}, {"name": "m", "type": "counter", "value": 1, "labels": 5}]});
        let labels = json!({"project": "shop", "source": "browser", "session_id": "s", "page": "/p"});
        let mut first = labels.clone();
        first["a"] = true.into();
        first["b"] = Value::Null;
        first["c"] = 2.into();
        assert_eq!(
            items(&body, Wish::None),
            json!([
                {"name": "n", "type": "gauge", "value": 1.5, "labels": first, "project": "shop", "timestamp": "2026-11-20T13:43:22.148Z"},
                {"name": "m", "type": "counter", "value": 1, "labels": labels, "project": "shop"},
            ])
        );
        let nobody = items(&body, Wish::Anonymous);
        assert_eq!(nobody[0]["labels"]["session_id"], Value::Null);
        assert_eq!(nobody[0]["labels"]["page"], "/p");
        let own = json!({"metrics": [{"name": "n", "type": "counter", "value": 1, "labels": {"user": "S", "email": "S",
            "username": "S", "url": "http://h/p?S", "page": "/p?S", "step": "pay"}}]});
        assert_eq!(
            items(&own, Wish::Anonymous)[0]["labels"],
            json!({"project": "shop", "source": "browser", "url": "http://h/p", "page": "/p", "step": "pay"})
        );
    }

    #[test]
    fn refusals_have_the_contracts_words() {
        let check = |body: &Value, expected: &str| {
            let refusal = forward(body.to_string().as_bytes(), "shop", Wish::None).unwrap_err();
            assert_eq!(refusal.to_string(), expected, "{body}");
        };
        let one = |item: Value| json!({"metrics": [item]});
        check(&json!({}), "Missing required field: metrics");
        check(&json!({"metrics": {}}), "Field 'metrics' must be an array");
        check(&json!({"metrics": []}), "Metrics array must not be empty");
        check(
            &json!({"metrics": vec![1; 1001]}),
            "Metrics batch exceeds maximum of 1000 items",
        );
        check(&one(json!(1)), "Each metric must be a JSON object");
        check(&one(json!({})), "Missing required field: name");
        check(
            &one(json!({"name": "", "type": "x"})),
            "Field 'name' must be 1-200 characters",
        );
        check(&one(json!({"name": "n"})), "Missing required field: type");
        check(
            &one(json!({"name": "n", "type": "x"})),
            "Field 'type' must be 'counter', 'histogram', or 'gauge'",
        );
        check(
            &one(json!({"name": "n", "type": "gauge", "value": "1"})),
            "Missing required field: value",
        );
        check(&json!([]), "Request body must be a JSON object");
    }
}

//! What must be true of any service's `openapi.json`: it has the routes that are served, its references lead somewhere,
//! and each operation explains itself.

use std::collections::BTreeSet;

use serde_json::Value;

/// What `service` adds for other programs: method, path, scope.
const COMMON: [(&str, &str, &str); 4] = [
    ("GET", "/health", "public"),
    ("GET", "/ready", "public"),
    ("GET", "/metrics", "read"),
    ("GET", "/openapi.json", "public"),
];

/// Every operation: path, method, and what the document says of it.
pub fn operations(document: &Value) -> Vec<(&str, String, &Value)> {
    let paths = fields(&document["paths"]);
    let entries = paths.flat_map(|(path, item)| fields(item).map(move |it| (path, it)));
    entries
        .filter(|(_, (name, _))| *name != "parameters")
        .map(|(path, (method, operation))| (path, method.to_uppercase(), operation))
        .collect()
}

/// Panics unless the document has exactly the routes that are `served`, each with its scope, and what all services have.
pub fn check_routes(document: &str, served: impl IntoIterator<Item = (String, String, &'static str)>) {
    let document: Value = document.parse().expect("the document is JSON");
    let row = |method: &str, path: &str, scope: &str| format!("{method} {path} {scope}");
    let served = served
        .into_iter()
        .map(|(method, path, scope)| row(&method, &path, scope));
    let common = COMMON
        .iter()
        .map(|(method, path, scope)| row(method, path, scope));
    let documented = operations(&document)
        .into_iter()
        .map(|(path, method, operation)| row(&method, path, scope(&operation["security"][0])));
    assert_eq!(
        documented.collect::<BTreeSet<String>>(),
        served.chain(common).collect()
    );
}

/// `read` and the like; `dsn` where only that key does; `public` where none is asked for.
fn scope(first: &Value) -> &str {
    match first["apiKey"][0].as_str() {
        Some(scope) => scope,
        None if first["dsnKey"].is_array() => "dsn",
        None => "public",
    }
}

/// Panics unless every reference leads somewhere and every component is used.
pub fn check_references(document: &Value, version: &str) {
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], version);
    let mut found = Vec::new();
    all(document, "$ref", &mut found);
    let used: BTreeSet<&str> = found.into_iter().filter_map(Value::as_str).collect();
    for target in &used {
        let place = target.strip_prefix('#').unwrap_or_default();
        assert!(document.pointer(place).is_some(), "{target}");
    }
    for (kind, components) in fields(&document["components"]).filter(|(kind, _)| *kind != "securitySchemes") {
        for (name, _) in fields(components) {
            let place = format!("#/components/{kind}/{name}");
            assert!(used.contains(place.as_str()), "{kind}/{name} is not used");
        }
    }
}

/// Panics unless every operation has a name, a tag, words, and the refusals of its kind.
pub fn check_operations(document: &Value) {
    let tags: Vec<&Value> = items(&document["tags"]).map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(document) {
        let case = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str()), "{case}");
        assert!(tags.contains(&&operation["tags"][0]), "{case}");
        for text in ["summary", "description"] {
            let is_told = operation[text].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_told, "{case}: {text}");
        }
        let has_own_key = operation["security"][0]["maltiKey"].is_array();
        let needs_key = has_own_key || items(&operation["security"]).count() == 3;
        let answers: BTreeSet<&str> = fields(&operation["responses"])
            .map(|(status, _)| status)
            .collect();
        assert_eq!(
            needs_key,
            answers.contains("401") && answers.contains("403"),
            "{case}"
        );
        assert_eq!(path.contains("{id}"), answers.contains("404"), "{case}");
    }
    assert!(!ids.contains(&None), "an operation has no name");
    let mut links = Vec::new();
    all(&document["components"]["links"], "operationId", &mut links);
    assert!(links.iter().all(|id| ids.contains(&id.as_str())));
}

/// Panics unless an answer is one that the operation tells of, of its media type and with the fields that it requires.
pub fn check_answer(case: &str, operation: &Value, answer: &crate::Answer) {
    let told = &operation["responses"][answer.status.as_str()];
    assert!(told.is_object(), "{case}: {}", answer.text());
    let Some((media, content)) = fields(&told["content"]).next() else {
        panic!("{case}: it has no content")
    };
    assert!(answer.header("content-type").starts_with(media), "{case}");
    for field in items(&content["schema"]["required"]).filter_map(Value::as_str) {
        assert!(answer.json().get(field).is_some(), "{case}: {field} is missing");
    }
}

/// Panics if a value in `answer`, however deep, is none of those that `document` lists for it in the 200 of GET `path`.
pub fn check_values(document: &Value, path: &str, answer: &Value) {
    let content = &document["paths"][path]["get"]["responses"]["200"]["content"];
    let schema = &content["application/json"]["schema"];
    assert!(schema.is_object(), "{path} is not in the document");
    check_value(document, path, schema, answer);
}

fn check_value(document: &Value, case: &str, schema: &Value, value: &Value) {
    if let Some(target) = schema["$ref"].as_str() {
        let place = target.strip_prefix('#').unwrap_or_default();
        return check_value(
            document,
            case,
            document.pointer(place).unwrap_or(&Value::Null),
            value,
        );
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{case}: {value} is not in the document");
    }
    for (name, schema) in fields(&schema["properties"]) {
        value
            .get(name)
            .iter()
            .for_each(|field| check_value(document, &format!("{case}.{name}"), schema, field));
    }
    items(value).for_each(|item| check_value(document, case, &schema["items"], item));
}

/// Every value of `name`, however deep.
fn all<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| all(field, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, name, found)),
        _ => {}
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, field)| (name.as_str(), field))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

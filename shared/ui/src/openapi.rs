//! An OpenAPI 3.1 document turned into what `docs.html` loops over. Tolerant: it shows what it understands.

use serde_json::{Map, Value};

use crate::link;
use crate::text::{Piece, paragraphs, pieces};

/// Operations that share a tag.
#[derive(Debug)]
pub struct OperationGroup {
    /// The tag; operations without one are under "Other".
    pub name: String,
    /// The tag's own description.
    pub description: Vec<Vec<Piece>>,
    /// By path, then in the order of METHODS.
    pub operations: Vec<Operation>,
}

/// One method of one path.
#[derive(Debug)]
pub struct Operation {
    /// Its place on the page.
    pub anchor: String,
    /// Upper case: `POST`.
    pub method: String,
    /// With its parameters in braces: `/api/errors/{id}`.
    pub path: String,
    /// One line.
    pub summary: String,
    /// The rest.
    pub description: Vec<Vec<Piece>>,
    /// Whether it asks for a key.
    pub needs_key: bool,
    /// Path, query and header parameters.
    pub parameters: Vec<Field>,
    /// What to send.
    pub body: Option<Body>,
    /// What comes back.
    pub answers: Vec<Answer>,
    /// A command line that calls it.
    pub curl: String,
}

/// A parameter, or a field of a body.
#[derive(Debug)]
pub struct Field {
    /// As it is sent. Fields within fields are written with dots: `labels.route`.
    pub name: String,
    /// `path`, `query`, `header`; empty for a body's field.
    pub place: String,
    /// `string`, `integer`, `array of string`, `string or null`; with an enumeration's values.
    pub kind: String,
    /// Whether leaving it out is an error.
    pub required: bool,
    /// What it means.
    pub description: Vec<Piece>,
}

/// The body of a request.
#[derive(Debug)]
pub struct Body {
    /// `application/json`.
    pub media: String,
    /// Its fields, if it is an object or an array of them.
    pub fields: Vec<Field>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// `200`, `4XX`, `default`.
    pub status: String,
    /// When it is given.
    pub description: Vec<Piece>,
}

/// The methods of a path item, in the order in which they are shown.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// How many `$ref`s are followed in a row: a document that points at itself must end.
const MAX_REFS: usize = 8;
/// How deep the fields of fields are listed.
const MAX_DEPTH: usize = 3;

/// The operations of `document` by tag: the document's tags first, in its order, others as they are met.
pub fn groups(document: &Value, address: &str) -> Vec<OperationGroup> {
    let document = Document {
        root: document,
        address,
    };
    let mut groups: Vec<OperationGroup> = items(document.root.get("tags"))
        .iter()
        .map(|tag| group(text(tag, "name"), text(tag, "description")))
        .collect();
    for (path, item) in fields(document.root.get("paths")) {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let tag = items(operation.get("tags"))
                .first()
                .and_then(Value::as_str)
                .unwrap_or("Other");
            let at = groups
                .iter()
                .position(|group| group.name == tag)
                .unwrap_or_else(|| {
                    groups.push(group(tag, ""));
                    groups.len() - 1
                });
            groups[at]
                .operations
                .push(document.operation(method, path, item, operation));
        }
    }
    groups.retain(|group| !group.operations.is_empty());
    groups
}

fn group(name: &str, description: &str) -> OperationGroup {
    OperationGroup {
        name: name.to_owned(),
        description: paragraphs(description),
        operations: Vec::new(),
    }
}

struct Document<'a> {
    root: &'a Value,
    address: &'a str,
}

impl<'a> Document<'a> {
    fn operation(&self, method: &str, path: &str, item: &'a Value, operation: &'a Value) -> Operation {
        let shared = items(item.get("parameters")).iter();
        let own = items(operation.get("parameters")).iter();
        let parameters: Vec<&Value> = shared
            .chain(own)
            .map(|parameter| self.follow(parameter))
            .collect();
        let body = operation
            .get("requestBody")
            .map(|body| self.follow(body))
            .and_then(|body| self.body(body));
        let needs_key = self.needs_key(operation);
        Operation {
            anchor: anchor(method, path),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary").to_owned(),
            description: paragraphs(text(operation, "description")),
            needs_key,
            curl: self.curl(method, path, &parameters, body.as_ref(), needs_key),
            parameters: parameters
                .iter()
                .map(|parameter| self.parameter(parameter))
                .collect(),
            body: body.map(|(body, _)| body),
            answers: fields(operation.get("responses"))
                .map(|(status, answer)| self.answer(status, answer))
                .collect(),
        }
    }

    /// An operation's own `security` replaces the document's; an empty list, or one with `{}`, asks for nothing.
    fn needs_key(&self, operation: &Value) -> bool {
        let security = operation.get("security").or_else(|| self.root.get("security"));
        let schemes = items(security);
        !schemes.is_empty()
            && schemes
                .iter()
                .all(|scheme| scheme.as_object().is_some_and(|names| !names.is_empty()))
    }

    fn parameter(&self, parameter: &Value) -> Field {
        Field {
            name: text(parameter, "name").to_owned(),
            place: text(parameter, "in").to_owned(),
            kind: parameter
                .get("schema")
                .map(|schema| self.kind(schema, 0))
                .unwrap_or_default(),
            required: parameter.get("required") == Some(&Value::Bool(true)),
            description: pieces(text(parameter, "description")),
        }
    }

    fn answer(&self, status: &str, answer: &'a Value) -> Answer {
        Answer {
            status: status.to_owned(),
            description: pieces(text(self.follow(answer), "description")),
        }
    }

    /// The first media type of a body, and an example of it.
    fn body(&self, body: &'a Value) -> Option<(Body, String)> {
        let (media, content) = fields(body.get("content")).next()?;
        let schema = content.get("schema").unwrap_or(&Value::Null);
        let mut list = Vec::new();
        self.body_fields(schema, "", 0, &mut list);
        let named =
            items_or_map(content.get("examples")).and_then(|example| self.follow(example).get("value"));
        let example = content
            .get("example")
            .or(named)
            .cloned()
            .unwrap_or_else(|| self.example(schema, 0));
        let example = match example {
            Value::String(text) if !media.ends_with("json") => text,
            other => other.to_string(),
        };
        Some((
            Body {
                media: media.to_owned(),
                fields: list,
            },
            example,
        ))
    }

    fn body_fields(&self, schema: &'a Value, prefix: &str, depth: usize, list: &mut Vec<Field>) {
        let schema = self.follow(schema);
        if let Some(item) = schema.get("items") {
            return self.body_fields(item, &format!("{prefix}[]."), depth, list);
        }
        let required = items(schema.get("required"));
        for (name, field) in fields(schema.get("properties")) {
            let name = format!("{prefix}{name}");
            list.push(Field {
                name: name.clone(),
                place: String::new(),
                kind: self.kind(field, 0),
                required: required.iter().any(|it| it.as_str() == name.rsplit('.').next()),
                description: pieces(text(field, "description")),
            });
            if depth + 1 < MAX_DEPTH {
                self.nested_fields(field, &name, depth + 1, list);
            }
        }
    }

    fn nested_fields(&self, field: &'a Value, name: &str, depth: usize, list: &mut Vec<Field>) {
        let field = self.follow(field);
        match field.get("items") {
            Some(item) if self.follow(item).get("properties").is_some() => {
                self.body_fields(item, &format!("{name}[]."), depth, list);
            }
            None if field.get("properties").is_some() => {
                self.body_fields(field, &format!("{name}."), depth, list)
            }
            _ => {}
        }
    }

    fn kind(&self, schema: &Value, depth: usize) -> String {
        let schema = self.follow(schema);
        if depth > MAX_DEPTH {
            return "any".to_owned();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return values.iter().map(plain).collect::<Vec<_>>().join(" | ");
        }
        if let Some(value) = schema.get("const") {
            return plain(value);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(kinds) = schema.get(choice).and_then(Value::as_array) {
                return kinds
                    .iter()
                    .map(|kind| self.kind(kind, depth + 1))
                    .collect::<Vec<_>>()
                    .join(" or ");
            }
        }
        match schema.get("type") {
            Some(Value::Array(types)) => types.iter().map(plain).collect::<Vec<_>>().join(" or "),
            Some(Value::String(kind)) if kind == "array" => match schema.get("items") {
                Some(item) => format!("array of {}", self.kind(item, depth + 1)),
                None => "array".to_owned(),
            },
            Some(Value::String(kind)) => match schema.get("format").and_then(Value::as_str) {
                Some(format) => format!("{kind} ({format})"),
                None => kind.clone(),
            },
            _ if schema.get("properties").is_some() => "object".to_owned(),
            _ => "any".to_owned(),
        }
    }

    /// A value that fits the schema: its own example, or one made of its required fields.
    fn example(&self, schema: &'a Value, depth: usize) -> Value {
        let schema = self.follow(schema);
        let given = [
            schema.get("example"),
            schema.get("examples").and_then(|all| all.get(0)),
            schema.get("default"),
        ];
        let first = schema.get("enum").and_then(|all| all.get(0));
        if let Some(value) = given.into_iter().flatten().next().or(first) {
            return value.clone();
        }
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(item) = schema.get("items") {
            return Value::Array(vec![self.example(item, depth + 1)]);
        }
        if let Some(properties) = schema.get("properties") {
            let required = items(schema.get("required"));
            let is_required = |name: &str| required.iter().any(|it| it.as_str() == Some(name));
            let shown = fields(Some(properties)).filter(|(name, _)| required.is_empty() || is_required(name));
            return shown
                .map(|(name, field)| (name.to_owned(), self.example(field, depth + 1)))
                .collect::<Map<_, _>>()
                .into();
        }
        match self.kind(schema, 0).split([' ', '(']).next() {
            Some("integer" | "number") => Value::from(1),
            Some("boolean") => Value::Bool(true),
            Some("object") => Value::Object(Map::new()),
            Some("array") => Value::Array(Vec::new()),
            _ => Value::from("…"),
        }
    }

    fn curl(
        &self,
        method: &str,
        path: &str,
        parameters: &[&'a Value],
        body: Option<&(Body, String)>,
        needs_key: bool,
    ) -> String {
        let value = |parameter: &&'a Value| {
            let given = parameter.get("example");
            plain(
                &given
                    .cloned()
                    .unwrap_or_else(|| self.example(parameter.get("schema").unwrap_or(&Value::Null), 0)),
            )
        };
        let mut path = path.to_owned();
        for parameter in parameters
            .iter()
            .filter(|parameter| text(parameter, "in") == "path")
        {
            path = path.replace(&format!("{{{}}}", text(parameter, "name")), &value(parameter));
        }
        let is_query =
            |p: &&&&Value| text(p, "in") == "query" && p.get("required") == Some(&Value::Bool(true));
        let asked: Vec<(&str, String)> = parameters
            .iter()
            .filter(|p| is_query(&p))
            .map(|p| (text(p, "name"), value(p)))
            .collect();
        let query = link::query(asked.iter().map(|(name, value)| (*name, Some(value.as_str()))));
        let mut lines = vec![format!(
            "curl {}",
            quoted(&format!("{}{path}{query}", self.address))
        )];
        if !matches!((method, body), ("get", _) | ("post", Some(_))) {
            lines[0] = format!(
                "curl -X {} {}",
                method.to_ascii_uppercase(),
                &lines[0]["curl ".len()..]
            );
        }
        if needs_key {
            lines.push("-H \"X-API-Key: $API_KEY\"".to_owned());
        }
        if let Some((body, example)) = body {
            lines.push(format!("-H {}", quoted(&format!("Content-Type: {}", body.media))));
            lines.push(format!("-d {}", quoted(example)));
        }
        lines.join(" \\\n  ")
    }

    /// The schema, parameter or answer itself, or the one its `$ref` names within this document.
    fn follow(&self, mut value: &'a Value) -> &'a Value {
        for _ in 0..MAX_REFS {
            let Some(target) = value.get("$ref").and_then(Value::as_str) else {
                return value;
            };
            match target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer))
            {
                Some(found) => value = found,
                None => return value,
            }
        }
        &Value::Null
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn items_or_map(value: Option<&Value>) -> Option<&Value> {
    value?.as_object()?.values().next()
}

fn fields(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One word of a shell: in single quotes, a quote within as `'\''`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn anchor(method: &str, path: &str) -> String {
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |anchor, word| format!("{anchor}-{word}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "security": [{"key": []}],
            "tags": [{"name": "Errors", "description": "Reports in, groups out."}],
            "paths": {
                "/api/errors": {"post": {
                    "tags": ["Errors"], "summary": "File a report",
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}}},
                    "responses": {"201": {"description": "New or `reopened`."}},
                }},
                "/api/errors/{id}": {
                    "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
                    "get": {"tags": ["Errors"], "responses": {"404": {"$ref": "#/components/responses/Gone"}}},
                    "delete": {"responses": {}, "security": []},
                },
            },
            "components": {
                "responses": {"Gone": {"description": "no such group"}},
                "schemas": {
                    "Report": {"type": "object", "required": ["project", "labels"], "properties": {
                        "project": {"type": "string", "example": "it's", "description": "Who."},
                        "level": {"enum": ["low", "high"]},
                        "labels": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}},
                        "self": {"$ref": "#/components/schemas/Report"},
                    }},
                    "Loop": {"$ref": "#/components/schemas/Loop"},
                },
            },
        })
    }

    #[test]
    fn operations_are_grouped_by_tag() {
        let document = document();
        let groups = groups(&document, "http://h:5010");
        let shown: Vec<String> = groups
            .iter()
            .flat_map(|group| {
                group
                    .operations
                    .iter()
                    .map(|o| format!("{} {} {}", group.name, o.method, o.path))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "Errors POST /api/errors",
                "Errors GET /api/errors/{id}",
                "Other DELETE /api/errors/{id}"
            ]
        );
        assert_eq!(groups[0].operations[1].anchor, "get-api-errors-id");
        assert_eq!(
            groups[0].operations[1].answers[0].description[0].text,
            "no such group"
        );
        assert!(groups[0].operations[0].needs_key && !groups[1].operations[0].needs_key);
    }

    #[test]
    fn a_body_lists_its_fields_and_those_within() {
        let document = document();
        let groups = groups(&document, "http://h:5010");
        let body = groups[0].operations[0].body.as_ref().unwrap();
        let field = |name: &str| body.fields.iter().find(|field| field.name == name).unwrap();
        assert!(field("project").required && !field("level").required);
        assert_eq!(field("level").kind, "low | high");
        assert_eq!(field("labels").kind, "array of object");
        assert_eq!(field("labels[].name").kind, "string or null");
        assert_eq!(field("self.project").kind, "string");
    }

    #[test]
    fn a_call_is_one_command_that_a_shell_reads_right() {
        let document = document();
        let groups = groups(&document, "http://h:5010");
        let curl = |group: usize, operation: usize| groups[group].operations[operation].curl.as_str();
        assert_eq!(
            curl(0, 1),
            "curl 'http://h:5010/api/errors/1' \\\n  -H \"X-API-Key: $API_KEY\""
        );
        assert_eq!(curl(1, 0), "curl -X DELETE 'http://h:5010/api/errors/1'");
        assert!(
            curl(0, 0).contains(r#"-d '{"labels":[{"name":"…"}],"project":"it'\''s"}'"#),
            "{}",
            curl(0, 0)
        );
    }

    #[test]
    fn a_document_of_noise_is_an_empty_page() {
        for noise in [
            json!(null),
            json!([1]),
            json!({"paths": {"/": 7}}),
            json!({"paths": {"/": {"get": null}}, "tags": 3}),
        ] {
            assert!(groups(&noise, "").iter().all(|group| group.operations.len() == 1));
        }
        let looped = json!({"paths": {"/": {"post": {"requestBody": {"content": {"a/b": {"schema": {"$ref": "#/paths"}}}}}}}});
        assert_eq!(groups(&looped, "").len(), 1);
        let looped = document();
        assert_eq!(
            Document {
                root: &looped,
                address: ""
            }
            .kind(&json!({"$ref": "#/components/schemas/Loop"}), 0),
            "any"
        );
    }
}

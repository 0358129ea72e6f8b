//! What is wrong with a request, in the shape that Malti's server says it (pydantic's): clients and tools may read it.

use serde::Serialize;
use serde_json::{Value, json};

/// Problems of one request that are told, at most.
pub const MAX_PROBLEMS: usize = 100;

/// One problem.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    /// Kind of problem.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where it is: `body` or `query`, then fields and places.
    pub loc: Vec<Value>,
    /// In words.
    pub msg: String,
    /// What stood there.
    pub input: Value,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

impl Problem {
    /// A problem without more about it.
    pub fn new(kind: &'static str, loc: Vec<Value>, msg: &str, input: &Value) -> Self {
        Self {
            kind,
            loc,
            msg: msg.to_owned(),
            input: input.clone(),
            ctx: None,
        }
    }

    /// A field that is not there; `input` is what should have it.
    pub fn missing(loc: Vec<Value>, input: &Value) -> Self {
        Self::new("missing", loc, "Field required", input)
    }

    /// A body that is no JSON.
    pub fn json(error: &serde_json::Error, body: &[u8]) -> Self {
        let lines = body.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
        Self {
            kind: "json_invalid",
            loc: vec![json!("body"), json!(before + error.column().saturating_sub(1))],
            msg: "JSON decode error".to_owned(),
            input: json!({}),
            ctx: Some(json!({ "error": error.to_string() })),
        }
    }

    /// A text that is no time.
    pub fn time(loc: Vec<Value>, input: &Value) -> Self {
        Self {
            ctx: Some(json!({ "error": "invalid characters" })),
            ..Self::new(
                "datetime_from_date_parsing",
                loc,
                "Input should be a valid datetime or date, invalid characters",
                input,
            )
        }
    }
}

//! The readable view of a service's API, from its own OpenAPI document. No script, nothing from elsewhere.

use askama::Template;
use serde_json::Value;

use crate::frame::Frame;
use crate::openapi::{self, OperationGroup};
use crate::text::{Piece, paragraphs};

/// `docs.html`.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct Docs {
    /// The page around it.
    pub frame: Frame,
    title: String,
    version: String,
    description: Vec<Vec<Piece>>,
    groups: Vec<OperationGroup>,
    address: String,
    document: String,
}

impl Docs {
    /// `openapi` is an OpenAPI 3.1 document, `address` the service's own, as the visitor reaches it, for the
    /// examples, `document` the link to the document below the root: `openapi.json`.
    /// What is missing from the document is missing from the page; nothing fails.
    pub fn new(frame: Frame, openapi: &Value, address: &str, document: &str) -> Docs {
        let text = |pointer: &str| {
            openapi
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let address = address.trim_end_matches('/');
        Docs {
            frame,
            title: text("/info/title"),
            version: text("/info/version"),
            description: paragraphs(&text("/info/description")),
            groups: openapi::groups(openapi, address),
            address: address.to_owned(),
            document: document.to_owned(),
        }
    }
}

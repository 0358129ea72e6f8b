//! Why a body of a browser is refused. The words are part of the contract.

use thiserror::Error;

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing came.
    #[error("Empty request body")]
    Empty,
    /// No JSON at all.
    #[error("Invalid JSON")]
    NoJson,
    /// JSON, but a list, a number, …
    #[error("Request body must be a JSON object")]
    NoObject,
    /// A required field is absent or of another type.
    #[error("Missing required field: {0}")]
    Missing(&'static str),
    /// Any other sentence.
    #[error("{0}")]
    Bad(String),
}

/// The body as text that can be parsed: mended, and an object.
pub fn object(body: &[u8]) -> Result<std::borrow::Cow<'_, str>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::Empty);
    }
    let text = api_types::json_text::mend(body);
    if text.trim_start().starts_with('{') {
        return Ok(text);
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Err(Refusal::NoObject),
        Err(_) => Err(Refusal::NoJson),
    }
}

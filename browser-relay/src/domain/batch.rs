//! Many small things of a browser in one request, on their way to the service that takes them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::refusal::Refusal;

/// Most things of one batch.
const MAX_ITEMS: usize = 1000;

/// What [`super::browser_metrics`] and [`super::browser_logs`] make of a request body.
#[derive(Debug)]
pub struct Batch {
    /// Body for the service behind.
    pub body: Vec<u8>,
    /// How many things are in it.
    pub n: usize,
    /// The client's id of it, by which it counts once however often it is sent.
    pub event_id: Option<String>,
}

/// The things of a body, from the field of this name (`logs`): at least one, and not too many.
pub fn items<'a, T: Deserialize<'a>>(
    list: Option<&'a RawValue>,
    field: &'static str,
) -> Result<Vec<T>, Refusal> {
    let list = list
        .filter(|it| it.get() != "null")
        .ok_or(Refusal::Missing(field))?;
    if !list.get().starts_with('[') {
        return Err(Refusal::Bad(format!("Field '{field}' must be an array")));
    }
    let items: Vec<T> = serde_json::from_str(list.get()).map_err(|_| Refusal::NoJson)?;
    let (first, rest) = field.split_at(1);
    let name = first.to_uppercase() + rest;
    match items.len() {
        0 => Err(Refusal::Bad(format!("{name} array must not be empty"))),
        1..=MAX_ITEMS => Ok(items),
        _ => Err(Refusal::Bad(format!(
            "{name} batch exceeds maximum of {MAX_ITEMS} items"
        ))),
    }
}

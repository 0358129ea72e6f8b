//! What a row has for a query: the columns that may be named, and no others.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell::Cell;
use crate::domain::vantage::rows::Row;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// One of [`NAMES`], by its place.
    Named(usize),
    /// `tags.region`: one tag. `environment` is one, too.
    Tag(String),
}

/// All columns but single tags, in the order of `*`.
pub const NAMES: [&str; 13] = [
    "timestamp",
    "service_name",
    "metric_name",
    "metric_type",
    "value",
    "endpoint",
    "method",
    "status_code",
    "duration_ms",
    "error",
    "trace_id",
    "span_id",
    "tags",
];
/// Where `timestamp` is among them.
pub const TIMESTAMP: usize = 0;
/// Those that are numbers: `timestamp`, `value`, `status_code`, `duration_ms`.
const NUMBERS: [usize; 4] = [TIMESTAMP, 4, 7, 8];

impl Column {
    /// By its name, in any case.
    pub fn find(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("environment") {
            return Some(Self::Tag("environment".into()));
        }
        let place = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
        place.map(Self::Named)
    }

    /// Whether its values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Named(place) if NUMBERS.contains(place))
    }

    /// Its value in a row.
    pub fn of<'a>(&self, row: &Row<'a>) -> Cell<'a> {
        let text = |text: Option<&'a str>| text.map_or(Cell::Null, |text| Cell::Text(Cow::Borrowed(text)));
        match self {
            Self::Tag(key) => tag(row, key),
            Self::Named(0) => Cell::Number(row.at_ms as f64),
            Self::Named(1) => text(Some(row.service)),
            Self::Named(2) => text(Some(row.name)),
            Self::Named(3) => text(row.kind.map(|kind| kind.name())),
            Self::Named(4) => Cell::Number(row.value),
            Self::Named(5) => text(row.endpoint),
            Self::Named(6) => text(row.method),
            Self::Named(7) => row
                .status
                .map_or(Cell::Null, |status| Cell::Number(f64::from(status))),
            Self::Named(8) => row.duration_ms.map_or(Cell::Null, Cell::Number),
            Self::Named(9) => text(row.error),
            Self::Named(10) => text(row.trace_id),
            Self::Named(11) => text(row.span_id),
            Self::Named(_) => text(row.tags),
        }
    }
}

fn tag<'a>(row: &Row<'a>, key: &str) -> Cell<'a> {
    let tags: Option<HashMap<Cow<'a, str>, String>> =
        row.tags.and_then(|text| serde_json::from_str(text).ok());
    let value = tags.and_then(|mut tags| tags.remove(key));
    value.map_or(Cell::Null, |value| Cell::Text(Cow::Owned(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_nothing_else_is() {
        assert_eq!(Column::find("Timestamp"), Some(Column::Named(TIMESTAMP)));
        assert!(Column::find("duration_ms").is_some_and(|column| column.is_number()));
        assert!(Column::find("value").is_some_and(|column| column.is_number()));
        assert!(Column::find("status_code").is_some_and(|column| column.is_number()));
        assert!(!Column::find("error").is_some_and(|column| column.is_number()));
        assert_eq!(
            Column::find("environment"),
            Some(Column::Tag("environment".into()))
        );
        assert_eq!(Column::find("password"), None);
    }
}

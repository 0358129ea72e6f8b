//! `/logs/{id}`: one entry, and what its container said around it.

use std::sync::Arc;

use service::page;
use ui::{Frame, Template, link, moment};
use web::{Request, Response, Result, StatusCode};

use super::asked_view::Asked;
use super::entry_view::{EntryRow, SHOWN_CHARS};
use super::logs::errors_url;
use crate::api::logs::{DEFAULT_AROUND, id, no_such};
use crate::app::App;
use crate::domain::fields;

/// Characters of the message that are shown; more is data, and is to be had from the API.
const MAX_CHARS: usize = 256 * 1024;
/// Characters in the row among its neighbours.
const ROW_CHARS: usize = 300;
/// Fields in the table.
const MAX_FIELDS: usize = 200;
/// Time before and after it, for "that minute".
const AROUND_MS: i64 = 30_000;

/// `entry.html`.
#[derive(Template)]
#[template(path = "pages/entry.html")]
struct EntryPage {
    frame: Frame,
    entry: EntryRow,
    first_line: String,
    fields: Vec<Field>,
    /// The oldest first.
    before: Vec<EntryRow>,
    after: Vec<EntryRow>,
    /// The tracker's errors of that minute, where its address is known.
    errors_url: Option<String>,
    /// Its root.
    errors_root: Option<String>,
}

/// One field of a JSON or logfmt message.
struct Field {
    name: String,
    value: String,
    /// The entries with this value.
    query: String,
}

/// `GET /logs/{id}`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let found = app
        .archive
        .context(id(&request)?, DEFAULT_AROUND, DEFAULT_AROUND)
        .await?;
    let found = found.ok_or_else(no_such)?;
    let entry = EntryRow::new(&found.entry, MAX_CHARS);
    let fields = fields::all(&found.entry.entry.message);
    let shown = EntryPage {
        frame: app.common.frame(&request, format!("Entry {}", entry.id)),
        first_line: ui::Excerpt::line(found.entry.entry.message.lines().next().unwrap_or(""), ROW_CHARS),
        fields: fields.into_iter().take(MAX_FIELDS).map(Field::new).collect(),
        before: rows(&found.before),
        after: rows(&found.after),
        errors_url: errors_url(&app).map(|url| format!("{url}{}", errors_query(entry.unix_ms))),
        errors_root: errors_url(&app),
        entry,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn rows(entries: &[crate::domain::entry::Stored]) -> Vec<EntryRow> {
    entries
        .iter()
        .map(|stored| EntryRow::new(stored, SHOWN_CHARS))
        .collect()
}

/// Begin and end of "that minute".
fn minute(unix_ms: i64) -> [String; 2] {
    [unix_ms - AROUND_MS, unix_ms + AROUND_MS].map(moment::rfc3339)
}

/// The groups that were there at that moment.
fn errors_query(unix_ms: i64) -> String {
    let at = moment::rfc3339(unix_ms);
    link::query([("resolved", Some("all")), ("at", Some(at.as_str()))])
}

impl Field {
    fn new((name, value): (String, String)) -> Self {
        let search = term(&name, &value);
        Self {
            query: link::query([("search", Some(search.as_str()))]),
            name,
            value,
        }
    }
}

/// A search for a field with this value.
fn term(name: &str, value: &str) -> String {
    let is_word = !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    match is_word {
        true => format!("{name}:{value}"),
        false => format!("{name}:\"{}\"", value.replace('"', " ")),
    }
}

impl EntryPage {
    fn container_query(&self) -> String {
        Asked::default().with_container(&self.entry.container).query()
    }

    fn minute_query(&self) -> String {
        let [from, to] = minute(self.entry.unix_ms);
        link::query([("from", Some(from.as_str())), ("to", Some(to.as_str()))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_searched_as_it_is_written() {
        assert_eq!(term("status", "500"), "status:500");
        assert_eq!(term("msg", "out of disk"), "msg:\"out of disk\"");
        assert_eq!(term("q", ""), "q:\"\"");
    }
}

//! An occurrence as the page shows it, from what is stored of it.

use serde_json::Value;
use serde_json::value::RawValue;
use ui::Moment;

use super::exception_reading::text_of;
use super::occurrence_view::{BrowserView, CrumbView, OccurrenceView};
use crate::domain::pieces;
use crate::domain::report::BROWSER_METHOD;
use crate::domain::rich::Rich;
use crate::store::occurrences::Occurrence;

pub(super) fn occurrence(shown: &Occurrence, now: i64) -> OccurrenceView {
    let details = &shown.details;
    let is_browser = details.request_method.as_deref() == Some(BROWSER_METHOD);
    let extra = details.extra.as_deref().map(RawValue::get);
    OccurrenceView {
        id: shown.id,
        at: Moment::new(shown.received_at, now),
        request_url: details.request_url.clone(),
        request_method: details.request_method.clone(),
        request_headers: details
            .request_headers
            .as_deref()
            .map(|headers| header_rows(headers.get()))
            .unwrap_or_default(),
        user_id: details.user_id.clone(),
        browser: is_browser.then(|| browser(extra)).flatten(),
        extra: extra.map(str::to_owned),
        user: shown.rich.user.clone(),
        breadcrumbs: shown
            .rich
            .breadcrumbs
            .iter()
            .rev()
            .map(|it| crumb(it, now))
            .collect(),
        facts: facts(&shown.rich),
        contexts: contexts(&shown.rich),
    }
}

fn crumb(crumb: &Value, now: i64) -> CrumbView {
    let text = |name: &str| {
        crumb
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let data = crumb
        .get("data")
        .filter(|data| data.as_object().is_some_and(|it| !it.is_empty()));
    let message = match (text("message"), data) {
        (message, None) => message,
        (message, Some(data)) => format!("{message} {data}").trim_start().to_owned(),
    };
    let category = match text("category") {
        category if category.is_empty() => text("type"),
        category => category,
    };
    CrumbView {
        category,
        level: text("level"),
        message,
        at: crumb
            .get("timestamp")
            .and_then(pieces::time)
            .map(|at| Moment::new(at, now)),
    }
}

fn facts(rich: &Rich) -> Vec<(&'static str, String)> {
    let facts = [
        ("Host", rich.server_name.clone()),
        ("Route", rich.transaction.clone()),
        ("Platform", rich.platform.clone()),
        ("Release", rich.release.clone()),
        ("Time of the client", rich.occurred_at.map(ui::moment::rfc3339)),
        ("Event id", rich.event_id.clone()),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn contexts(rich: &Rich) -> Vec<(String, String)> {
    let indented = |value: &Value| ui::json::indent(&value.to_string());
    let contexts = rich.contexts.as_ref().and_then(Value::as_object);
    let contexts = contexts.into_iter().flatten();
    let contexts = contexts.map(|(name, value)| (format!("Context: {name}"), indented(value)));
    let request = rich
        .request
        .iter()
        .map(|it| ("More of the request".to_owned(), indented(it)));
    request.chain(contexts).collect()
}

/// An object of headers as rows; any other JSON as one row.
fn header_rows(json: &str) -> Vec<(String, String)> {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(headers)) => headers
            .into_iter()
            .map(|(name, value)| (name, text_of(value)))
            .collect(),
        Ok(value) => vec![(String::new(), text_of(value))],
        Err(_) => vec![(String::new(), json.to_owned())],
    }
}

/// What the relay puts into `extra` of a browser's report (contract §4.6); none where there is nothing of it.
fn browser(extra: Option<&str>) -> Option<BrowserView> {
    let extra: Value = extra.and_then(|extra| serde_json::from_str(extra).ok())?;
    let text = |name: &str| {
        let text = extra.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (page_url, user_agent, session_id) = (text("page_url"), text("user_agent"), text("session_id"));
    let is_known = page_url.is_some() || user_agent.is_some() || session_id.is_some();
    is_known.then_some(BrowserView {
        page_url,
        user_agent,
        session_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_of_which_nothing_is_known_is_not_shown() {
        let check = |extra: Option<&str>, is_shown: bool| {
            assert_eq!(browser(extra).is_some(), is_shown, "{extra:?}");
        };
        check(None, false);
        check(Some("{}"), false);
        check(Some(r#"{"page_url": "", "user_agent": null, "cart": 7}"#), false);
        check(Some(r#"{"session_id": "s-9"}"#), true);
        check(Some(r#"{"page_url": "https://a.example/"}"#), true);
    }
}

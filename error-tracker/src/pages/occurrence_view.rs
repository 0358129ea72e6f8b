//! One occurrence: its request, user, breadcrumbs and what else came with it.

use ui::{Excerpt, Moment, json, link};

/// One kept occurrence.
pub(crate) struct OccurrenceView {
    pub(crate) id: i64,
    pub(crate) at: Moment,
    pub(crate) request_url: Option<String>,
    pub(crate) request_method: Option<String>,
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) user_id: Option<String>,
    /// Raw JSON, as it was sent.
    pub(crate) extra: Option<String>,
    /// Only for reports from browsers.
    pub(crate) browser: Option<BrowserView>,
    /// More of the user than the id.
    pub(crate) user: Vec<(String, String)>,
    /// What happened before, newest first.
    pub(crate) breadcrumbs: Vec<CrumbView>,
    /// Host, route, platform, event id, client's time.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Names and JSON of what else came along.
    pub(crate) contexts: Vec<(String, String)>,
}

/// One thing that happened before.
pub(crate) struct CrumbView {
    pub(crate) category: String,
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) at: Option<Moment>,
}

/// What a browser says of itself.
#[derive(Default)]
pub(crate) struct BrowserView {
    pub(crate) page_url: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) session_id: Option<String>,
}

/// A text that is a link only if it is a web address.
pub(super) struct Address {
    pub(super) text: Excerpt,
    pub(super) href: Option<String>,
}

fn address(text: &Option<String>) -> Option<Address> {
    let text = text.as_deref().filter(|text| !text.is_empty())?;
    Some(Address {
        text: Excerpt::new(text, 600, 3),
        href: link::web(text).map(str::to_owned),
    })
}

impl OccurrenceView {
    pub(super) fn url(&self) -> Option<Address> {
        address(&self.request_url)
    }

    pub(super) fn has_request(&self) -> bool {
        self.url().is_some() || self.request_method.is_some() || !self.request_headers.is_empty()
    }

    pub(super) fn extra_text(&self) -> Option<String> {
        self.extra.as_deref().map(json::indent)
    }
}

impl BrowserView {
    pub(super) fn page(&self) -> Option<Address> {
        address(&self.page_url)
    }

    pub(super) fn session_query(&self) -> String {
        link::query([
            ("session_id", self.session_id.as_deref()),
            ("resolved", Some("all")),
        ])
    }
}

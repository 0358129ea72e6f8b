//! What was sent, and what came of it.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use ui::{Excerpt, Moment};

use super::channels::channel_name;
use crate::alerting::Alerting;
use crate::store::channels::Channel;
use crate::store::deliveries::{DIGEST, Line, Page, TEST};

/// A section of the page.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/history.html")]
pub struct History {
    root: String,
    rows: Vec<Row>,
    /// Whether these are not the newest.
    is_older: bool,
    /// Where those before begin.
    next: Option<i64>,
}

#[derive(Debug, Clone)]
struct Row {
    at: Moment,
    what: String,
    /// Of what it is about.
    name: Option<String>,
    /// Page of what it is about, from the service's root.
    path: Option<String>,
    to: String,
    state: &'static str,
    n_attempts: u32,
    next: Option<Moment>,
    error: Option<String>,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for History {}

impl History {
    pub(crate) fn new<A: Alerting>(
        root: String,
        page: &Page,
        is_older: bool,
        names: &BTreeMap<i64, String>,
        channels: &[Channel],
        now: i64,
    ) -> Self {
        let rows = page
            .lines
            .iter()
            .map(|line| Row::of::<A>(line, names, channels, now));
        Self {
            root,
            rows: rows.collect(),
            is_older,
            next: page.next,
        }
    }
}

impl Row {
    fn of<A: Alerting>(line: &Line, names: &BTreeMap<i64, String>, channels: &[Channel], now: i64) -> Self {
        let delivery = &line.delivery;
        let what = match delivery.kind.as_str() {
            TEST => "Test".to_owned(),
            DIGEST => format!("Digest of {}", line.n_alerts),
            kind => A::kind_label(kind).to_owned(),
        };
        let channel = delivery.to.channel_id.map(|id| channel_name(channels, id));
        let to: Vec<String> = channel.into_iter().chain(delivery.to.recipient.clone()).collect();
        Self {
            at: Moment::new(delivery.created_at, now),
            what,
            name: delivery.subject_id.and_then(|id| names.get(&id)).cloned(),
            path: delivery.subject_id.map(A::subject_path),
            to: to.join(": "),
            state: line.state(),
            n_attempts: delivery.n_attempts,
            next: line.next_attempt_at.map(|at| Moment::new(at, now)),
            error: line.last_error.clone(),
        }
    }
}

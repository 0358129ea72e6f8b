//! What log alerts say.

use std::collections::BTreeMap;

use alerts::domain::digest::{Digest, Entry, MAX_ENTRIES};
use alerts::store::channels;
use alerts::{Alerting, Alerts, Content};
use notify::Message;
use ui::{Count, link};
use web::Result;

use crate::app::App;
use crate::domain::time_text;
use crate::store::alert_rules;
use crate::store::firings::{self, Firing};

/// The one kind of log alert.
pub(crate) const MATCHED: &str = "matched";

impl Alerting for App {
    const TELLS_OF: &'static str = "logs that match a saved search";
    const SUBJECT_ID: &'static str = "firing_id";

    fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    async fn single(&self, _: &str, firing_id: i64) -> Result<Option<Content>> {
        let found = self
            .common
            .read(move |connection| firings::find(connection, firing_id));
        let base = self.alerts.base_url();
        Ok(found.await?.map(|firing| Content::of(message(&firing, &base))))
    }

    async fn digest(&self, digest_id: i64) -> Result<Option<Digest>> {
        let found = self
            .common
            .read(move |connection| firings::of_digest(connection, digest_id, MAX_ENTRIES as u32));
        let (firings, n) = found.await?;
        let base = self.alerts.base_url();
        Ok((!firings.is_empty()).then(|| digest(&firings, n, &base)))
    }

    async fn delete_channel(&self, id: i64) -> Result<bool> {
        let deleted = self.common.write(move |tx| {
            alert_rules::delete_of_channel(tx, id)?;
            channels::delete(tx, id)
        });
        let deleted = deleted.await?;
        self.rules_changed.notify_one();
        Ok(deleted)
    }

    fn kind_label(_: &str) -> &'static str {
        "Log alert"
    }

    async fn names(&self, firing_ids: Vec<i64>) -> Result<BTreeMap<i64, String>> {
        let found = self.common.read(move |connection| {
            let mut names = BTreeMap::new();
            for id in firing_ids {
                let found = firings::find(connection, id)?;
                names.extend(found.map(|firing| (id, firing.name)));
            }
            Ok(names)
        });
        found.await
    }

    fn subject_path(firing_id: i64) -> String {
        format!("alerts/firings/{firing_id}")
    }
}

const MINUTE_MS: i64 = 60_000;
const MS_NS: i64 = 1_000_000;

/// `12 matches within 5 minutes`
fn words(firing: &Firing) -> String {
    let n = Count::new(firing.n_matches.unsigned_abs());
    let es = if firing.n_matches == 1 { "" } else { "es" };
    format!("{} match{es} within {}", n.exact, minutes(firing.window_ms))
}

/// `5 minutes`
pub(crate) fn minutes(ms: i64) -> String {
    match ms / MINUTE_MS {
        1 => "a minute".to_owned(),
        n => format!("{n} minutes"),
    }
}

fn message(firing: &Firing, base: &str) -> Message {
    let search = web::Query::parse(&firing.query);
    let text = |name| search.get(name).unwrap_or_default().to_owned();
    let containers: Vec<&str> = search
        .pairs()
        .filter(|(name, _)| *name == "container")
        .map(|(_, value)| value)
        .collect();
    let facts = [
        ("Search", text("search")),
        ("Level", text("level")),
        ("Containers", containers.join(", ")),
        ("Stream", text("stream")),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    Message {
        kind: MATCHED.to_owned(),
        title: firing.name.clone(),
        text: format!(
            "{}; told from {}.\n\n{}",
            words(firing),
            firing.n_wanted,
            firing.samples
        ),
        url: Some(format!("{base}/{}", search_path(firing))),
        count: Some(firing.n_matches),
        facts: facts.map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Message::default()
    }
}

/// The search at the time of the firing, seen from the service's root.
pub(crate) fn search_path(firing: &Firing) -> String {
    // Times are of whole seconds, and the last is not within.
    let time = |ms: i64| time_text::seconds(ms.saturating_mul(MS_NS));
    let (from, to) = (time(firing.from_ms), time(firing.at + 1000));
    let range = link::query([("from", Some(from.as_str())), ("to", Some(&to))]);
    match firing.query.is_empty() {
        true => range,
        false => format!("?{}&{}", firing.query, range.trim_start_matches('?')),
    }
}

fn digest(firings: &[Firing], n: u64, base: &str) -> Digest {
    let entry = |firing: &Firing| Entry {
        label: "Log alert",
        project: String::new(),
        title: firing.name.clone(),
        note: words(firing),
        line: format!("{}: {}", firing.name, words(firing)),
        url: format!("{base}/{}", search_path(firing)),
    };
    let s = if n == 1 { "" } else { "s" };
    Digest {
        summary: format!("{} log alert{s}", Count::new(n).exact),
        n_alerts: n,
        entries: firings.iter().map(entry).collect(),
        project: String::new(),
        url: format!("{base}/alerts"),
        open: "Open the alerts",
    }
}

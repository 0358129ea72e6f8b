//! What metric alerts say.

use std::collections::BTreeMap;

use alerts::domain::digest::{Digest, Entry, MAX_ENTRIES};
use alerts::store::{channels, deliveries};
use alerts::{Alerting, Alerts, Content};
use notify::Message;
use ui::moment::rfc3339;
use ui::{Count, Unit, link};
use web::{Query, Result};

use crate::alert_rule::length_text;
use crate::app::App;
use crate::domain::alert_rule::{AlertRule, Condition, Told};
use crate::store::alert_events::{self, AlertEvent};
use crate::store::alert_rules;

impl Alerting for App {
    const TELLS_OF: &'static str = "metrics beyond their thresholds";
    const SUBJECT_ID: &'static str = "event_id";

    fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    async fn single(&self, _: &str, event_id: i64) -> Result<Option<Content>> {
        let found = self
            .common
            .read(move |connection| alert_events::find(connection, event_id));
        let base = self.alerts.base_url();
        Ok(found.await?.map(|event| Content::of(message(&event, &base))))
    }

    async fn digest(&self, digest_id: i64) -> Result<Option<Digest>> {
        let found = self.common.read(move |connection| {
            let events = alert_events::of_digest(connection, digest_id, MAX_ENTRIES as u32)?;
            Ok((events, deliveries::digest_kinds(connection, digest_id)?))
        });
        let (events, kinds) = found.await?;
        let base = self.alerts.base_url();
        Ok((!events.is_empty()).then(|| digest(&events, &kinds, &base)))
    }

    async fn delete_channel(&self, id: i64) -> Result<bool> {
        let deleted = self.common.write(move |tx| {
            alert_rules::delete_of_channel(tx, id)?;
            channels::delete(tx, id)
        });
        deleted.await
    }

    fn kind_label(kind: &str) -> &'static str {
        match kind {
            "resolved" => "Resolved",
            "withdrawn" => "Rule gone",
            _ => "Firing",
        }
    }

    async fn names(&self, event_ids: Vec<i64>) -> Result<BTreeMap<i64, String>> {
        let found = self.common.read(move |connection| {
            let mut names = BTreeMap::new();
            for id in event_ids {
                let found = alert_events::find(connection, id)?;
                names.extend(found.map(|event| (id, title(&event))));
            }
            Ok(names)
        });
        found.await
    }

    fn subject_path(event_id: i64) -> String {
        format!("alerts/events/{event_id}")
    }
}

/// `p95 of http_request_duration_ms`, `http_requests`
pub(crate) fn what(query: &Query) -> String {
    let name = query.get("name").unwrap_or_default();
    match query.get("function") {
        Some(function) => format!("{function} of {name}"),
        None => name.to_owned(),
    }
}

/// The unit in which a rule's values are told.
pub(crate) fn unit(query: &Query) -> Unit {
    let unit = Unit::of_name(query.get("name").unwrap_or_default());
    match query.get("function").unwrap_or_default() {
        "rate" => unit.rate(),
        "count" => Unit::Plain,
        function if function.starts_with("share") => Unit::Ratio,
        _ => unit,
    }
}

/// `above 800 ms`, `no samples`
pub(crate) fn condition(rule: &AlertRule, query: &Query) -> String {
    match rule.condition {
        Condition::Absent => "no samples".to_owned(),
        Condition::Above(threshold) | Condition::Below(threshold) => {
            format!("{} {}", rule.condition.name(), unit(query).show(threshold))
        }
    }
}

/// `p95 of http_request_duration_ms over 5m is 1.24 s, above 800 ms`
fn words(event: &AlertEvent) -> String {
    let rule = &event.rule;
    let query = Query::parse(&rule.query);
    let (what, window) = (what(&query), length_text(rule.window_ms));
    let is_so = matches!(event.told, Told::Firing { .. });
    let lasted = length_text((event.at - event.told.since()).max(0));
    if matches!(event.told, Told::Withdrawn { .. }) {
        let condition = condition(rule, &query);
        return format!(
            "Nobody looks at {what} any more: the rule was deleted, paused or changed; it was {condition} for {lasted}"
        );
    }
    match (rule.condition, event.value) {
        (Condition::Absent, _) if is_so => format!("{what} has had no samples for {window}"),
        (Condition::Absent, _) => format!("{what} has samples again"),
        (_, None) => format!("{what} has no samples any more"),
        (_, Some(value)) => {
            let value = unit(&query).show(value);
            let condition = condition(rule, &query);
            match is_so {
                true => format!("{what} over {window} is {value}, {condition}"),
                false => format!("{what} over {window} is {value}; it was {condition} for {lasted}"),
            }
        }
    }
}

/// `Resolved: API is slow (path=/pay)`
fn title(event: &AlertEvent) -> String {
    let prefix = match event.told {
        Told::Firing { .. } => "",
        Told::Resolved { .. } => "Resolved: ",
        Told::Withdrawn { .. } => "No longer watched: ",
    };
    let labels: Vec<String> = event
        .labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    match labels.is_empty() {
        true => format!("{prefix}{}", event.rule.name),
        false => format!("{prefix}{} ({})", event.rule.name, labels.join(", ")),
    }
}

fn message(event: &AlertEvent, base: &str) -> Message {
    let query = Query::parse(&event.rule.query);
    let mut facts = event.labels.clone();
    facts.extend(
        query
            .get("labels")
            .map(|text| ("Only where".to_owned(), text.to_owned())),
    );
    facts.push(("Since".to_owned(), rfc3339(event.told.since())));
    Message {
        // Whoever opened something when it fired closes it either way.
        kind: match event.told {
            Told::Firing { .. } => "firing",
            Told::Resolved { .. } | Told::Withdrawn { .. } => "resolved",
        }
        .to_owned(),
        title: title(event),
        text: format!("{}.", words(event)),
        project: query.get("project").unwrap_or_default().to_owned(),
        url: Some(format!("{base}/{}", explore_path(event))),
        facts,
        ..Message::default()
    }
}

/// The metric around that time, seen from the service's root.
pub(crate) fn explore_path(event: &AlertEvent) -> String {
    let around = event.rule.window_ms.max(30 * 60_000);
    let (from, to) = (rfc3339(event.told.since() - around), rfc3339(event.at + 60_000));
    let range = link::query([("from", Some(from.as_str())), ("to", Some(&to))]);
    format!("explore?{}&{}", event.rule.query, range.trim_start_matches('?'))
}

fn digest(events: &[AlertEvent], kinds: &[(String, i64)], base: &str) -> Digest {
    let entry = |event: &AlertEvent| {
        let query = Query::parse(&event.rule.query);
        Entry {
            label: App::kind_label(event.told.name()),
            project: query.get("project").unwrap_or_default().to_owned(),
            title: title(event),
            note: words(event),
            line: format!("{}: {}", title(event), words(event)),
            url: format!("{base}/{}", explore_path(event)),
        }
    };
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{} {kind}", Count::new(n.unsigned_abs()).exact))
        .collect();
    let n_alerts = kinds.iter().map(|(_, n)| n.unsigned_abs()).sum();
    Digest {
        summary: format!("Metric alerts: {}", counts.join(", ")),
        n_alerts,
        entries: events.iter().map(entry).collect(),
        project: String::new(),
        url: format!("{base}/alerts"),
        open: "Open the alerts",
    }
}

//! `/api/rules`: metrics that are told of, and how they stand.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::Result;

use crate::alert_rule::length_text;
use crate::app::App;
use crate::domain::alert_rule::State;
use crate::store::alert_rules::{self, StoredRule};

fn row(stored: &StoredRule, states: Option<&BTreeMap<String, State>>) -> Value {
    let rule = &stored.rule;
    let states = states.into_iter().flatten().map(|(labels, state)| {
        let labels: Vec<(String, String)> = serde_json::from_str(labels).unwrap_or_default();
        json!({
            "labels": BTreeMap::from_iter(labels),
            "state": state.name(),
            "since": rfc3339(state.since()),
        })
    });
    json!({
        "id": stored.id,
        "name": rule.name,
        "query": rule.query,
        "condition": rule.condition.name(),
        "threshold": rule.condition.threshold(),
        "window": length_text(rule.window_ms),
        "hold": length_text(rule.hold_ms),
        "quiet_hours": stored.quiet_hours,
        "channel_id": stored.target.number(),
        "is_paused": stored.is_paused,
        "states": states.collect::<Vec<Value>>(),
    })
}

/// Every rule, as the API shows it.
pub(crate) async fn rows(app: &App) -> Result<Vec<Value>> {
    let found = app
        .common
        .read(|connection| Ok((alert_rules::all(connection)?, alert_rules::states(connection)?)));
    let (all, states) = found.await?;
    Ok(all
        .iter()
        .map(|stored| row(stored, states.get(&stored.id)))
        .collect())
}

/// What a rule is made of, for refusals.
pub(crate) const SHAPE: &str = "{\"name\", \"query\", \"condition\", \"window\", \"hold\", \"quiet_hours\": a string, \
                     \"threshold\", \"channel_id\": a number, \"is_paused\": true or false}";

//! `/api/rules`: saved searches that are told of.

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::Result;

use crate::app::App;
use crate::store::alert_rules::{self, StoredRule};

const MINUTE_MS: i64 = 60_000;

fn row(stored: &StoredRule) -> Value {
    let rule = &stored.rule;
    json!({
        "id": stored.id,
        "name": rule.name,
        "query": rule.query,
        "matches": rule.n_matches,
        "within_minutes": rule.window_ms / MINUTE_MS,
        "pause_minutes": rule.pause_ms / MINUTE_MS,
        "quiet_hours": stored.quiet_hours,
        "channel_id": stored.target.number(),
        "is_paused": stored.is_paused,
        "told_at": stored.told_at.map(rfc3339),
    })
}

/// Every rule, as the API shows it.
pub(crate) async fn rows(app: &App) -> Result<Vec<Value>> {
    let all = app.common.read(alert_rules::all).await?;
    Ok(all.iter().map(row).collect())
}

/// What a rule is made of, for refusals.
pub(crate) const SHAPE: &str = "{\"name\", \"query\", \"quiet_hours\": a string, \"matches\", \"within_minutes\", \
                     \"pause_minutes\", \"channel_id\": a number, \"is_paused\": true or false}";

//! `/api/rules`: who is told of what.

use serde::Serialize;
use serde_json::Value;
use web::{Error, Result};

use crate::app::App;
use crate::store::rules::{self, StoredRule};

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    project: Option<&'a str>,
    environment: Option<&'a str>,
    on_created: bool,
    on_reopened: bool,
    on_spike: bool,
    every_n: Option<u32>,
    quiet_hours: Option<&'a str>,
    channel_id: Option<i64>,
    is_paused: bool,
}

impl<'a> Row<'a> {
    fn of(stored: &'a StoredRule) -> Self {
        let rule = &stored.rule;
        Self {
            id: stored.id,
            project: rule.project.as_deref(),
            environment: rule.environment.as_deref(),
            on_created: rule.on_created,
            on_reopened: rule.on_reopened,
            on_spike: rule.on_spike,
            every_n: rule.every_n,
            quiet_hours: stored.quiet_hours.as_deref(),
            channel_id: stored.target.number(),
            is_paused: stored.is_paused,
        }
    }
}

/// Every rule, as the API shows it.
pub(crate) async fn rows(app: &App) -> Result<Vec<Value>> {
    let all = app.common.read(rules::all).await?;
    let rows = all.iter().map(|stored| serde_json::to_value(Row::of(stored)));
    rows.collect::<Result<_, _>>().map_err(Error::internal)
}

/// What a rule is made of, for refusals.
pub(crate) const SHAPE: &str = "{\"project\", \"environment\", \"quiet_hours\": a string, \"on_created\", \"on_reopened\", \
                     \"on_spike\", \"is_paused\": true or false, \"every_n\", \"channel_id\": a number}";

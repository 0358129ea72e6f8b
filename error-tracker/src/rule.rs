//! Rules: what is taken as one; the same for the API and the page.

use serde::Deserialize;
use serde_json::Number;
use web::{Error, Result};

use crate::app::App;
use crate::domain::alerting::Rule;
use crate::domain::json_text::whole;
use crate::store::rules::{self, StoredRule};
use alerts::{Target, no_such_rule, read_quiet_hours, too_many_rules};

/// Most rules: each is asked whenever something happens.
const MAX_RULES: i64 = 200;

/// A rule as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewRule {
    pub(crate) project: Option<String>,
    pub(crate) environment: Option<String>,
    #[serde(default)]
    pub(crate) on_created: bool,
    #[serde(default)]
    pub(crate) on_reopened: bool,
    #[serde(default)]
    pub(crate) on_spike: bool,
    pub(crate) every_n: Option<Number>,
    pub(crate) quiet_hours: Option<String>,
    /// None: all. 0: ALERT_EMAILS.
    pub(crate) channel_id: Option<Number>,
    /// It is kept, and wants nothing meanwhile.
    #[serde(default)]
    pub(crate) is_paused: bool,
}

/// Checks and adds a rule.
pub(crate) async fn add(app: &App, new: NewRule) -> Result<i64> {
    let stored = checked(0, new)?;
    let id = app.change(move |tx| {
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        if rules::count(tx)? >= MAX_RULES {
            return Ok(Err(too_many_rules(MAX_RULES)));
        }
        rules::put(tx, &stored).map(Ok)
    });
    id.await?
}

/// Checks a rule and puts it in place of another. What happened before is told as the other wanted.
pub(crate) async fn change(app: &App, id: i64, new: NewRule) -> Result<()> {
    let stored = checked(id, new)?;
    let changed = app.change(move |tx| {
        if rules::find(tx, id)?.is_none() {
            return Ok(Err(no_such_rule()));
        }
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        rules::put(tx, &stored).map(|_| Ok(()))
    });
    changed.await?
}

/// Pauses a rule, or lets it go on. Nobody is told of what happens in between.
pub(crate) async fn set_paused(app: &App, id: i64, is_paused: bool) -> Result<()> {
    let changed = app.change(move |tx| {
        let Some(stored) = rules::find(tx, id)? else {
            return Ok(Err(no_such_rule()));
        };
        rules::put(tx, &StoredRule { is_paused, ..stored }).map(|_| Ok(()))
    });
    changed.await?
}

/// A rule by its number.
pub(crate) async fn find(app: &App, id: i64) -> Result<StoredRule> {
    let found = app.common.read(move |connection| rules::find(connection, id));
    found.await?.ok_or_else(no_such_rule)
}

fn checked(id: i64, new: NewRule) -> Result<StoredRule> {
    let text = |text: Option<String>| text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let every_n = new.every_n.as_ref().map(|number| {
        whole(number)
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(|| Error::bad_request("every_n must be a whole number from 1"))
    });
    let quiet_hours = read_quiet_hours(new.quiet_hours.as_deref())?;
    let target = Target::read(new.channel_id.as_ref())?;
    let rule = Rule {
        project: text(new.project),
        environment: text(new.environment),
        on_created: new.on_created,
        on_reopened: new.on_reopened,
        on_spike: new.on_spike,
        every_n: every_n.transpose()?,
    };
    if !(rule.on_created || rule.on_reopened || rule.on_spike || rule.every_n.is_some()) {
        return Err(Error::bad_request(
            "a rule needs one of on_created, on_reopened, on_spike and every_n",
        ));
    }
    Ok(StoredRule {
        id,
        rule,
        quiet_hours,
        target,
        is_paused: new.is_paused,
    })
}

/// Deletes a rule.
pub(crate) async fn remove(app: &App, id: i64) -> Result<()> {
    match app.change(move |tx| rules::delete(tx, id)).await? {
        true => Ok(()),
        false => Err(no_such_rule()),
    }
}

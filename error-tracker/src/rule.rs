//! Rules: what is taken as one; the same for the API and the page.

use serde::Deserialize;
use serde_json::Number;
use web::{Error, Request, Result, StatusCode};

use crate::app::App;
use crate::domain::alerting::Rule;
use crate::domain::json_text::whole;
use crate::store::rules;
use alerts::{Target, read_quiet_hours};

/// Most rules: each is asked whenever something happens.
const MAX_RULES: i64 = 200;

/// A rule as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct NewRule {
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
}

/// Checks and adds a rule.
pub(crate) async fn add(app: &App, new: NewRule) -> Result<i64> {
    let (rule, quiet_hours, target) = checked(new)?;
    let id = app.change(move |tx| {
        if let Err(refusal) = target.check(tx)? {
            return Ok(Err(refusal));
        }
        if rules::count(tx)? >= MAX_RULES {
            let words = format!("there are {MAX_RULES} rules already");
            return Ok(Err(Error::new(StatusCode::CONFLICT, words)));
        }
        rules::add(tx, &rule, quiet_hours.as_deref(), target).map(Ok)
    });
    id.await?
}

fn checked(new: NewRule) -> Result<(Rule, Option<String>, Target)> {
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
    Ok((rule, quiet_hours, target))
}

/// Deletes a rule.
pub(crate) async fn remove(app: &App, id: i64) -> Result<()> {
    match app.change(move |tx| rules::delete(tx, id)).await? {
        true => Ok(()),
        false => Err(no_such_rule()),
    }
}

/// The path's id; what is no number cannot be found.
pub(crate) fn rule_id(request: &Request) -> Result<i64> {
    let id = request.param("id").parse().ok();
    id.filter(|id| *id > 0).ok_or_else(no_such_rule)
}

fn no_such_rule() -> Error {
    Error::not_found("Rule not found")
}

//! The forms of rules on `/alerts`.

use std::sync::Arc;

use web::{Error, Query, Request, Response, Result};

use super::page::done;
use super::view::View;
use crate::rules::{RuleAsked, Rules, rule_id};

/// The page with what the form said, and why it was refused.
async fn refused<A: Rules>(
    app: &A,
    request: &Request,
    error: Error,
    (id, form): (Option<i64>, &Query),
) -> Result<Response> {
    let view = View::refused(app, request, error, form).await?;
    app.page(request, view, A::form(RuleAsked::Refused(id, form)))
        .await
}

/// `POST /alerts/rules`
pub(crate) async fn add<A: Rules>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let outcome = match A::read_form(&form, false) {
        Ok(new) => app.add_rule(new).await.map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Err(error) => refused(&*app, &request, error, (None, &form)).await,
        Ok(()) => done(&*app, &request, Ok(()), "added", "../").await,
    }
}

/// `POST /alerts/rules/{id}`
pub(crate) async fn change<A: Rules>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    let form = request.form().await?;
    // Paused or not, it stays so.
    let is_paused = A::common(&app.find_rule(id).await?).is_paused;
    let outcome = match A::read_form(&form, is_paused) {
        Ok(new) => app.change_rule(id, new).await,
        Err(error) => Err(error),
    };
    match outcome {
        Err(error) => refused(&*app, &request, error, (Some(id), &form)).await,
        Ok(()) => done(&*app, &request, Ok(()), "changed", "../../").await,
    }
}

/// `POST /alerts/rules/{id}/pause`
pub(crate) async fn pause<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = app.set_rule_paused(rule_id(&request)?, true).await;
    done(&*app, &request, outcome, "paused", "../../../").await
}

/// `POST /alerts/rules/{id}/resume`
pub(crate) async fn resume<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = app.set_rule_paused(rule_id(&request)?, false).await;
    done(&*app, &request, outcome, "resumed", "../../../").await
}

/// `POST /alerts/rules/{id}/delete`
pub(crate) async fn delete<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = app.remove_rule(rule_id(&request)?).await;
    done(&*app, &request, outcome, "deleted", "../../../").await
}

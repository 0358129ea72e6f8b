//! The page as a whole: read and shown, or shown again after a form.

use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::said::Said;
use super::view::View;
use crate::channel::NewChannel;
use crate::rules::{RuleAsked, Rules};

pub(super) async fn shown<A: Rules>(
    app: &A,
    request: &Request,
    status: StatusCode,
    said: Said,
    asked: Option<NewChannel>,
) -> Result<Response> {
    let view = View::read(app, request, status, said, asked).await?;
    with_form(app, request, view).await
}

/// Back to the page, or the page with why it was not done. `up` leads from the form's address to the root.
pub(super) async fn done<A: Rules>(
    app: &A,
    request: &Request,
    outcome: Result<()>,
    said: &str,
    up: &str,
) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(Response::see_other(&format!("{up}alerts?said={said}"))),
        Err(error) => {
            let (status, said) = Said::of_refusal(error)?;
            shown(app, request, status, said, None).await
        }
    }
}

/// The page with its form fresh, or with the rule that `?rule=` names.
async fn with_form<A: Rules>(app: &A, request: &Request, mut view: View) -> Result<Response> {
    let id = request.query().get("rule").and_then(|id| id.parse().ok());
    let form = match id {
        Some(id) => {
            let stored = app.find_rule(id).await?;
            let common = A::common(&stored);
            view.rule_fields.show(common.target, common.quiet_hours);
            A::form(RuleAsked::Stored(&stored))
        }
        None => A::form(RuleAsked::New(request.query())),
    };
    app.page(request, view, form).await
}

//! Rules: what a service brings of its own; who may be told, and the doors of the API and the page, are here for all.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;
use web::{Error, Query, Request, Response, Result, StatusCode};

use crate::alerting::Alerting;
use crate::pages::View;
use crate::told::Target;

/// The rules of a service; implemented by its `App`.
pub trait Rules: Alerting {
    /// A rule as it is asked for, in JSON or by the form.
    type New: DeserializeOwned + Send;
    /// A rule as it is stored.
    type Stored: Send + Sync;
    /// What stands in the form of the page.
    type Form: Send;

    /// What a rule is made of, for refusals: `{"name": a string, …}`.
    const SHAPE: &'static str;

    /// Every rule, as the API shows it.
    fn rows(&self) -> impl Future<Output = Result<Vec<Value>>> + Send;

    /// A rule by its number; 404 if there is none.
    fn find_rule(&self, id: i64) -> impl Future<Output = Result<Self::Stored>> + Send;

    /// Checks and adds a rule. Returns its number.
    fn add_rule(&self, new: Self::New) -> impl Future<Output = Result<i64>> + Send;

    /// Checks a rule and puts it in place of another.
    fn change_rule(&self, id: i64, new: Self::New) -> impl Future<Output = Result<()>> + Send;

    /// Pauses a rule, or lets it go on.
    fn set_rule_paused(&self, id: i64, is_paused: bool) -> impl Future<Output = Result<()>> + Send;

    /// Deletes a rule; 404 if there is none.
    fn remove_rule(&self, id: i64) -> impl Future<Output = Result<()>> + Send;

    /// What all rules have in common.
    fn common(stored: &Self::Stored) -> RuleCommon<'_>;

    /// What the page's form asks for.
    fn read_form(form: &Query, is_paused: bool) -> Result<Self::New>;

    /// What the page's form is filled with.
    fn form(asked: RuleAsked<'_, Self::Stored>) -> Self::Form;

    /// The page `/alerts`, with the service's rules and its form between the parts of `view`.
    fn page(
        &self,
        request: &Request,
        view: View,
        form: Self::Form,
    ) -> impl Future<Output = Result<Response>> + Send;
}

/// What every stored rule has.
#[derive(Debug, Clone, Copy)]
pub struct RuleCommon<'a> {
    /// Who is told.
    pub target: Target,
    /// Hours in which it waits, as written.
    pub quiet_hours: Option<&'a str>,
    /// It is kept, and tells of nothing.
    pub is_paused: bool,
}

/// Why the form is shown.
#[derive(Debug)]
pub enum RuleAsked<'a, S> {
    /// To add a rule; the query of the page's URL may say which.
    New(&'a Query),
    /// To change this one.
    Stored(&'a S),
    /// What it said was refused; the number of the rule that was to be changed.
    Refused(Option<i64>, &'a Query),
}

/// The path's id; what is no number cannot be found.
pub(crate) fn rule_id(request: &Request) -> Result<i64> {
    let id = request.param("id").parse().ok();
    id.filter(|id| *id > 0).ok_or_else(no_such_rule)
}

/// 404.
pub fn no_such_rule() -> Error {
    Error::not_found("Rule not found")
}

/// 409: a service has room for so many.
pub fn too_many_rules(max: i64) -> Error {
    Error::new(StatusCode::CONFLICT, format!("there are {max} rules already"))
}

//! What `shared/alerts` needs of this service for the doors of its rules.

use alerts::{RuleAsked, RuleCommon, Rules, View};
use serde_json::Value;
use web::{Query, Request, Response, Result};

use crate::alert_rule::{self, NewRule};
use crate::api;
use crate::app::App;
use crate::pages::{self, alerts::RuleForm};
use crate::store::alert_rules::StoredRule;

impl Rules for App {
    type New = NewRule;
    type Stored = StoredRule;
    type Form = RuleForm;

    const SHAPE: &'static str = api::alert_rules::SHAPE;

    async fn rows(&self) -> Result<Vec<Value>> {
        api::alert_rules::rows(self).await
    }

    async fn find_rule(&self, id: i64) -> Result<StoredRule> {
        alert_rule::find(self, id).await
    }

    async fn add_rule(&self, new: NewRule) -> Result<i64> {
        alert_rule::add(self, new).await
    }

    async fn change_rule(&self, id: i64, new: NewRule) -> Result<()> {
        alert_rule::change(self, id, new).await
    }

    async fn set_rule_paused(&self, id: i64, is_paused: bool) -> Result<()> {
        alert_rule::set_paused(self, id, is_paused).await
    }

    async fn remove_rule(&self, id: i64) -> Result<()> {
        alert_rule::remove(self, id).await
    }

    fn common(stored: &StoredRule) -> RuleCommon<'_> {
        RuleCommon {
            target: stored.target,
            quiet_hours: stored.quiet_hours.as_deref(),
            is_paused: stored.is_paused,
        }
    }

    fn read_form(form: &Query, is_paused: bool) -> Result<NewRule> {
        pages::alerts::new_rule(form, is_paused)
    }

    fn form(asked: RuleAsked<'_, StoredRule>) -> RuleForm {
        RuleForm::new(asked)
    }

    async fn page(&self, request: &Request, view: View, form: RuleForm) -> Result<Response> {
        pages::alerts::page(self, request, view, form).await
    }
}

//! What the page shows but for the service's rules.

use service::unix_ms;
use web::{Error, Query, Request, Result, StatusCode};

use super::channels::{Channels, channel_name};
use super::history::History;
use super::rule_fields::RuleFields;
use super::said::Said;
use crate::alerting::Alerting;
use crate::channel::NewChannel;
use crate::store::channels::{self, Channel};
use crate::store::deliveries;
use crate::told::Target;

/// The parts of the page, to be set into the service's own template as they are.
pub struct View {
    /// Of the answer.
    pub status: StatusCode,
    /// What was done, or why it was not.
    pub said: Said,
    /// Where alerts go.
    pub channels: Channels,
    /// Fields that the form of every rule has.
    pub rule_fields: RuleFields,
    /// What was sent.
    pub history: History,
    stored: Vec<Channel>,
}

/// Lines of the history on one page.
const HISTORY_LINES: u32 = 50;

impl View {
    /// Reads it. `asked`: a channel that was asked for and refused.
    pub(crate) async fn read<A: Alerting>(
        app: &A,
        request: &Request,
        status: StatusCode,
        said: Said,
        asked: Option<NewChannel>,
    ) -> Result<Self> {
        let alerts = app.alerts();
        let before = request
            .query()
            .get("before")
            .and_then(|text| text.parse::<i64>().ok());
        let found = alerts.common.read(move |connection| {
            let page = deliveries::page(connection, before, HISTORY_LINES)?;
            Ok((channels::all(connection)?, page))
        });
        let (stored, page) = found.await?;
        let subjects = page.lines.iter().filter_map(|line| line.delivery.subject_id);
        let names = app.names(subjects.collect()).await?;
        let root = request.root();
        Ok(Self {
            status,
            said,
            channels: Channels::new(root.clone(), alerts.reach(), &stored, asked),
            rule_fields: RuleFields::new(&stored),
            history: History::new::<A>(root, &page, before.is_some(), &names, &stored, unix_ms()),
            stored,
        })
    }

    /// After the form of a rule was refused: why, and the fields that every rule has filled again.
    /// Passes on what is no fault of the form.
    pub async fn refused<A: Alerting>(
        app: &A,
        request: &Request,
        error: Error,
        form: &Query,
    ) -> Result<Self> {
        let (status, said) = Said::of_refusal(error)?;
        let mut view = Self::read(app, request, status, said, None).await?;
        view.rule_fields.fill(form);
        Ok(view)
    }

    /// Whom a rule means, in words.
    pub fn target_words(&self, target: Target) -> String {
        match target {
            Target::All => "all channels".to_owned(),
            Target::Emails => "ALERT_EMAILS".to_owned(),
            Target::Channel(id) => channel_name(&self.stored, id),
        }
    }
}

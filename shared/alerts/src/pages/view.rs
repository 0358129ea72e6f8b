//! What the page shows but for the service's rules.

use service::unix_ms;
use web::{Request, Result, StatusCode};

use super::channels::Channels;
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
        let found = alerts
            .common
            .read(|connection| Ok((channels::all(connection)?, deliveries::newest(connection)?)));
        let (stored, lines) = found.await?;
        let root = request.root();
        Ok(Self {
            status,
            said,
            channels: Channels::new(root.clone(), alerts.reach(), &stored, asked),
            rule_fields: RuleFields::new(&stored),
            history: History::new::<A>(root, &lines, &stored, unix_ms()),
            stored,
        })
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

pub(super) fn channel_name(channels: &[Channel], id: i64) -> String {
    let found = channels.iter().find(|channel| channel.id == id);
    found.map_or_else(
        || format!("channel {id}, deleted"),
        |channel| channel.name.clone(),
    )
}
